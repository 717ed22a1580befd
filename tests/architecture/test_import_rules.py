"""Who must never import whom: each contract holds, and each fails on a planted violation."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

from tests.support.slow import slow_but

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / ".importlinter"

PLANTED = {
    "rooms": [
        ("labkit.core.errors", "labkit.client.client"),
        ("labkit.rbac.rules", "labkit.client.client"),
        ("labkit.rbac.rules", "labkit.embedded.machinery.pki.keys"),
        ("labkit.backends.embedded", "labkit.embedded.cluster"),
        ("labkit.backends.page.storage", "labkit.embedded.cluster"),
        ("labkit.embedded.cluster", "labkit.lab.lab"),
        ("labkit.lessons", "labkit.lab.lab"),
        ("labkit.lessons", "labkit.classroom.joining"),
        ("labkit.classroom.joining", "labkit.lab.lab"),
        ("labkit.lessons", "labkit.backends.base"),
        ("labkit.lessons", "labkit.embedded.apiserver.authorization"),
        ("labkit.lab.lab", "labkit.ui.widget"),
        ("labkit.lab.course", "labkit.grading"),
        ("labkit.grading", "labkit.cli"),
    ],
    "embedded": [
        ("labkit.embedded.machinery.request", "labkit.embedded.apiserver.registry"),
        ("labkit.embedded.container", "labkit.embedded.node"),
        ("labkit.embedded.apiserver.registry", "labkit.embedded.controllers"),
        ("labkit.embedded.controllers", "labkit.embedded.node"),
        ("labkit.embedded.node", "labkit.embedded.cluster"),
        ("labkit.embedded.wiring", "labkit.embedded.cluster"),
    ],
    "grading": [
        ("labkit.grading.tasks", "labkit.grading.judging"),
        ("labkit.grading.walls", "labkit.grading.intake"),
        ("labkit.grading.running", "labkit.grading.clusters"),
        ("labkit.grading.graders", "labkit.grading.pools"),
        ("labkit.grading.pools", "labkit.grading.reports"),
    ],
    "classroom": [
        ("labkit.classroom.limits", "labkit.classroom.store"),
        ("labkit.classroom.store", "labkit.classroom.server"),
        ("labkit.classroom.joining", "labkit.classroom.store"),
        ("labkit.classroom.server", "labkit.classroom.serving"),
    ],
    "fork-server": [
        ("labkit.grading.running.fork_server", "labkit.grading.tasks"),
        ("labkit.grading.running.shell", "labkit.grading.judging"),
        ("labkit.grading.walls", "labkit.embedded.machinery"),
    ],
    "face": [
        ("labkit.grading.graders.grader", "labkit.embedded.machinery"),
        ("labkit.backends.inprocess", "labkit.embedded.cluster"),
        ("labkit.backends.page.cluster", "labkit.embedded.apiserver.serving"),
    ],
    "server-without-clients": [
        ("labkit.embedded.cluster", "kubernetes"),
        ("labkit.embedded.cluster", "labkit.client.client"),
        ("labkit.embedded.node", "IPython"),
        ("labkit.embedded.apiserver.serving", "ipywidgets"),
    ],
    "clusters-in-process": [
        ("labkit.lab.lab", "labkit.embedded.cluster"),
        ("labkit.ui.widget", "labkit.embedded.cluster"),
        ("labkit.cli", "labkit.embedded.apiserver.serving"),
    ],
    "stages": [
        ("labkit.embedded.apiserver.authentication", "labkit.embedded.apiserver.registry"),
        ("labkit.embedded.apiserver.authorization", "labkit.embedded.apiserver.filters.audit"),
        ("labkit.embedded.apiserver.registry", "labkit.embedded.apiserver.admission"),
    ],
    "handlers": [
        (
            "labkit.embedded.apiserver.handlers.represent",
            "labkit.embedded.apiserver.handlers.decode",
        ),
        (
            "labkit.embedded.apiserver.handlers.represent",
            "labkit.embedded.apiserver.handlers.verbs",
        ),
        (
            "labkit.embedded.apiserver.handlers.decode",
            "labkit.embedded.apiserver.handlers.admission",
        ),
        (
            "labkit.embedded.apiserver.handlers.verbs",
            "labkit.embedded.apiserver.handlers.subresources",
        ),
        (
            "labkit.embedded.apiserver.handlers.subresources",
            "labkit.embedded.apiserver.handlers.routing",
        ),
        ("labkit.embedded.apiserver.handlers.computed", "labkit.embedded.apiserver.filters"),
        ("labkit.embedded.apiserver.openapi", "labkit.embedded.apiserver.handlers.represent"),
    ],
    "sockets": [
        ("labkit.embedded.apiserver.handlers", "socket"),
        ("labkit.embedded.cluster", "labkit.embedded.apiserver.serving"),
    ],
    "strategies": [
        (
            "labkit.embedded.apiserver.registry.strategies.fields",
            "labkit.embedded.apiserver.registry.strategies.pods",
        ),
        (
            "labkit.embedded.apiserver.registry.strategies.pods",
            "labkit.embedded.apiserver.registry.strategies.workloads",
        ),
    ],
    "widgets": [
        ("labkit.lab.lab", "ipywidgets"),
        ("labkit.cli", "IPython"),
        ("labkit.lessons", "anywidget"),
    ],
}
"""For each contract: who imports what, against the rule."""

LAZY = ("labkit.lab.exercises", "labkit.grading.exercises.exercise")
"""The one import upward: a learner's word that shows a grader's exercise."""

ALLOWED = [
    ("labkit.embedded.apiserver.authorization", "labkit.rbac.rules"),
    ("labkit.lessons", "labkit.rbac.rules"),
    ("labkit.ui.widget", "ipywidgets"),
    ("labkit.ui.widget", "labkit.rbac.rules"),
    ("labkit.grading.running.shell", "IPython"),
    ("labkit.grading.graders.grader", "labkit.embedded"),
    ("labkit.grading.running.fork_server", "labkit.grading.running.shell"),
    ("labkit.grading.running.fork_server", "labkit.grading.walls"),
    ("labkit.lab.lab", "labkit.backends.embedded"),
    ("labkit.backends.inprocess", "labkit.embedded"),
    ("labkit.backends.page.cluster", "labkit.embedded"),
    LAZY,
]
"""What the contracts allow; these imports are in every skeleton below."""

MODULES = [
    "labkit.__main__",
    "labkit.embedded.__main__",
    "labkit.embedded.process",
    "labkit.backends.base",
    "labkit.client.client",
    "labkit.core.errors",
    "labkit.lab.course",
    "labkit.lab.lab",
    *(
        f"labkit.{room}"
        for room in (
            "cli",
            "ui",
            "grading",
            "lab",
            "lessons",
            "backends",
            "embedded",
            "client",
            "rbac",
        )
    ),
    *(
        f"labkit.embedded.{part}"
        for part in ("apiserver", "bootstrap", "cluster", "container", "controllers")
    ),
    *(f"labkit.embedded.{part}" for part in ("machinery", "node", "wiring")),
    *(
        f"labkit.classroom.{part}"
        for part in ("board", "joining", "limits", "questions", "server", "serving", "store")
    ),
    *(
        f"labkit.grading.{part}"
        for part in ("clusters", "exercises", "graders", "intake", "judging", "nbgrader")
    ),
    *(
        f"labkit.grading.{part}"
        for part in ("pools", "reports", "running", "session", "tasks", "walls")
    ),
]
"""The rooms that every skeleton has."""


def contracts() -> list[str]:
    parser = configparser.ConfigParser()
    parser.read(CONFIG, encoding="utf-8")
    return [section.removeprefix("importlinter:contract:") for section in parser.sections()[1:]]


def lint(folder: Path, *contract: str) -> subprocess.CompletedProcess[str]:
    limits = [word for name in contract for word in ("--contract", name)]
    command = [
        str(Path(sys.executable).with_name("lint-imports")),
        str(CONFIG),
        "--no-cache",
        "--no-logo",
        *limits,
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def skeleton(folder: Path, *extra: tuple[str, str]) -> Path:
    """A package with labkit's walls and nothing in its rooms but these imports."""
    named = set(re.findall(r"labkit(?:\.[a-z_]+)+", CONFIG.read_text(encoding="utf-8")))
    imports = [*ALLOWED, *extra]
    for module in {
        *named,
        *MODULES,
        *(name for pair in imports for name in pair if name.startswith("labkit")),
    }:
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
    slow_but(
        [(contract, *pair) for contract, pairs in PLANTED.items() for pair in pairs],
        *[
            (contract, *next(iter(PLANTED[contract])))
            for contract in ("rooms", "embedded", "grading")
        ],
    ),
)
def test_a_planted_violation_breaks_the_contract(
    tmp_path: Path, contract: str, importer: str, imported: str
) -> None:
    done = lint(skeleton(tmp_path, (importer, imported)), contract)
    assert done.returncode == 1, done.stdout
    assert "1 broken" in done.stdout
    assert imported in done.stdout


def imports_of(package: str) -> dict[str, set[str]]:
    """Each module of a package and the modules it imports, in functions too, but not for types alone."""
    graph = grimp.build_graph(package, exclude_type_checking_imports=True, cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def test_no_modules_import_each_other_in_a_circle() -> None:
    imports = imports_of("labkit")
    importer, imported = LAZY
    assert imported in imports[importer]
    imports[importer].remove(imported)
    TopologicalSorter(imports).prepare()


def test_a_circle_through_a_function_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "circular"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "one.py").write_text("import circular.two\n")
    (package / "two.py").write_text("def later():\n    import circular.one\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(CycleError):
        TopologicalSorter(imports_of("circular")).prepare()
