"""The English texts of labkit's rooms: what a learner reads, and what can be translated.

In a Python module these are the arguments of ``text``, and of the functions in ``SAYS``; in a YAML file, the values
under the names in ``FILES``.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from babel.messages.catalog import Catalog

from labkit.core.language import IN_SCRIPT
from labkit.grading.exercises.notebooks import BEGIN, BOARD, PLACEHOLDER

PACKAGE = Path(__file__).resolve().parent.parent / "labkit"
SITE = PACKAGE.parent / "page" / "site"
COMPILED = PACKAGE / "core" / "languages"
"""Where labkit reads the translations."""

ROOMS = (
    *(
        "backends",
        "cli",
        "client",
        "core",
        "exercises",
        "grading",
        "lab",
        "lessons",
        "practice",
        "presenter",
        "rbac",
        "ui",
    ),
)
"""The rooms that have a catalogue; what the exercises ask, in the style of the lessons, has one as well."""

SAYS = {
    "text": (0,),
    "passed": (0, 1),
    "failed": (1, 2, 3),
    "Row": (0,),
    "_line": (0,),
    "_reached": (0,),
    "_stage": (0, 2, 3, 4, 5),
    "html_table": (0,),
    "text_table": (0,),
    "no_proxy": (1, 2),
    "not_attempted": (0,),
    "runs_as_another": (3, 4),
    "without_prediction": (1,),
    "said": (0,),
    "Unreadable": (0,),
    "Check": (0, 3),
    "Finding": (1,),
    "absent": (1,),
    "config_map_says": (3,),
    "_limit": (0, 1, 4),
}
"""The functions that take texts, and at which places."""

ERRORS = {"UsageError", "TokenError", "ExpectedForbidden"}
"""The errors whose texts a learner reads: the first argument, and ``why`` and ``todo``."""
WITHOUT_ERRORS = {"backends", "cli", "core", "grading", "presenter"}
"""The rooms whose errors stay English: they are about a machine or for a teacher, and not about Kubernetes."""

NEAR_MISSES = ("group", "missing role", "name", "namespace", "resource", "scope", "subject", "unbound", "verb")
SORTS = ("Bindings", "Groups", "Names", "Places", "References", "Resources", "Subjects", "Verbs")
FACTS = (
    "answer",
    "certificate",
    "decision",
    "groups",
    "namespace",
    "note",
    "object",
    "plugin",
    "plugins",
    "resource",
    "server",
    "status",
    "user",
    "verb",
)
COUNTED = ("binding", "permission", "question", "request", "role")
MORE = {
    "cli": tuple(f"{judged}: {verdict}." for judged in ("Right", "No") for verdict in ("allowed", "forbidden")),
    "backends": ("era", "node", "process", "start it", "state"),
    "lab": FACTS,
    "presenter": (
        *("Jump to step: /{it}█  (Enter goes, Escape leaves)", "kubectl … or Python: {it}█  (Enter asks)"),
        *(f"Code is shown {way}." for way in ("all at once", "a line at a key", "not before it runs")),
        *(what for _, what, *_ in yaml.safe_load((PACKAGE / "presenter" / "stage.yaml").read_text("utf-8"))["keys"]),
    ),
    "rbac": (*NEAR_MISSES, "service account", "user"),
    "ui": (*SORTS, "groups"),
    "client": ("created", "changed", "unchanged"),
    "exercises": (PLACEHOLDER, BOARD, BEGIN),
    "grading": (
        *("time limit", "memory limit", "signal {which}", "exit code {which}"),
        *(f"{{number}} {unit}{s}" for unit in ("day", "hour", "minute") for s in ("", "s")),
    ),
    "lessons": (
        *("expected", "next", "note", "seen", "then"),
        *(f"{{number}} {what}{s}" for what in COUNTED for s in ("", "s")),
        "a name",
        "a user name, such as system:serviceaccount:NAMESPACE:NAME",
        "the name of an API group",
    ),
}
"""Texts of a room that stand elsewhere in its code."""

FILES = {
    "client/claims.json": None,
    "grading/tasks/texts.yaml": {"hints", "seen", "read", "end"},
    "lessons/talk.yaml": {"ask", "answer"},
    "presenter/stage.yaml": {"start", "end", "notes", "no notes", "font", "marked"},
    "lessons/lessons.yaml": {"title", "subtitle"},
    "lessons/steps.yaml": {"title", "hints"},
    "lessons/asides.yaml": {"title", "why"},
    "lessons/mistakes.yaml": {"name", "says"},
    "lessons/questions.yaml": {"a", "b", "c"},
    "practice/beliefs.yaml": {"name", "says"},
    "practice/pool.json": {"sentences"},
}
"""The files with texts, and the names that they stand under; None for any."""
OF_EXERCISES = {"title", "about", "text", "too much"}
"""In the exercises' file, what is in the style of the lessons."""
HINT = "hint"
"""The argument of a check that is a text, wherever it is named."""
IN_TEMPLATE = re.compile(r'"([^"]+)"\|said')
"""A text in a template."""


