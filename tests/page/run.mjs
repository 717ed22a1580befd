// Run a Python script of tests/page/inside in Pyodide: node run.mjs BUILD TESTS SCRIPT KEPT < question > answer
// KEPT is a directory that lasts: the page's storage. The answer is the script's `answer`, as the last line.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [build, tests, script, kept] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(path.join(build, "node_modules/pyodide/pyodide.mjs")));

function copy(from, to) {
  python.FS.mkdirTree(to);
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), `${to}/${entry.name}`];
    if (entry.isDirectory()) copy(source, target);
    else {
      const { mtimeMs } = fs.statSync(source);
      python.FS.writeFile(target, fs.readFileSync(source));
      python.FS.utime(target, mtimeMs, mtimeMs); // for the bytecode of earlier runs
    }
  }
}

const python = await loadPyodide();
copy(path.join(build, "labkit"), "/page/labkit");
copy(path.join(build, "packages"), "/page/packages");
for (const part of ["parity", "support"]) copy(path.join(tests, part), `/page/tests/tests/${part}`);
python.FS.writeFile("/page/tests/tests/__init__.py", "");
// The server's own tests are not in the page.
copy(path.join(tests, "../kube_embedded/tests/support"), "/page/labkit/kube_embedded/tests/support");
python.FS.writeFile("/page/labkit/kube_embedded/tests/__init__.py", "");
fs.mkdirSync(path.join(build, "bytecode"), { recursive: true });
for (const [place, folder] of [["/kept", kept], ["/bytecode", path.join(build, "bytecode")]]) {
  python.FS.mkdirTree(place);
  python.mountNodeFS(place, folder);
}
python.globals.set("question", fs.readFileSync(0, "utf8"));
try {
  await python.runPythonAsync(`
import sys
sys.path[:0] = ["/page/labkit", "/page/packages", "/page/tests"]
sys.pycache_prefix, sys.dont_write_bytecode = "/bytecode", False
`);
  await python.runPythonAsync(fs.readFileSync(path.join(tests, "page/inside", script), "utf8"));
  const heap = Math.round(python._module.HEAP8.length / 2 ** 20);
  await new Promise((done) => setTimeout(done, 50)); // what the page does when a cell has ended
  const answer = JSON.stringify({ answer: JSON.parse(python.globals.get("answer")), heap });
  await new Promise((written) => process.stdout.write(`\n${answer}\n`, written)); // a pipe takes 64 KiB at once
  process.exit(0);
} catch (error) {
  process.stdout.write(`${String(error.message).slice(0, 8000)}\n`);
  process.exit(1);
}
