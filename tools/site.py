"""Build the site: the whole lab in a browser's page, and the documentation beside it.

    python -m tools.site              from what `make site` has laid out, into build/site
    python -m tools.site --out DIR    the same into another folder
    python -m tools.site --no-docs    without the documentation

JupyterLite is JupyterLab without a server; its kernel is Python in WebAssembly (Pyodide). Every file that a page asks
for lies in the site: it works from any static file server, below any path. docs/page.md says how it works.
"""

from __future__ import annotations

import argparse
import ast
import gzip
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

import yaml
import zstandard

from labkit.lab.extension import write_extension
from labkit.lab.workbook import NOT_FOR_LEARNERS
from tools import documents, page_packages, site_fonts, site_pages
from tools.notebooks import ROOT

BUILD = page_packages.BUILD
SOURCES = ROOT / "page" / "site"
STATIC = ROOT / "labkit" / "ui" / "static"
PYODIDE = BUILD / "node_modules" / "pyodide"
FZSTD = BUILD / "node_modules" / "fzstd" / "esm" / "index.mjs"
"""Reads Zstandard in the page: a quarter less to load than with the gzip that browsers have built in."""
COMPILED = BUILD / "bytecode"
PACKAGES = BUILD / "packages"
"""The Python packages of the page (tools/page_packages.py)."""
LABEXTENSIONS = Path(sys.prefix) / "share" / "jupyter" / "labextensions"
APPS = ("lab", "notebooks")
"""JupyterLab, and for narrow screens Notebook's page of one document."""
EXTENSIONS = (
    "@jupyterlite/pyodide-kernel-extension",
    "@jupyter-widgets/jupyterlab-manager",
    "anywidget",
)

CORE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm")
WATCHED = ("base.bin", "pyodide.asm.wasm", "stdlib.bin")
"""Python's parts whose arrival the bar shows."""
SITE_PACKAGES = "/lib/python3.14/site-packages"
LATER: set[str] = next(
    ast.literal_eval(each.value)
    for each in ast.parse((SOURCES / "python" / "labkit_page.py").read_text(encoding="utf-8")).body
    if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "LATER"
)
"""What the kernel fetches when a cell first imports it: the official client."""
JOINING = "joining.py"
"""A learner's side of a class, fetched when a lab joins one."""
LANGUAGES = ROOT / "labkit" / "core" / "languages"
"""What labkit says in other languages, fetched by who reads one."""
CLIENT, CLIENT_REST = "/lib/client.zip", "/lib/client_rest.zip"
"""Where they lie in the page."""
REST = re.compile(
    r"kubernetes/client/(api/(?!__init__\.|apis_api\.)|models/(?!__init__\.|v1_api_group|v1_group_version|v1_server_addr))"
)
"""Of the official client, what no lesson imports: nine tenths."""
LEFT_OUT = re.compile(
    r"(^|/)(tests?|__pycache__|share|bin|etc)/|^labkit/cli/|^kubernetes/aio/"
    r"|^(aiohappyeyeballs|aiohttp|aiohttp_retry|aiosignal|attrs?|frozenlist|multidict|propcache|yarl)[/-]"
    r"|^(click|markdown_it|mdurl|prompt_toolkit|rich|wcwidth)/|^anywidget/(lab|nb)extension/|^ecdsa/test_"
    r"|^(jedi|parso|packaging|widgetsnbextension|jupyterlab_widgets)[/-]|^IPython/(extensions/(?!__init__|storemagic)|sphinxext/)"
    r"|^labkit/(_data/notebooks|presenter|backends/kind)/|^labkit/lessons/talk\.|^labkit/lab/lesson/"
    r"|^labkit/classroom/(?!__init__\.py)|^labkit/core/languages/"
    r"|^labkit/practice/(pool\.json|beliefs\.yaml|asking|chooser)"
    r"|^labkit/backends/(bundle|engine|existing|podimage|preflight)\.py"
    r"|^labkit/grading/(?!(__init__|exercises|judging|tasks)\b)"
    r"|\.dist-info/(?!METADATA$)|\.(pyi|h|c|pyx|pxd|map)$"
)
SOURCES_STAY = re.compile(r"labkit/(?!grading/|rbac/testing/|ui/)")
"""What a learner may look at; the rest is bytecode alone."""
TEXTS = re.compile(r"labkit/(lessons|grading/tasks(/files)?)/[\w.]+\.yaml$")
"""What the lab reads as it starts: as JSON, for the page's YAML parser is Python."""
LEXERS = re.compile(r"pygments/lexers/(?!(__init__|_mapping|python|special|shell|data)\.py)")
"""Pygments' other languages: 5 MB."""
SELDOM = re.compile(
    r"(_markupbase|_pydatetime|_pyio|_pylong|bdb|cmd|code|configparser|csv|doctest|ftplib|gzip|imaplib|mailbox|modulefinder"
    r"|optparse|pdb|pickletools|plistlib|poplib|profile|pstats|pyclbr|pydoc|smtplib|statistics|sysconfig|tarfile|trace|wave"
    r"|_sysconfigdata\w*)\.py|(_pyrepl|ctypes|multiprocessing|unittest|wsgiref|xml|xmlrpc|zoneinfo)/"
    r"|encodings/(?!(__init__|aliases|ascii|cp437|idna|latin_1|utf_8)\.py)"
)
"""Of the standard library, what the lab does not import: it stays as sources, which are smaller."""