def template(room: str) -> Catalog:
    """All messages of a room, each with the files that have it."""
    texts = Catalog()
    for file in sorted((PACKAGE / room).rglob("*.py")):
        errors = set() if room in WITHOUT_ERRORS else ERRORS
        for said in in_module(file.read_text(encoding="utf-8"), errors):
            texts.add(said, locations=[(file.relative_to(PACKAGE).as_posix(), 0)])
    for script in sorted((PACKAGE / room).rglob("*.js")):
        for said in IN_SCRIPT.findall(script.read_text(encoding="utf-8")):
            texts.add(said, locations=[(script.relative_to(PACKAGE).as_posix(), 0)])
    for page in sorted((PACKAGE / room).rglob("*.html")):
        for said in IN_TEMPLATE.findall(page.read_text(encoding="utf-8")):
            texts.add(said, locations=[(page.relative_to(PACKAGE).as_posix(), 0)])
    files = {"grading/tasks/texts.yaml": OF_EXERCISES} if room == "exercises" else FILES
    for name, keys in files.items():
        if room == "exercises" or name.startswith(f"{room}/"):
            content = (PACKAGE / name).read_text(encoding="utf-8")
            for said in in_yaml(json.loads(content) if name.endswith(".json") else yaml.safe_load(content), keys):
                texts.add(said, locations=[(name, 0)])
    for said in MORE.get(room, ()):
        texts.add(said, locations=[(room, 0)])
    return texts


def of_pages() -> Catalog:
    """All messages of the site's own pages, which labkit does not read."""
    texts = Catalog()
    for page in sorted(path for path in SITE.iterdir() if path.suffix in (".html", ".js", ".mjs")):
        for said in IN_SCRIPT.findall(page.read_text(encoding="utf-8")):
            texts.add(said, locations=[(page.name, 0)])
    for said in ("{minutes} minutes", "Open in Binder", "Open in Codespaces", "Source"):
        texts.add(said, locations=[("index.html", 0)])
    for said in ("Back to the lab", "Open this lesson in the lab"):
        texts.add(said, locations=[("docs", 0)])
    return texts


def in_module(source: str, errors: set[str]) -> Iterator[str]:
    """The texts of a Python module, in their order, with those of some errors."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        for place in (0,) if name in errors else SAYS.get(name, ()):
            yield from _constants(call.args[place]) if place < len(call.args) else ()
        for keyword in call.keywords:
            if name in errors or keyword.arg == HINT:
                yield from _constants(keyword.value)


def _constants(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.List):
        for each in node.elts:
            yield from _constants(each)
    elif isinstance(node, ast.BoolOp):
        for each in node.values:
            yield from _constants(each)
    elif isinstance(node, ast.IfExp):
        yield from _constants(node.body)
        yield from _constants(node.orelse)


def in_yaml(value: Any, keys: set[str] | None, named: bool = False) -> Iterator[str]:
    """The texts of a YAML document that stand under some names."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from in_yaml(each, keys, keys is None or str(name) in keys)
    elif isinstance(value, list):
        for each in value:
            yield from in_yaml(each, keys, named)
    elif named:
        yield from [] if str(value).startswith("https://") else [str(value)]
