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

from kube_embedded.tests.support.slow import slow_but

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / ".importlinter"

PLANTED = {
    "rooms": [
        ("labkit.core.errors", "labkit.client.client"),
        ("labkit.rbac.explain", "labkit.client.client"),
        ("labkit.lessons", "labkit.lab.lab"),
        ("labkit.lessons", "labkit.classroom.joining"),
        ("labkit.classroom.joining", "labkit.lab.lab"),
        ("labkit.lessons", "labkit.backends.base"),
        ("labkit.lab.lab", "labkit.ui.widget"),
        ("labkit.lab.course", "labkit.grading"),
        ("labkit.grading", "labkit.cli"),
    ],
    "embedded": [
        ("kube_embedded.machinery.request", "kube_embedded.apiserver.registry"),
        ("kube_embedded.container", "kube_embedded.node"),
        ("kube_embedded.apiserver.registry", "kube_embedded.controllers"),
        ("kube_embedded.controllers", "kube_embedded.node"),
        ("kube_embedded.node", "kube_embedded.cluster"),
        ("kube_embedded.wiring", "kube_embedded.cluster"),
        ("kube_embedded.rbac.rules", "kube_embedded.machinery.pki.keys"),
        ("kube_embedded.testing", "kube_embedded.tests.support.cluster"),
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
        ("labkit.classroom.connections", "labkit.classroom.board"),
        ("labkit.classroom.store", "labkit.classroom.server"),
        ("labkit.classroom.joining", "labkit.classroom.store"),
        ("labkit.classroom.server", "labkit.classroom.serving"),
    ],
    "fork-server": [
        ("labkit.grading.running.fork_server", "labkit.grading.tasks"),
        ("labkit.grading.running.shell", "labkit.grading.judging"),
        ("labkit.grading.walls", "kube_embedded.machinery"),
    ],
    "face": [
        ("labkit.grading.graders.grader", "kube_embedded.machinery"),
        ("labkit.backends.inprocess", "kube_embedded.cluster"),
        ("labkit.backends.page.cluster", "kube_embedded.apiserver.serving"),
        ("labkit.backends.embedded", "kube_embedded.cluster"),
        ("labkit.lessons", "kube_embedded.apiserver.authorization"),
        ("labkit.lessons", "kube_embedded.tests.support.cluster"),
    ],
    "server-without-clients": [
        ("kube_embedded.cluster", "kubernetes"),
        ("kube_embedded.cluster", "labkit.client.client"),
        ("kube_embedded.rbac.rules", "labkit.core.errors"),
        ("kube_embedded.node", "IPython"),
        ("kube_embedded.apiserver.serving", "ipywidgets"),
        ("kube_embedded.tests.support.server", "labkit.core.scratch"),
        ("kube_embedded.tests.support.cluster", "tests"),
    ],
    "clusters-in-process": [
        ("labkit.lab.lab", "kube_embedded"),
        ("labkit.ui.widget", "kube_embedded"),
        ("labkit.cli", "kube_embedded"),
        ("labkit.backends.embedded", "kube_embedded"),
        ("labkit.backends.page.storage", "kube_embedded"),
    ],
    "stages": [
        ("kube_embedded.apiserver.authentication", "kube_embedded.apiserver.registry"),
        ("kube_embedded.apiserver.authorization", "kube_embedded.apiserver.filters.audit"),
        ("kube_embedded.apiserver.registry", "kube_embedded.apiserver.admission"),
    ],
    "handlers": [
        ("kube_embedded.apiserver.handlers.represent", "kube_embedded.apiserver.handlers.decode"),
        ("kube_embedded.apiserver.handlers.represent", "kube_embedded.apiserver.handlers.verbs"),
        ("kube_embedded.apiserver.handlers.decode", "kube_embedded.apiserver.handlers.admission"),
        ("kube_embedded.apiserver.handlers.verbs", "kube_embedded.apiserver.handlers.subresources"),
        (
            "kube_embedded.apiserver.handlers.subresources",
            "kube_embedded.apiserver.handlers.routing",
        ),
        ("kube_embedded.apiserver.handlers.computed", "kube_embedded.apiserver.filters"),
        ("kube_embedded.apiserver.openapi", "kube_embedded.apiserver.handlers.represent"),
    ],
    "sockets": [
        ("kube_embedded.apiserver.handlers", "socket"),
        ("kube_embedded.cluster", "kube_embedded.apiserver.serving"),
    ],
    "strategies": [
        (
            "kube_embedded.apiserver.registry.strategies.fields",
            "kube_embedded.apiserver.registry.strategies.pods",
        ),
        (
            "kube_embedded.apiserver.registry.strategies.pods",
            "kube_embedded.apiserver.registry.strategies.workloads",
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
    ("kube_embedded.apiserver.authorization", "kube_embedded.rbac.rules"),
    ("labkit.lessons", "kube_embedded.rbac.rules"),
    ("labkit.ui.widget", "ipywidgets"),
    ("labkit.ui.widget", "kube_embedded.rbac.rules"),
    ("labkit.grading.running.shell", "IPython"),
    ("labkit.grading.graders.grader", "kube_embedded"),
    ("labkit.grading.running.fork_server", "labkit.grading.running.shell"),
    ("labkit.grading.running.fork_server", "labkit.grading.walls"),
    ("labkit.lab.lab", "labkit.backends.embedded"),
    ("labkit.backends.inprocess", "kube_embedded"),
    ("labkit.backends.page.cluster", "kube_embedded"),
    LAZY,
    ("kube_embedded.testing", "kubernetes"),
    ("kube_embedded.tests.testing.test_local_cluster", "kubernetes"),
]
"""What the contracts allow; these imports are in every skeleton below."""

MODULES = [
    "labkit.__main__",
    "kube_embedded.__main__",
    "kube_embedded.process",
    "labkit.backends.base",
    "labkit.client.client",
    "labkit.core.errors",
    "labkit.lab.course",
    "labkit.lab.lab",
    *(
        f"labkit.{room}"
        for room in ("cli", "ui", "grading", "lab", "lessons", "backends", "client", "rbac")
    ),
    *(
        f"kube_embedded.{part}"
        for part in ("apiserver", "bootstrap", "cluster", "container", "controllers")
    ),
    *(f"kube_embedded.{part}" for part in ("machinery", "node", "wiring")),
    *(f"kube_embedded.{part}" for part in ("files", "ownership", "rbac", "text", "version")),
    *(
        f"labkit.classroom.{part}"
        for part in (
            "board",
            "connections",
            "joining",
            "limits",
            "questions",
            "server",
            "serving",
            "store",
        )
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
    named = set(
        re.findall(r"(?:kube_embedded|labkit)(?:\.[a-z_]+)+", CONFIG.read_text(encoding="utf-8"))
    )
    imports = [*ALLOWED, *extra]
    for module in {
        *named,
        *MODULES,
        *(
            name
            for pair in imports
            for name in pair
            if name.startswith(("kube_embedded", "labkit"))
        ),
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


def imports_of(*packages: str) -> dict[str, set[str]]:
    """Each module of some packages and the modules it imports, in functions too, but not for types alone."""
    graph = grimp.build_graph(*packages, exclude_type_checking_imports=True, cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def test_no_modules_import_each_other_in_a_circle() -> None:
    imports = imports_of("kube_embedded", "labkit")
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