MOST_IN_ALL, MOST_TO_BEGIN = 40e6, 15e6
"""Bytes on the wire, compressed, of the whole site and of what comes before the first cell."""
FRONT_END = 2_300_000
"""Of JupyterLab's 6 MB, what its first page with a notebook takes; tests/page/site measures the sum."""
PACK_LEVEL = 16
"""Level 19 takes twice as long and saves 4 % more."""
COMPRESSED_ALREADY = {".bin", ".png", ".woff", ".woff2", ".zip", ".ico"}
OF_THE_KERNEL = {
    "kernelspec": {"name": "python", "display_name": "Python (Pyodide)", "language": "python"},
    "language_info": {
        "codemirror_mode": {"name": "python", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
        "version": "3.8",
    },
}
"""What JupyterLite's kernel writes into a notebook: with it, one that was only opened is not a changed one."""
WORDS = {
    "JupyterLite": "labkit",
    "WASM powered Jupyter running in the browser.": "Kubernetes' API and RBAC, hands on.",
}

Files = dict[str, bytes]


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the site. Returns 1 when it is larger than it may be."""
    parser = argparse.ArgumentParser(
        description="Build the lab and its documentation as a static site."
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "site", help="where the site goes"
    )
    parser.add_argument("--no-docs", action="store_true", help="leave the documentation out")
    asked = parser.parse_args(arguments)
    out: Path = asked.out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    page_packages.install(PACKAGES)
    build_jupyterlite(out)
    add_python(out / "static" / "pyodide")
    if not asked.no_docs:
        shutil.copytree(
            ROOT / "build" / "docs", out / "docs", ignore=shutil.ignore_patterns(".*", "_sources")
        )
    finish_pages(out)
    return report(out)


def build_jupyterlite(out: Path) -> None:
    """Lay JupyterLab out, with the notebooks and the few extensions that a learner needs."""
    with tempfile.TemporaryDirectory(prefix="lk-") as directory:
        folder = Path(directory)
        notebooks = folder / "notebooks"
        ignored = shutil.ignore_patterns(*NOT_FOR_LEARNERS, ".*")
        shutil.copytree(ROOT / "notebooks", notebooks, ignore=ignored)
        for picture in notebooks.rglob("*.svg"):  # JupyterLite shows none with other characters
            picture.write_bytes(
                picture.read_text(encoding="utf-8").encode("ascii", "xmlcharrefreplace")
            )
        editions = {}
        for notebook in notebooks.rglob("*.ipynb"):
            document = json.loads(notebook.read_text(encoding="utf-8"))
            edition = editions[notebook.relative_to(notebooks).as_posix()] = edition_of(document)
            document["metadata"].update(OF_THE_KERNEL, labkit_edition=edition)
            notebook.write_text(json.dumps(document), encoding="utf-8")
        for name in ("jupyter-lite.json", "overrides.json"):
            shutil.copyfile(SOURCES / name, folder / name)
        command = [sys.executable, "-m", "jupyterlite_core", "build", "--ignore-sys-prefix"]
        command += [f"--apps={app}" for app in APPS]
        command += ["federated_extensions", "--contents", str(notebooks), "--output-dir", str(out)]
        extensions = [LABEXTENSIONS / name for name in EXTENSIONS]
        for extension in [*extensions, write_extension(folder / "extensions")]:
            command.append(f"--LiteBuildConfig.federated_extensions={extension}")
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(
                f"JupyterLite could not be built:\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
            )
    for path in [*out.rglob("*.map"), *out.glob("rspack.*")]:
        path.unlink(missing_ok=True)
    shutil.rmtree(out / "doc", ignore_errors=True)
    (out / "static").mkdir(exist_ok=True)
    (out / "static" / "editions.json").write_text(
        json.dumps(editions, sort_keys=True), encoding="utf-8"
    )


def edition_of(notebook: dict[str, Any]) -> str:
    """A hash of a notebook's cells, by which ``loading.js`` knows whether a saved copy was changed."""
    text = "\n".join("".join(cell["source"]) for cell in notebook["cells"])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def add_python(folder: Path) -> None:
    """Add Pyodide, the packages in two archives, and the kernel that puts them together."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in CORE:
        shutil.copyfile(PYODIDE / name, folder / name)
    lock = json.loads((PYODIDE / "pyodide-lock.json").read_text())
    # Pyodide's own packages lie on its CDN; the page has what it needs in the archives.
    (folder / "pyodide-lock.json").write_text(json.dumps({**lock, "packages": {}}))
    for name in ("kernel.mjs", "storage.mjs"):
        shutil.copyfile(SOURCES / name, folder / name)
    shutil.copyfile(FZSTD, folder / "fzstd.mjs")
    for seldom in (ROOT / "labkit" / "classroom" / JOINING, *LANGUAGES.glob("*.json")):
        shutil.copyfile(seldom, folder / seldom.name)
    files = {
        f"{SITE_PACKAGES}/{name}": content
        for name, content in bytecode(dict(python_files(folder.parents[1])))
    }
    settings = {
        "/etc/ipython/ipython_config.py": b'c.InteractiveShellApp.extensions = ["labkit_page"]\n'
    }
    later = {
        path: content
        for path, content in files.items()
        if path.split("/")[4].split("-")[0] in LATER
    }
    base = {path: content for path, content in files.items() if path not in later}
    write_archive(folder / "base.bin", base | settings)
    client, rest = client_files(later)
    write_archive(folder / "client.bin", client)
    write_archive(folder / "client_rest.bin", rest)
    (folder / "stdlib.bin").write_bytes(packed(zipped(standard_library())))


def python_files(site: Path) -> Iterator[tuple[str, bytes]]:
    """Labkit, its packages, and what JupyterLite's kernel is made of, as below ``site-packages``."""
    for packages in (PACKAGES, SOURCES / "python"):
        for path in sorted(packages.rglob("*")):
            name = path.relative_to(packages).as_posix()
            if path.is_file() and not LEFT_OUT.search(name) and not LEXERS.match(name):
                content = path.read_bytes()
                # The description of a package is for people.
                yield name, content.partition(b"\n\n")[0] if path.name == "METADATA" else content
    for wheel in [
        *site.glob("extensions/@jupyterlite/pyodide-kernel-extension/static/pypi/*.whl"),
        *own_wheels(),
    ]:
        if wheel.name.startswith(("piplite", "widgetsnbextension")):
            continue
        with ZipFile(wheel) as opened:
            for name in opened.namelist():
                if not LEFT_OUT.search(name) and not name.endswith("/"):
                    content = opened.read(name)
                    yield (
                        name,
                        json.dumps(yaml.safe_load(content)).encode()
                        if TEXTS.match(name)
                        else content,
                    )


def standard_library() -> Files:
    """Python's standard library, in bytecode: with it, Python starts in half the time."""
    with ZipFile(PYODIDE / "python_stdlib.zip") as opened:
        files = {name: opened.read(name) for name in opened.namelist() if not name.endswith("/")}
    seldom = {name: content for name, content in files.items() if SELDOM.match(name)}
    often = {name: content for name, content in files.items() if name not in seldom}
    return seldom | dict(bytecode(often, "/lib/python314.zip"))


def client_files(files: Files) -> tuple[Files, Files]:
    """The packages of the official client in two files, for writing many takes long; WebAssembly's stay as they are."""
    compiled = {path.rpartition("/")[0] for path in files if path.endswith(".so")}
    beside = {
        path: content for path, content in files.items() if path.rpartition("/")[0] in compiled
    }
    inside = {
        path.removeprefix(f"{SITE_PACKAGES}/"): files[path] for path in files if path not in beside
    }
    rest = {path: content for path, content in inside.items() if REST.match(path)}
    often = {path: content for path, content in inside.items() if path not in rest}
    return beside | {CLIENT: zipped(often)}, {CLIENT_REST: zipped(rest)}


def own_wheels() -> list[Path]:
    """The wheels of this checkout, built anew."""
    folder = BUILD / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    for project in (ROOT, ROOT / "jupyter", ROOT / "kube_embedded"):
        subprocess.run(
            command, cwd=project, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    return [*folder.glob("*.whl")]


def bytecode(files: Files, folder: str = SITE_PACKAGES) -> Iterator[tuple[str, bytes]]:
    """Each file of a folder in the page, and in the place of a Python file its bytecode.

    What learners may look at keeps its source beside it. What was compiled once is taken from the build's cache.
    """
    compiled = {}
    how = (
        (SOURCES / "compile.mjs").read_bytes()
        + (PYODIDE / "package.json").read_bytes()
        + folder.encode()
    )
    for name, content in files.items():
        if not name.endswith(".py"):
            yield name, content
            continue
        compiled[name] = (
            COMPILED / f"{hashlib.sha256(how + name.encode() + content).hexdigest()}.pyc"
        )
    compile_files(
        {name: files[name] for name, place in compiled.items() if not place.exists()},
        compiled,
        folder,
    )
    for name, place in compiled.items():
        path = Path(name)
        if SOURCES_STAY.match(name):
            yield name, files[name]
            yield f"{path.parent}/__pycache__/{path.stem}.cpython-314.pyc", place.read_bytes()
        else:
            yield f"{name}c", place.read_bytes()


def compile_files(files: Files, places: dict[str, Path], where: str) -> None:
    """Compile what lies in a folder of the page with its Python, in two processes: its compiler is slow."""
    COMPILED.mkdir(parents=True, exist_ok=True)
    names = [*files]
    with tempfile.TemporaryDirectory(prefix="lk-") as directory:
        running = []
        for number in range(min(2, len(names))):
            folder = Path(directory, str(number))
            for name in names[number::2]:
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(files[name])
            command = ["node", str(SOURCES / "compile.mjs"), str(PYODIDE), str(folder), where]
            running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        if sum(process.wait() for process in running):
            raise SystemExit("some Python files could not be compiled")
        for number, name in enumerate(names):
            shutil.move(Path(directory, str(number % 2), f"{name}c"), places[name])


def zipped(files: Files) -> bytes:
    """A zip archive that Python imports from; it is not compressed, for it is as a whole."""
    archive = io.BytesIO()
    with ZipFile(archive, "w") as written:
        for name, content in sorted(files.items()):
            written.writestr(ZipInfo(name), content)
    return archive.getvalue()


def write_archive(path: Path, files: Files) -> None:
    """Write what kernel.mjs unpacks: a length, the list as JSON, the files."""
    places, data = [], bytearray()
    for name, content in files.items():
        places.append((name, len(data), len(data) + len(content)))
        data += content
    head = json.dumps(places).encode()
    path.write_bytes(packed(len(head).to_bytes(4) + head + data))


def packed(content: bytes) -> bytes:
    """Bytes in Zstandard, with a window over all of them."""
    parameters = zstandard.ZstdCompressionParameters.from_level(PACK_LEVEL, window_log=24)
    return zstandard.ZstdCompressor(compression_params=parameters).compress(content)


def finish_pages(out: Path) -> None:
    """Write the landing page, put the bar into JupyterLab's, and list the files for use without network."""
    settings = json.loads((out / "jupyter-lite.json").read_text(encoding="utf-8"))[
        "jupyter-config-data"
    ]
    front, begin = write_sizes(out)
    site_pages.add_loading(out, settings["appVersion"], front, begin)
    shutil.copyfile(SOURCES / "manifest.webmanifest", out / "manifest.webmanifest")
    for page in [path for app in APPS for path in (out / app).rglob("index.html")]:
        if (page.parent / "favicon.ico").exists():
            shutil.copyfile(
                out / "icon-120x120.png", page.parent / "favicon.ico"
            )  # theirs has 319 KB
        text = page.read_text(encoding="utf-8")
        for theirs, ours in WORDS.items():
            text = text.replace(theirs, ours)
        root = "../" * len(page.relative_to(out).parts[:-1])
        script = f'<script src="{root}static/loading.js"></script>'
        page.write_text(text.replace("</head>", f"{script}\n</head>"), encoding="utf-8")
    for page in (out / "docs").rglob("*.html"):
        lead_to_the_lab(page, out)
    # JupyterLab's page asks there first, before it looks the pictures up beside the notebook.
    for folder in (out, *(out / app for app in APPS)):
        shutil.copytree(ROOT / "notebooks" / "pictures", folder / "pictures")
    site_fonts.add_fonts(out)
    site_pages.add_drill(out)
    site_pages.add_share(out)
    site_pages.add_landing(out, begin)
    add_service_worker(out)


def lead_to_the_lab(page: Path, out: Path) -> None:
    """Put a link to the lab on top of a page of the documentation; a lesson's opens the lesson."""
    name = page.relative_to(out / "docs")
    root = "../" * len(name.parts)
    language = documents.language_of(name.with_suffix("").as_posix())
    folder = "" if language == "en" else f"{language}/"
    href, text = f"{root}{site_pages.LANDING[language]}.html", "Back to the lab"
    lesson = f"{folder}{name.stem}.ipynb"
    if (
        out / "files" / lesson
    ).is_file() and name.parent.as_posix() == f"notebooks/{folder}".rstrip("/"):
        href, text = f"{root}lab/index.html?path={lesson}", "Open this lesson in the lab"
    text = site_pages.texts_of_pages(language).get(text, text)
    link = f'<div class="announcement"><div class="announcement-content"><a href="{href}">{text}</a></div></div>'
    content = page.read_text(encoding="utf-8").replace(
        "</head>", f"{site_fonts.script(language, root)}</head>", 1
    )
    page.write_text(
        content.replace('<div class="page">', f'{link}\n<div class="page">', 1), encoding="utf-8"
    )


def add_service_worker(out: Path) -> None:
    """Put ours before JupyterLite's. Its version is that of all files, so that a new site replaces what is kept."""
    worker = out / "service-worker.js"
    version = hashlib.sha256(worker.read_bytes())
    kept = []
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if path.is_file() and path != worker:
            kept.append(name)
            version.update(name.encode() + path.read_bytes())
    text = (SOURCES / "offline.js").read_text(encoding="utf-8")
    text = text.replace("{{version}}", version.hexdigest()[:12]).replace(
        "{{files}}", json.dumps(kept)
    )
    worker.write_text(text + worker.read_text(encoding="utf-8"), encoding="utf-8")


def write_sizes(out: Path) -> tuple[int, int]:
    """Write what the bar counts: of each part of Python its bytes in the page and on the wire, and the sum of all.

    Returns:
        The bytes on the wire before Python, and in all before the first cell runs.
    """
    folder = out / "static" / "pyodide"
    files = {}
    for name in WATCHED:
        path = folder / name
        files[name] = {"size": path.stat().st_size, "wire": on_the_wire(path)}
    begin = to_begin(out)
    (folder / "sizes.json").write_text(json.dumps({"files": files, "total": begin}))
    return begin - sum(file["wire"] for file in files.values()), begin


def on_the_wire(path: Path) -> int:
    """The bytes of a file, compressed as a static host does."""
    content = path.read_bytes()
    return len(content) if path.suffix in COMPRESSED_ALREADY else len(gzip.compress(content, 6))


def to_begin(out: Path) -> int:
    """Bytes on the wire before the first cell runs: Python without what comes later, and JupyterLab's first page."""
    later = {
        "client.bin",
        "client_rest.bin",
        JOINING,
        *(f"{start}{file.name}" for file in LANGUAGES.glob("*.json") for start in ("", "loading-")),
    }
    parts = (
        path for path in (out / "static").rglob("*") if path.is_file() and path.name not in later
    )
    return sum(on_the_wire(path) for path in parts) + FRONT_END


def report(out: Path) -> int:
    """Print what the site weighs on the wire. Returns 1 when it is more than it may be."""
    in_all = sum(on_the_wire(path) for path in out.rglob("*") if path.is_file())
    begin = to_begin(out)
    print(
        f"{out}: {in_all / 1e6:.1f} MB on the wire in all, {begin / 1e6:.1f} MB before the first cell runs"
    )
    return int(in_all > MOST_IN_ALL or begin > MOST_TO_BEGIN)


if __name__ == "__main__":
    sys.exit(main())
