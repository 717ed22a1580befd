// Loads Pyodide and runs an empty cell; when asked, imports the official client from the site's own bytecode.
import { decompress } from "../static/pyodide/fzstd.mjs";
import { loadPyodide } from "./pyodide.mjs";

const loading = loadPyodide();
loading.then((python) => python.runPythonAsync("pass")).then(() => postMessage("answers"));

onmessage = async () => {
  const python = await loading;
  for (const name of ["base", "client"]) {
    const response = await fetch(`../static/pyodide/${name}.bin`);
    const bytes = decompress(new Uint8Array(await response.arrayBuffer()));
    const head = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    for (const [path, start, end] of JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + head)))) {
      python.FS.mkdirTree(path.slice(0, path.lastIndexOf("/")));
      python.FS.writeFile(path, bytes.subarray(4 + head + start, 4 + head + end));
    }
  }
  python.runPython("import sys; sys.path.append('/lib/client.zip')");
  const begun = performance.now();
  python.runPython("import kubernetes");
  postMessage(performance.now() - begun);
};
