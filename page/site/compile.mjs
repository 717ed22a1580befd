// Compile Python files to bytecode with the Pyodide that will run them: node compile.mjs PYODIDE FOLDER PLACE
// PLACE is where the folder's files lie in the page.
// Docstrings stay where a learner may read them, or where a library does.
const [pyodideFolder, folder, place] = process.argv.slice(2);
const { loadPyodide } = await import(`${pyodideFolder}/pyodide.mjs`);
const pyodide = await loadPyodide({ indexURL: pyodideFolder });
pyodide.mountNodeFS("/packages", folder);
pyodide.runPython(`
import pathlib, py_compile, re

documented = re.compile(r"labkit/(?!grading/)|IPython/|ipywidgets/|traitlets/|anywidget/")
for path in pathlib.Path("/packages").rglob("*.py"):
    name = str(path.relative_to("/packages"))
    py_compile.compile(path, str(path) + "c", f"${place}/{name}", doraise=True,
                       optimize=0 if documented.match(name) else 2,
                       invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
`);
