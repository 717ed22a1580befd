"""What runs in a page alone: who may import it, and what it may import."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "page"
OTHERS = ("benchmarks", "kube_embedded", "labkit", "tests", "tools")

ALLOWED = {
    "standins": {"asn1crypto", "cryptography", "ecdsa", "msgspec"},
    "site": {
        *("labkit.backends.page", "labkit.core.language", "labkit.core.redact", "labkit.lab.work"),
        *("labkit_salvage", "labkit_site", "pyodide.code"),
    },
}
"""By folder of ``page``: what its modules may import beside Python's own library."""


def imports(source: str) -> set[str]:
    """The modules that a module imports, in functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return names


def foreign(source: str, allowed: set[str]) -> set[str]:
    """The imports that are neither allowed nor of Python's own library."""
    return {
        name
        for name in imports(source)
        if name.split(".")[0] not in sys.stdlib_module_names
        and not any(name == each or name.startswith(f"{each}.") for each in allowed)
    }


@pytest.mark.parametrize("folder", ALLOWED)
def test_a_pages_modules_import_what_a_page_has(folder: str) -> None:
    modules = list((PAGE / folder).rglob("*.py"))
    assert len(modules) >= 4
    found = {
        str(path.relative_to(PAGE)): foreign(path.read_text(), ALLOWED[folder]) for path in modules
    }
    assert {path: names for path, names in found.items() if names} == {}


def test_an_import_against_the_rule_is_found() -> None:
    source = (
        "import json, labkit.core\ndef later():\n    from labkit.backends.page.page import Page"
    )
    assert foreign(source, ALLOWED["site"]) == {"labkit.core"}


def test_nothing_else_imports_a_pages_modules() -> None:
    ours = {"page", "labkit_page", "labkit_salvage", "labkit_site", "piplite"}
    modules = [path for folder in OTHERS for path in (ROOT / folder).rglob("*.py")]
    assert len(modules) > 1000
    likely = re.compile(
        rf"^\s*(?:from|import)\s.*\b(?:{'|'.join(ours)})\b", re.M
    )  # reading them all takes seconds
    perhaps = [path for path in modules if likely.search(path.read_text())]
    assert [
        str(path)
        for path in perhaps
        if {name.split(".")[0] for name in imports(path.read_text())} & ours
    ] == []


def test_what_the_page_loads_early_exists() -> None:
    tree = ast.parse((PAGE / "site" / "python" / "labkit_page.py").read_text())
    values = {
        ast.unparse(node.targets[0]): node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
    }
    names = [
        name
        for name in ast.literal_eval(values["SOON"])
        if name.startswith(("kube_embedded.", "labkit."))
    ]
    assert len(names) > 20
    assert [name for name in names if importlib.util.find_spec(name) is None] == []
