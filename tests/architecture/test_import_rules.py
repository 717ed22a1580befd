"""Who must never import whom: each contract holds, and each fails on a planted violation."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / ".importlinter"

PLANTED = {
    "apiserver-alone": [("labkit.apiserver.cluster", "labkit.lab")],
    "ownership-alone": [("labkit.ownership", "labkit.errors"), ("labkit.ownership", "labkit.apiserver.keys")],
    "rbac-alone": [("labkit.rbac", "labkit.client"), ("labkit.rbac", "labkit.apiserver.keys")],
    "apiserver-no-clients": [
        ("labkit.apiserver.cluster", "kubernetes"),
        ("labkit.apiserver.node", "IPython"),
        ("labkit.apiserver.serving", "ipywidgets"),
    ],
    "stages": [
        ("labkit.apiserver.authentication", "labkit.apiserver.registry"),
        ("labkit.apiserver.authorization", "labkit.apiserver.audit"),
        ("labkit.apiserver.registry", "labkit.apiserver.admission"),
    ],
    "sockets": [("labkit.apiserver.handlers", "socket"), ("labkit.apiserver.cluster", "labkit.apiserver.serving")],
    "strategies": [
        ("labkit.apiserver.registry.strategies.fields", "labkit.apiserver.registry.strategies.storage"),
        ("labkit.apiserver.registry.strategies.storage", "labkit.apiserver.registry.strategies.pods"),
        ("labkit.apiserver.registry.strategies.pods", "labkit.apiserver.registry.strategies.workloads"),
    ],
    "lessons": [
        ("labkit.lessons", "labkit.lab"),
        ("labkit.lessons", "labkit.backends.base"),
        ("labkit.lessons", "labkit.apiserver.authorization"),
    ],
    "one-door": [
        ("labkit.lab", "labkit.apiserver.cluster"),
        ("labkit.backends.embedded", "labkit.apiserver.cluster"),
        ("labkit.access", "labkit.apiserver.registry"),
        ("labkit.ui.widget", "labkit.apiserver.cluster"),
        ("labkit.session", "labkit.apiserver.serving"),
    ],
    "kind-and-existing": [
        ("labkit.backends.kind", "labkit.apiserver"),
        ("labkit.backends.existing", "labkit.apiserver.keys"),
        ("labkit.client", "labkit.apiserver.cluster"),
    ],
    "widgets": [("labkit.lab", "ipywidgets"), ("labkit.cli", "IPython"), ("labkit.lessons", "anywidget")],
}
"""For each contract: who imports what, against the rule."""

ALLOWED = [
    ("labkit.access.rules", "labkit.apiserver.authorization.rbac"),
    ("labkit.access", "labkit.apiserver.authorization"),
    ("labkit.apiserver.authorization.rules", "labkit.rbac"),
    ("labkit.apiserver.serving.logs", "labkit.ownership"),
    ("labkit.apiserver.serving.pki", "labkit.ownership"),
    ("labkit.apiserver.serving.state", "labkit.ownership"),
    ("labkit.apiserver.storage.sqlite", "labkit.ownership"),
    ("labkit.lessons", "labkit.rbac"),
    ("labkit.ui.widget", "ipywidgets"),
    ("labkit.ui.widget", "labkit.apiserver.authorization.rules"),
    ("labkit.grading.grader", "labkit.apiserver.cluster"),
    ("labkit.lab", "labkit.backends.embedded"),
    ("labkit.lab", "labkit.ui.widget"),
]
"""The few doors that the contracts leave open; they are in every skeleton below."""

MODULES = [
    "labkit.access.rules",
    "labkit.backends.base",
    "labkit.cli",
    "labkit.client",
    "labkit.grading",
    "labkit.lab",
    "labkit.lessons",
    "labkit.rbac",
    "labkit.ui.widget",
    "labkit.apiserver.audit",
    "labkit.apiserver.cluster",
    "labkit.apiserver.keys",
    "labkit.apiserver.authorization.rbac",
    "labkit.apiserver.pipeline",
]


def contracts() -> list[str]:
    parser = configparser.ConfigParser()
    parser.read(CONFIG, encoding="utf-8")
    return [section.removeprefix("importlinter:contract:") for section in parser.sections()[1:]]


def lint(folder: Path, *contract: str) -> subprocess.CompletedProcess[str]:
    limits = [word for name in contract for word in ("--contract", name)]
    command = [str(Path(sys.executable).with_name("lint-imports")), str(CONFIG), "--no-cache", "--no-logo", *limits]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def skeleton(folder: Path, *extra: tuple[str, str]) -> Path:
    """A package with labkit's walls and nothing in its rooms but these imports."""
    named = set(re.findall(r"labkit(?:\.[a-z]+)+", CONFIG.read_text(encoding="utf-8")))
    imports = [*ALLOWED, *extra]
    for module in {*named, *MODULES, *(name for pair in imports for name in pair if name.startswith("labkit"))}:
        path = folder.joinpath(*module.split("."))
        for parent in (path, *path.parents):
            if parent == folder:
                break
            parent.mkdir(parents=True, exist_ok=True)
            (parent / "__init__.py").touch()
    for importer, imported in imports:
        with folder.joinpath(*importer.split("."), "__init__.py").open("a") as file:
            file.write(f"import {imported}\n")
    return folder


def test_every_contract_has_a_planted_violation() -> None:
    assert set(PLANTED) == set(contracts())


@pytest.fixture(scope="module")
def verdicts() -> str:
    return lint(ROOT).stdout


@pytest.mark.parametrize("contract", contracts())
def test_the_contract_holds(verdicts: str, contract: str) -> None:
    parser = configparser.ConfigParser()
    parser.read(CONFIG, encoding="utf-8")
    name = parser[f"importlinter:contract:{contract}"]["name"]
    assert re.search(rf"^{re.escape(name)} KEPT", verdicts, re.M), verdicts


def test_a_tree_without_violations_passes(tmp_path: Path) -> None:
    done = lint(skeleton(tmp_path))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("contract", "importer", "imported"),
    [(contract, *pair) for contract, pairs in PLANTED.items() for pair in pairs],
)
def test_a_planted_violation_breaks_the_contract(tmp_path: Path, contract: str, importer: str, imported: str) -> None:
    done = lint(skeleton(tmp_path, (importer, imported)), contract)
    assert done.returncode == 1, done.stdout
    assert "1 broken" in done.stdout
    assert imported in done.stdout
