"""The English texts of labkit's rooms: what a learner reads, and what can be translated.

In a Python module these are the arguments of ``text``, and of the functions in ``SAYS``; in a YAML file, the values
under the names in ``FILES``. What commands print and errors say are plain strings, f-strings among them: these are the
sentences of ``SENTENCES``.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from babel.messages.catalog import Catalog

from labkit.core.language import IN_SCRIPT, NAME
from labkit.grading.exercises.notebooks import BEGIN, BOARD, PLACEHOLDER
from tools.sentences import constants, in_command, in_errors
from tools.values import VALUES

PACKAGE = Path(__file__).resolve().parent.parent / "labkit"
SITE = PACKAGE.parent / "page" / "site"
COMPILED = PACKAGE / "core" / "languages"
"""Where labkit reads the translations."""

ROOMS = (
    *(
        "backends",
        "class",
        "classroom",
        "cli",
        "client",
        "commands",
        "core",
        "errors",
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
SENTENCES = ("class", "commands", "errors")
"""The catalogues of sentences, which ``fitted`` shows: a class's pages, what commands print, what errors say."""

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

ERRORS = {"UsageError", "TokenError", "ExpectedForbidden"}
"""The errors whose texts are among their room's, if they have no values: the first argument, ``why`` and ``todo``."""
WITHOUT_ERRORS = {"backends", "class", "cli", "commands", "core", "errors", "grading", "presenter"}
"""The rooms whose errors are all among the sentences: they are about a machine, or for a teacher."""
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
        "other",
        "points",
    ),
    *(
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
    "cli": tuple(
        f"{judged}: {verdict}."
        for judged in ("Right", "No")
        for verdict in ("allowed", "forbidden")
    ),
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
    "class": (
        *("200, allowed", "403, forbidden", "401, unauthorized"),
        *("identical", "different", "a few", "more than half", "the logs", "more"),
        *("*{clock} since the demo began*", "**Next, {step}:** {ask}"),
        *(
            "**Time:** {here} of {planned} planned for this step; "
            f"{{all}} of {{of}} for all shown so far ({{number}}): **{{clock}} {side}**"
            for side in ("left", "over")
        ),
    ),
    "errors": (
        "Set LABKIT_HOME to a directory of your own.",
        "Set LABKIT_HOME to a directory of your own, such as {below}.",
        "Take that right away: chmod o-w {directory}. Or set LABKIT_HOME to a directory of your own.",
        "Look at it with getfacl, and take it away: setfacl -b {directory}. "
        "Or set LABKIT_HOME to a directory of your own.",
        *VALUES,
    ),
    "commands": (
        "{results} graded, {full} with full marks of what can be judged there. Scores: {csv}",
        "{results} graded, {full} with full marks, {number} of the tasks corrected by hand. Scores: {csv}",
        "{results} graded, {full} with full marks of what can be judged there, "
        "{number} of the tasks corrected by hand. Scores: {csv}",
        "Building the lab's pod image on {base} …",
        *(
            "Usage:",
            "Options:",
            "Commands:",
            "Show the version and exit.",
            "Show this message and exit.",
        ),
        *("[default: {value}]", "[default: {value}; {range}]", "[required]"),
        "Try '{command}' for help.",
        "Error: {message}",
        "Error: {message} Did you mean '{name}'?",
        *("Missing command.", "No such option '{name}'.", "No such command '{name}'."),
        *("Error: Invalid value: {message}", "Error: Invalid value for {name}: {message}"),
        "Error: Missing option {name}.",
        "Error: Missing argument {name}.",
        "Error: Option {name} requires an argument.",
        "Error: Got unexpected extra argument ({argument})",
        "Error: Got unexpected extra arguments ({arguments})",
        "{value} is not in the range {range}.",
        "{value} is not one of {choices}.",
        "{value} is not a valid {type}.",
        "{kind} {path} does not exist.",
        "labkit exec curl                          a shell in the pod curl",
        "Run a command in a pod, or open a shell in it.",
        "The exit code is the command's own.",
        *("left over", "it ends with its program", "another LABKIT_HOME", "try: {todo}"),
        "process {pid}: {megabytes} MiB, {url}, {where}",
        *(
            "It lacked:",
            "It lacked: nothing.",
            "It never used:",
            "It never used: nothing.",
            "No rule is near it.",
        ),
        *("stop {server}", "remove {path}", "Permissions that have changed: {number}."),
        "{results} graded, {full} with full marks. Scores: {file}",
        "Building the lab's pod image …",
        *("Loading the pod image …", "Waiting until a pod can run …"),
        "Creating the kind cluster {name}; this takes a minute or two, on a busy machine up to ten …",
    ),
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
        *("the notebook ends by itself", "not judged"),
        *COLUMNS,
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
OF_CLASS = {
    "classroom/questions.yaml": {"ask", "options"},
    "classroom/refusals.yaml": {"what", "todo"},
    "lessons/mistakes.yaml": {"idea"},
    "lessons/talk.yaml": {"say", "stuck"},
    "presenter/room.yaml": {"first", "talk", "second", "ended", "closed", "no class", "no bars"},
    "classroom/settings.yaml": {
        "start",
        "site",
        "no qr",
        "alone",
        "http",
        "https",
        "end",
        "who",
        "what",
        "where",
        "binding",
        "role",
    },
}
"""The files with texts for a class and its teacher, as in ``FILES``."""
OF_EXERCISES = {"title", "about", "text", "too much"}
"""In the exercises' file, what is in the style of the lessons."""
HINT = "hint"
"""The argument of a check that is a text, wherever it is named."""
IN_TEMPLATE = re.compile(r'"([^"]+)"\|said')
"""A text in a template."""


def template(room: str) -> Catalog:
    """All messages of a room, each with the files that have it."""
    if room in SENTENCES:
        return of_class() if room == "class" else sentences(room)
    texts = Catalog()
    for file in sorted((PACKAGE / room).rglob("*.py")):
        errors = set() if room in WITHOUT_ERRORS else ERRORS
        for said in in_module(file.read_text(encoding="utf-8"), errors):
            texts.add(said, locations=[(file.relative_to(PACKAGE).as_posix(), 0)])
    for script in sorted((PACKAGE / room).rglob("*.js")) if room != "classroom" else ():
        for said in IN_SCRIPT.findall(script.read_text(encoding="utf-8")):
            texts.add(said, locations=[(script.relative_to(PACKAGE).as_posix(), 0)])
    for page in sorted((PACKAGE / room).rglob("*.html")):
        for said in IN_TEMPLATE.findall(page.read_text(encoding="utf-8")):
            texts.add(said, locations=[(page.relative_to(PACKAGE).as_posix(), 0)])
    files = {"grading/tasks/texts.yaml": OF_EXERCISES} if room == "exercises" else FILES
    for name, keys in files.items():
        if room == "exercises" or name.startswith(f"{room}/"):
            content = (PACKAGE / name).read_text(encoding="utf-8")
            for said in in_yaml(
                json.loads(content) if name.endswith(".json") else yaml.safe_load(content), keys
            ):
                texts.add(said, locations=[(name, 0)])
    for said in MORE.get(room, ()):
        texts.add(said, locations=[(room, 0)])
    return texts


def sentences(room: str) -> Catalog:
    """All messages of one of ``SENTENCES``, but those that a room has as texts."""
    known, texts = known_texts(), Catalog()
    for file in sorted(PACKAGE.rglob("*.py")):
        place = file.relative_to(PACKAGE).as_posix()
        if place.startswith("embedded/"):
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for said in (
            in_errors(tree, SAYS)
            if room == "errors"
            else in_command(tree, place.startswith("cli/"))
        ):
            for line in filter(has_words, map(str.strip, said.split("\n"))):
                if line not in known:
                    texts.add(line, locations=[(place, 0)])
    for said in MORE.get(room, ()):
        texts.add(said, locations=[(room, 0)])
    return texts


@cache
def known_texts() -> set[str]:
    """The texts of all rooms that are no sentences."""
    return {str(each.id) for room in ROOMS if room not in SENTENCES for each in template(room)}


def has_words(template: str) -> bool:
    """Whether a template is more than values and symbols: it would fit any line."""
    return re.search("[A-Za-z]{2}", NAME.sub("", template)) is not None


def of_class() -> Catalog:
    """All messages of a class: its pages, what it refuses, what it asks and prints."""
    known, texts = known_texts(), Catalog()
    for page in sorted((PACKAGE / "classroom" / "static").iterdir()):
        for said in IN_SCRIPT.findall(page.read_text(encoding="utf-8")):
            texts.add(said, locations=[(f"classroom/static/{page.name}", 0)])
    for name, keys in OF_CLASS.items():
        for said in in_yaml(yaml.safe_load((PACKAGE / name).read_text(encoding="utf-8")), keys):
            for line in filter(has_words, map(str.strip, said.split("\n"))):
                if name.startswith("classroom/") or line not in known:
                    texts.add(line, locations=[(name, 0)])
    for said in MORE["class"]:
        texts.add(said, locations=[("classroom", 0)])
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
            yield from constants(call.args[place]) if place < len(call.args) else ()
        for keyword in call.keywords:
            if name in errors or keyword.arg == HINT:
                yield from constants(keyword.value)


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
