// Pyodide for JupyterLite's kernel, with everything in it that labkit needs.
//
// JupyterLite's worker imports this file in the place of pyodide.mjs. It loads Pyodide from beside it, unpacks
// base.bin (Python packages as bytecode, labkit with its sources), and gives Python the module `labkit_site`: what the
// site keeps, and what it tells the page. Nothing is asked of another server.

import { loadPyodide as loadCore } from "./pyodide.mjs";
import { Kept } from "./storage.mjs";

const HERE = new URL("./", import.meta.url);
const SITE = new URL("../../", import.meta.url).pathname;
const channel = new BroadcastChannel(`labkit:${SITE}`);
const tell = (message) => channel.postMessage(message);

/** Report each part as it arrives: its bytes the first time, and as a whole when the browser keeps it already. */
async function watchLoading(kept) {
  const sizes = await (await fetch(new URL("sizes.json", HERE))).json();
  const total = Object.values(sizes).reduce((sum, size) => sum + size, 0);
  const plain = globalThis.fetch;
  let loaded = 0;
  const add = (bytes) => tell({ what: "loading", loaded: Math.min((loaded += bytes), total), total });
  globalThis.fetch = async (resource, options) => {
    const response = await plain(resource, options);
    const size = sizes[new URL(String(resource.url ?? resource), HERE).pathname.split("/").pop()];
    // Passing a copy on would cost the browser's kept compilation of WebAssembly.
    if (!size || kept || !response.body) {
      add(size ?? 0);
      return response;
    }
    const reader = response.clone().body.getReader();
    const read = ({ done, value }) => done || (add(value.length), reader.read().then(read));
    reader.read().then(read, () => {});
    return response;
  };
  tell({ what: "loading", loaded, total });
}

const addressOf = (name) => new URL(`${name}.bin`, HERE);

/** Whether the service worker has kept what lies beside this file. */
const isKept = (name) => globalThis.caches?.match(addressOf(name)).then(Boolean, () => false) ?? false;

/** What lies compressed beside this file. */
async function read(name) {
  const response = await fetch(addressOf(name));
  if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
  return new Response(response.body.pipeThrough(new DecompressionStream("gzip")));
}

/** The files of an archive: a length, a list as JSON, and the files one after the other. */
async function readArchive(name) {
  const bytes = new Uint8Array(await (await read(name)).arrayBuffer());
  const head = new DataView(bytes.buffer).getUint32(0);
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

export async function loadPyodide(options) {
  const [kept, keptClient] = await Promise.all(["base", "client"].map(isKept));
  await watchLoading(kept);
  const base = readArchive("base");
  const opening = Kept.open(`labkit:${SITE}`, tell);
  const stdLibURL = URL.createObjectURL(await (await read("stdlib")).blob());
  const pyodide = await loadCore({ ...options, indexURL: HERE.href, stdLibURL, packages: [] });
  URL.revokeObjectURL(stdLibURL);
  unpack(pyodide.FS, await base);
  const storage = await opening;
  let client;
  const fetchClient = async () => {
    try {
      unpack(pyodide.FS, await readArchive("client"));
    } catch (error) {
      client = undefined; // the next cell tries again
      throw error;
    }
  };
  pyodide.registerJsModule("labkit_site", {
    read: (name) => storage.read(name),
    write: (name, bytes) => {
      storage.write(name, bytes.toJs());
      bytes.destroy?.();
    },
    enter: () => storage.enter(),
    leave: () => storage.leave(),
    has_client: keptClient,
    fetch_client: () => (client ??= fetchClient()),
    tell: (what, text) => tell({ what, text }),
  });
  return pyodide;
}
