"""The list of the page's replacements is complete, and the libraries still have each part of it."""

from __future__ import annotations

import ast
import importlib.util
import re
import ssl
import tarfile
import zipfile
from copy import copy
from pathlib import Path
from pkgutil import resolve_name

import pytest

from kube_embedded.tests.support.some import some
from labkit.backends.page.loopback import Loopback
from tests.page.replacements import KERNEL, LOOPBACK, REPLACEMENTS, Replacement

ROOT = Path(__file__).resolve().parents[2]


def _of(file: str) -> list[Replacement]:
    return [replacement for replacement in REPLACEMENTS if replacement.file == file]


@pytest.mark.parametrize("replacement", REPLACEMENTS, ids=lambda replacement: replacement.target)
def test_the_file_makes_the_replacement_once(replacement: Replacement) -> None:
    assert (ROOT / replacement.file).read_text(encoding="utf-8").count(replacement.code) == 1


@pytest.mark.parametrize("target", [replacement.target for replacement in _of(LOOPBACK)])
def test_a_library_of_python_has_the_part(target: str) -> None:
    assert resolve_name(target)


def test_what_was_replaced_comes_back() -> None:
    parts = [replacement.target for replacement in _of(LOOPBACK)]
    before = {target: copy(resolve_name(target)) for target in parts}
    own = {*vars(ssl.SSLContext)}
    with Loopback():
        assert all(resolve_name(target) != before[target] for target in parts)
    assert {target: resolve_name(target) for target in parts} == before
    assert {*vars(ssl.SSLContext)} == own


def test_the_loopback_replaces_nothing_else() -> None:
    source = (ROOT / LOOPBACK).read_text(encoding="utf-8")
    patched = re.findall(r"_patch\((\w\S+), \"(\w+)\"", source)
    listed = [each.target.replace(":", ".") for each in _of(LOOPBACK)]
    assert [f"{owner}.{name}" for owner, name in patched] == listed[:-1]
    assert re.findall(r"\bsetattr[(,](?!context, attribute| ?owner, name)", source) == []


def test_the_kernels_extension_replaces_nothing_else() -> None:
    """An assignment to an attribute or item of something that is not its own is on the list."""
    source = (ROOT / KERNEL).read_text(encoding="utf-8")
    foreign = []
    for node in ast.walk(ast.parse(source)):
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            text = ast.unparse(target)
            if isinstance(target, ast.Attribute | ast.Subscript) and not text.startswith("self."):
                foreign.append(text)
    listed = [replacement.code for replacement in _of(KERNEL)]
    assert foreign
    assert [text for text in foreign if not any(code.startswith(text) for code in listed)] == []


def test_the_sites_scripts_replace_nothing_else() -> None:
    pattern = re.compile(
        r"\b(?:window|globalThis|self)\.(?!labkit)[A-Z_a-z]+ = (?!plain|Plain)|\.prototype\.\w+ ="
    )
    for path in some([*(ROOT / "page/site").glob("*.js"), *(ROOT / "page/site").glob("*.mjs")]):
        codes = [each.code for each in REPLACEMENTS if each.file == f"page/site/{path.name}"]
        for made in pattern.findall(path.read_text(encoding="utf-8")):
            assert any(code.startswith(made.strip()) for code in codes), f"{path.name}: {made}"


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        pytest.skip(f"{name} belongs to the extra site; the tests of the built site cover it too")
    return Path(spec.origin).parent


def test_jupyterlite_has_what_the_page_replaces_in_the_browser() -> None:
    (archive,) = _package("jupyterlite_core").glob("jupyterlite-app-*.tgz")
    with tarfile.open(archive) as app:
        scripts = [member for member in app.getmembers() if member.name.endswith(".js")]
        text = "\n".join(
            file.read().decode("utf-8", "replace")
            for member in scripts
            if (file := app.extractfile(member))
        )
    for part in (
        "service-worker.js",
        "enableCache",
        "-version`",
        "JupyterLite Storage - ${",
        "statedb",
    ):
        assert part in text, part


def test_the_pages_kernel_has_the_functions_that_the_extension_replaces() -> None:
    package = _package("jupyterlite_pyodide_kernel")
    wheels = list(package.parents[3].glob("share/jupyter/**/pyodide_kernel-*.whl"))
    (wheel,) = wheels or [pytest.skip("the kernel's wheel lies elsewhere")]
    with zipfile.ZipFile(wheel) as files:
        source = files.read("pyodide_kernel/kernel.py").decode()
    assert "async def run(self, code" in source
    assert "comm_manager" in source
