// Pyodide for JupyterLite's kernel, with everything in it that labkit needs.
//
// JupyterLite's worker imports this file in the place of pyodide.mjs. It loads Pyodide from beside it, unpacks
// base.bin (Python packages as bytecode, labkit with its sources), and gives Python the module `labkit_site`: what the
// site keeps, and what it tells the page. Nothing is asked of another server. Where the browser has all of it, the page
// starts this early (early.mjs), and JupyterLite takes what has been started.

import { decompress } from "./fzstd.mjs";
import { loadPyodide as loadCore } from "./pyodide.mjs";
import { Kept } from "./storage.mjs";

const HERE = new URL("./", import.meta.url);
const SITE = new URL("../../", import.meta.url).pathname;
const t = (english) => english; // marks what the page shows in the learner's language (loading.js)

/** How the kernel talks to the page: not at all where the browser refuses the site's data (Firefox). */
function openChannel() {
  try {
    return new BroadcastChannel(`labkit:${SITE}`);
  } catch {
    return { postMessage() {} };
  }
}
const channel = openChannel();
const tell = (message) => channel.postMessage(message);

/**
 * Report each part as it arrives: its bytes the first time, and as a whole when the browser keeps it already.
 *
 * They are counted as on the wire, where a static host compresses some, and after JupyterLab's: in the sum that the
 * landing page promises.
 *
 * @returns What ends it: later fetches, as of the official client, are not part of the start.
 */
async function watchLoading(kept) {
  const { files, total } = await (await fetch(new URL("sizes.json", HERE))).json();
  const before = total - Object.values(files).reduce((sum, { wire }) => sum + wire, 0);
  const plain = globalThis.fetch;
  let loaded = before;
  let watching = true;
  const add = (bytes) => {
    loaded = Math.min(loaded + bytes, total);
    if (!watching) return;
    tell({ what: "loading", text: Math.round(loaded) < total ? "" : t("Starting Python"), loaded, total });
  };
  globalThis.fetch = async (resource, options) => {
    const response = await plain(resource, options);
    const file = files[new URL(String(resource.url ?? resource), HERE).pathname.split("/").pop()];
    // Passing a copy on would cost the browser's kept compilation of WebAssembly.
    if (!file || kept || !response.body) {
      add(file?.wire ?? 0);
      return response;
    }
    const reader = response.clone().body.getReader();
    const read = ({ done, value }) => done || (add((value.length * file.wire) / file.size), reader.read().then(read));
    reader.read().then(read, () => {});
    return response;
  };
  tell({ what: "loading", text: "", loaded, total });
  return () => {
    globalThis.fetch = plain;
    watching = false;
  };
}

const addressOf = (name) => new URL(`${name}.bin`, HERE);

/** Whether the service worker has kept what lies beside this file. */
async function isKept(name) {
  try {
    return Boolean(await caches.match(addressOf(name)));
  } catch {
    return false; // no service worker, or the site's data are refused
  }
}

/** Give memory back at once: in an idle worker, Firefox collects no garbage. */
function forget(memory) {
  memory.transfer?.(0);
}

/** What is compressed with Zstandard; the compressed bytes are gone. */
function unpacked(compressed) {
  const bytes = decompress(new Uint8Array(compressed));
  forget(compressed);
  return bytes;
}

/** The bytes of what lies compressed beside this file. */
async function read(name) {
  const response = await fetch(addressOf(name));
  if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
  return unpacked(await response.arrayBuffer());
}

/** Ask for what lies beside this file while Python waits amid a cell, as a worker may. */
function request(address, type = "text") {
  const asked = new XMLHttpRequest();
  asked.open("GET", address, false);
  asked.responseType = type;
  asked.send();
  return asked;
}

/** The files of an archive: a length, a list as JSON, and the files one after the other. */
function filesOf(bytes) {
  const head = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return { list: JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + head))), data: bytes.subarray(4 + head) };
}

function unpack(FS, { list, data }) {
  const folders = new Set();
  for (const [path, start, end] of list) {
    const folder = path.slice(0, path.lastIndexOf("/"));
    if (!folders.has(folder)) {
      FS.mkdirTree(folder);
      folders.add(folder);
    }
    FS.writeFile(path, data.subarray(start, end), { canOwn: true });
  }
}

let early;
let output = console; // where Python's own messages go until JupyterLite says where
let attach;
const attached = new Promise((resolve) => (attach = () => resolve()));

/** Start Python before JupyterLite asks for it. */
export function startEarly() {
  early = start();
  early.catch(() => {}); // loadPyodide says so
}

export function loadPyodide(options) {
  output = { log: options.stdout, error: options.stderr };
  attach();
  return early ?? start();
}

async function start() {
  const [kept, keptClient] = await Promise.all(["base", "client"].map(isKept));
  const endWatch = await watchLoading(kept);
  const base = read("base").then(filesOf);
  const opening = Kept.open(`labkit:${SITE}`, tell);
  const library = await read("stdlib");
  const stdLibURL = URL.createObjectURL(new Blob([library]));
  forget(library.buffer);
  const pyodide = await loadCore({
    indexURL: HERE.href,
    packages: [],
    env: { LANG: "en_US.UTF-8" }, // not the browser's: a notebook says which language it is in
    stdLibURL,
    stdout: (text) => output.log(text),
    stderr: (text) => output.error(text),
  });
  URL.revokeObjectURL(stdLibURL);
  endWatch();
  tell({ what: "loading", text: t("Importing the notebook's kernel") });
  unpack(pyodide.FS, await base);
  const storage = await opening;
  const client = []; // of each of the official client's archives: its memory, and its files' paths
  const putClient = (bytes) => {
    const files = filesOf(bytes);
    unpack(pyodide.FS, files);
    client.push({ memory: bytes.buffer, paths: files.list.map(([path]) => path) });
  };
  const forgetClient = () => {
    for (const { memory, paths } of client.splice(0)) {
      paths.forEach((path) => pyodide.FS.unlink(path));
      forget(memory);
    }
  };
  let fetching; // the first of them: a cell may ask for it while it is fetched ahead
  pyodide.registerJsModule("labkit_site", {
    read: (name) => storage.read(name),
    write: (name, bytes) => {
      storage.write(name, bytes.toJs());
      bytes.destroy?.();
    },
    attached,
    enter: () => storage.enter(),
    leave: () => storage.leave(),
    has_client: keptClient,
    fetch_text: (name) => {
      const { status, response } = request(new URL(name, HERE));
      return status === 200 ? response : "";
    },
    fetch_client: () => (fetching ??= read("client").then(putClient).finally(() => (fetching = undefined))),
    fetch_client_now: (name) => putClient(unpacked(request(addressOf(name), "arraybuffer").response)),
    forget_client: forgetClient,
    tell: (what, text) => attached.then(() => tell({ what, text })),
    site: new URL("../../", HERE).href,
  });
  // JupyterLite would import them in a folder of notebooks: each look into it asks the page's thread, which is busy.
  await pyodide.runPythonAsync("import piplite.piplite, pyodide_kernel");
  return pyodide;
}
