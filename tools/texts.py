"""The English texts of labkit's rooms: what a learner reads, and what can be translated.

In a Python module these are the arguments of ``text``, and of the functions in ``SAYS``; in a YAML file, the values
under the names in ``FILES``.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from babel.messages.catalog import Catalog

from labkit.cli.output import paragraphs_of_help
from labkit.cli.pods import EXAMPLES
from labkit.grading.exercises.notebooks import BEGIN, BOARD, PLACEHOLDER

PACKAGE = Path(__file__).resolve().parent.parent / "labkit"
SERVER = PACKAGE.parent / "kube_embedded"
SITE = PACKAGE.parent / "page" / "site"
COMPILED = PACKAGE / "core" / "languages"
"""Where labkit reads the translations."""

ROOMS = (
    *("backends", "classroom", "cli", "client", "core", "exercises", "grading", "lab"),
    *("lessons", "practice", "presenter", "rbac", "ui"),
)
"""The rooms that have a catalogue; what the exercises ask, in the style of the lessons, has one as well."""

IN_SCRIPT = re.compile(r'(?:\bt\(|\bwidget\("\w+", )"([^"]*)"')
"""A text in a script, or in the HTML of a class's page."""

ERRORS = dict.fromkeys(
    (
        *("LabkitError", "UsageError", "HomeError", "TokenError", "StartFailed", "NotRunning"),
        *("Unreachable", "Untrusted", "Missing", "GraderDied", "Unsafe", "ExpectedForbidden"),
    ),
    (0,),
) | {"ApiFailure": (2,), "ExecFailed": (2,), "UnknownProtocol": (2,), "failure": (2,)}
PRINTS = dict.fromkeys(
    ("echo", "report", "_report", "progress", "say", "BadParameter", "confirm"), (0,)
)
SAYS = {
    **ERRORS,
    **PRINTS,
    "raise_for_status": (0,),
    "Need": (0, 2, 3),
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
    "require_account": (3, 4),
    "wrong_prediction": (1, 2),
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

NEAR_MISSES = (
    "group",
    "missing role",
    "name",
    "namespace",
    "resource",
    "scope",
    "subject",
    "unbound",
    "verb",
)
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
COLUMNS = (
    *(
        "discrimination",
        "ended",
        "error",
        "example",
        "exercise",
        "from share",
        "full marks",
        "graded",
        "judged",
    ),
    *(
        "learner",
        "learners",
        "lines",
        "mean share",
        "median share",
        "mistake",
        "name",
        "names",
        "not attempted",
        "other",
        "points",
    ),
    *(
        "verdict",
        "share",
        "similar pairs",
        "state",
        "step",
        "submissions",
        "task",
        "tasks",
        "tell the class",
        "they believe",
    ),
    *("count", "title", "to share", "too much", "why"),
)
"""The headings of the tables about a class."""
COUNTED = ("binding", "permission", "question", "request", "role")
MORE = {
    "cli": (
        *(f"{judged}: {v}." for judged in ("Right", "No") for v in ("allowed", "forbidden")),
        *(
            "Usage:",
            "Options",
            "Commands",
            "Show the version and exit.",
            "Show this message and exit.",
        ),
        *(
            "default: {default}",
            "required",
            "Missing command.",
            "Missing option",
            "Missing argument",
        ),
        *("Try '{command} {option}' for help.", "Error: {message}", "Did you mean {possibility}?"),
        *("No such option {name!r}.", "No such command {name!r}.", "Invalid value: {message}"),
        "Invalid value for {param_hint}: {message}",
        "Option {name!r} requires an argument.",
        "Got unexpected extra argument ({args})",
        "Got unexpected extra arguments ({args})",
        "{value} is not in the range {range}.",
        "{value!r} is not one of {choices}.",
        "{value!r} is not a valid {number_type}.",
        "{name} {filename!r} does not exist.",
        *paragraphs_of_help(EXAMPLES),
    ),
    "classroom": ("identical", "different", "a few", "more than half", "the logs", "more"),
    "backends": ("era", "node", "process", "start it", "state"),
    "lab": FACTS,
    "presenter": (
        *(
            "Jump to step: /{it}█  (Enter goes, Escape leaves)",
            "kubectl … or Python: {it}█  (Enter asks)",
        ),
        *(
            f"Code is shown {way}."
            for way in ("all at once", "a line at a key", "not before it runs")
        ),
        *(
            what
            for _, what, *_ in yaml.safe_load(
                (PACKAGE / "presenter" / "stage.yaml").read_text("utf-8")
            )["keys"]
        ),
    ),
    "rbac": (*NEAR_MISSES, "service account", "user"),
    "ui": (*SORTS, "groups"),
    "client": (
        *("bearer of a token", "through the proxy"),
        "created",
        "changed",
        "unchanged",
        "ok",
        "not authenticated",
        "forbidden",
        "not found",
        "conflict",
        "refused",
    ),
    "exercises": (PLACEHOLDER, BOARD, BEGIN),
    "grading": (
        *(
            "time limit",
            "memory limit",
            "signal {which}",
            "exit code {which}",
            "done",
            "unreadable",
            "not graded",
        ),
        *(f"Expected: {{expected}}{end} Seen: {{seen}}" for end in ("", ".")),
        *("the notebook ends by itself", "not judged", "{one} and no column {other}"),
        *COLUMNS,
        *(f"{{number}} {unit}{s}" for unit in ("day", "hour", "minute") for s in ("", "s")),
    ),
    "lessons": (
        *("expected", "next", "note", "predicted", "seen", "then"),
        *(f"{{number}} {what}{s}" for what in COUNTED for s in ("", "s")),
        "a name",
        "a user name, such as system:serviceaccount:NAMESPACE:NAME",
        "the name of an API group",
    ),
}
"""Texts of a room that stand elsewhere in its code."""

FILES: dict[str, set[str] | None] = {
    "client/claims.json": None,
    "grading/tasks/texts.yaml": {"hints", "seen", "read", "end"},
    "classroom/questions.yaml": {"ask", "options"},
    "classroom/refusals.yaml": {"what", "todo"},
    "classroom/settings.yaml": {
        *("start", "site", "no qr", "alone", "http", "https", "end"),
        *("who", "what", "where", "binding", "role"),
    },
    "lessons/talk.yaml": {"ask", "answer", "say", "stuck"},
    "presenter/room.yaml": {"first", "talk", "second", "ended", "closed", "no class", "no bars"},
    "presenter/stage.yaml": {"start", "end", "notes", "no notes", "font", "marked"},
    "lessons/lessons.yaml": {"title", "subtitle"},
    "lessons/steps.yaml": {"title", "hints"},
    "lessons/asides.yaml": {"title", "why"},
    "lessons/faults.yaml": {"title", "task", "hints", "why"},
    "lessons/mistakes.yaml": {"name", "says", "idea"},
    "practice/beliefs.yaml": {"name", "says"},
    "practice/facts.yaml": {"ask", "answer", "reply"},
    "practice/pool.json": {"sentences"},
}
"""The files with texts, and the names that they stand under; None for any."""
OF_EXERCISES = {"title", "about", "text", "too much"}
"""In the exercises' file, what is in the style of the lessons."""
OF_TASKS = {"hints", "hint", "seen", "read", "expect", "otherwise"}
TASKS = [
    file.relative_to(PACKAGE).as_posix() for file in PACKAGE.glob("grading/tasks/files/*.yaml")
]
FILES |= dict.fromkeys(sorted(TASKS), OF_TASKS)
LETTERS = re.compile("[A-Za-z]{2}")
COMMAND = re.compile("_command$|^cli$")
TEXTS = {"hint", "why", "todo"}
"""The arguments that are texts, wherever they are named."""
IN_TEMPLATE = re.compile(r'"([^"]+)"\|said')
"""A text in a template."""


def template(room: str) -> Catalog:
    """All messages of a room, each with the files that have it."""
    texts = Catalog()
    folder = PACKAGE / room
    files = [path for path in folder.rglob("*") if path.suffix in READERS]
    # What the server says about a directory, labkit says as well.
    files += [SERVER / "files.py", SERVER / "ownership.py"] if room == "core" else []
    for file in sorted(files):
        place = file.relative_to(file.parents[1] if file.parent == SERVER else PACKAGE).as_posix()
        for said in READERS[file.suffix](file.read_text(encoding="utf-8"), room):
            texts.add(said, locations=[(place, 0)])
    exercises = dict.fromkeys(("grading/tasks/texts.yaml", *sorted(TASKS)), OF_EXERCISES)
    tables = exercises if room == "exercises" else FILES
    for name, keys in tables.items():
        if room == "exercises" or name.startswith(f"{room}/"):
            content = (PACKAGE / name).read_text(encoding="utf-8")
            for said in in_yaml(
                json.loads(content) if name.endswith(".json") else yaml.safe_load(content), keys
            ):
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
    texts.add(
        "About {hours} hours in {parts} parts; your progress stays in this browser.",
        locations=[("index.html", 0)],
    )
    for said in ("{minutes} minutes", "Open in Binder", "Open in Codespaces", "Source"):
        texts.add(said, locations=[("index.html", 0)])
    for said in ("Back to the lab", "Open this lesson in the lab"):
        texts.add(said, locations=[("docs", 0)])
    return texts


def in_module(source: str, room: str = "") -> Iterator[str]:
    """The texts of a Python module, in their order; of the command line with its help."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.expr | ast.stmt)]
    for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
        match node:
            case ast.Call(ast.Name(name) | ast.Attribute(_, name), arguments, keywords):
                for place in SAYS.get(name, ()):
                    yield from constants(arguments[place]) if place < len(arguments) else ()
                for keyword in keywords:
                    if keyword.arg in TEXTS or (keyword.arg == "help" and room == "cli"):
                        yield from constants(keyword.value)
            case ast.FunctionDef(decorator_list=[_, *_]) if room == "cli" and COMMAND.search(
                node.name
            ):
                yield from paragraphs_of_help(ast.get_docstring(node) or "")


def constants(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may be."""
    match node:
        case ast.Constant(str(said)) if said:
            yield said
        case ast.List(several) | ast.BoolOp(values=several):
            for each in several:
                yield from constants(each)
        case ast.IfExp(body=one, orelse=other):
            yield from constants(one)
            yield from constants(other)


READERS: dict[str, Callable[[str, str], Iterable[str]]] = {
    ".html": lambda page, _room: [*IN_TEMPLATE.findall(page), *IN_SCRIPT.findall(page)],
    ".js": lambda script, _room: IN_SCRIPT.findall(script),
    ".py": in_module,
}


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
