"""Tasks that are files: objects, questions, solution and texts, as YAML, for every learner with other names.

``docs/writing-tasks.md`` describes the fields. Variants, checks with their words and points, and what may be granted
are derived from them.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from kube_embedded.rbac.objects import GROUP, Object, name_of, namespace_of
from kube_embedded.rbac.subjects import subject
from labkit.core.errors import UsageError, near
from labkit.core.language import Text, text
from labkit.rbac.difference import Allowance
from labkit.rbac.needs import Need
from labkit.rbac.testing.questions import ask
from labkit.rbac.testing.vocabulary import PATH_VERBS, Vocabulary, standard

from .checks import LIMIT_POINTS, Check, all_of, allowed, forbidden
from .conditions import CONDITIONS
from .seed import Seed
from .task import Task, Variant, texts

REQUIRED = {
    **dict.fromkeys(("title", "text", "too much", "seen"), str),
    **dict.fromkeys(("hints", "read", "checks", "solution"), list),
}
"""The fields that every task has, with their types."""

DRAWN = ("names", "one of", "numbers", "values")
WORLD = ("objects", "resources", "groups")
FIELDS = (*REQUIRED, *DRAWN, *WORLD, "also allowed", "strangers")
QUESTION = ("who", "may", "keep", "may not", "hint", "hide reason", "by", "points")

VERSIONS = {
    **dict.fromkeys(("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"), f"{GROUP}/v1"),
    **dict.fromkeys(("Namespace", "ServiceAccount", "Pod", "Secret", "ConfigMap"), "v1"),
}
"""The ``apiVersion`` of the kinds that may leave it out in a task file."""

SLEEPS = {
    "name": "main",
    "image": "curlimages/curl",
    "command": ["sleep", "9999999"],
    "imagePullPolicy": "IfNotPresent",
}
"""The container of a pod that has none in a task file."""

_BRACES = re.compile(r"{(\w+)}")
_PLACE = re.compile(r"<([a-z_-]+)>")


class Misstated(UsageError):
    """A wrong part of a task file.

    Args:
        error: What is wrong with it.
        place: The keys and numbers that lead to it in the document.
    """

    def __init__(self, error: UsageError, *place: str | int) -> None:
        super().__init__(error.what, why=error.why, todo=error.todo)
        self.place = place


@dataclass(frozen=True)
class Draft:
    """A task file with the names of one learner.

    Args:
        entry: The file's content.
        seed: Draws the names.
    """

    entry: Mapping[str, Any]
    seed: Seed

    @cached_property
    def drawn(self) -> dict[str, str]:
        """The values of the names in braces in texts, and in angle brackets elsewhere."""
        found: dict[str, str] = {}
        ways: Mapping[str, Callable[[str, Any], str]] = {
            "names": lambda _, label: self.seed.name(label),
            "one of": self.seed.one,
            "numbers": lambda key, ends: str(
                ends[0] + self.seed.number(key, ends[1] - ends[0] + 1)
            ),
            "values": lambda _, value: str(named(value, found)),
        }
        for field, draw in ways.items():
            with _placed(field):
                for key, entry in (self.entry.get(field) or {}).items():
                    found[key] = draw(key, entry)
        return found

    def named(self, value: Any) -> Any:
        """Replace the names in angle brackets, in texts, lists and mappings."""
        return named(value, self.drawn)

    def text(self, template: str, **more: object) -> Text:
        """Return a text of the file with its values."""
        values = {key.replace("-", "_"): value for key, value in self.drawn.items()} | more
        for name in _BRACES.findall(template):
            if name not in values:
                raise UsageError(text("There is no name {name}.", name), todo=near(name, values))
        return text(template, **values)

    @cached_property
    def objects(self) -> list[Object]:
        """What exists before the learner begins."""
        return list(self._each("objects", full_object))

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """What the questions may name."""
        spaces = [name_of(obj) for obj in self.objects if obj["kind"] == "Namespace"]
        accounts = [obj for obj in self.objects if obj["kind"] == "ServiceAccount"]
        custom = [name.partition(".") for name in self.named(self.entry.get("resources") or ())]
        return replace(standard(), namespaces=frozenset(spaces)).declaring(
            resources={(group, plural): True for plural, _, group in custom},
            accounts=[f"{namespace_of(obj)}/{name_of(obj)}" for obj in accounts],
            groups=self.named(self.entry.get("groups") or ()),
        )

    def variant(self) -> Variant:
        """The task for the learner.

        Raises:
            Misstated: A part of the file is wrong.
        """
        checks = [check for checks in self._each("checks", self._checks) for check in checks]
        with _placed("text"):
            asked = self.text(self.entry["text"])
        return Variant(
            asked,
            tuple(checks),
            tuple(self.objects),
            self.answer,
            [free for each in self._each("also allowed", _allowances) for free in each],
            self.named(self.entry.get("strangers") or ()),
        )

    @property
    def answer(self) -> str:
        """The solution as commands; manifests that follow each other are applied together."""
        lines: list[str] = []
        manifests: list[Object] = []
        for step in (*self._each("solution", full_object), ""):
            if isinstance(step, dict):
                manifests.append(step)
                continue
            if manifests:
                lines.append(f"lab.apply({manifests!r})")
            manifests = []
            lines.append(str(step).strip())
        return "\n".join(filter(None, lines))

    def _each(self, field: str, make: Any) -> Iterator[Any]:
        """Make something of each entry of a list, with the learner's names."""
        for number, entry in enumerate(self.entry.get(field) or ()):
            with _placed(field, number):
                made = make(self.named(entry))
            yield made

    def _checks(self, entry: Mapping[str, Any]) -> Sequence[Check]:
        """The checks of a condition, or of the questions about a subject."""
        for kind, condition in CONDITIONS.items():
            if kind in entry:
                known(entry, (kind, *condition.fields, "expect", "points", "hint", "limit"))
                check: Check = condition.make(entry, self)
                given = {key: entry[key] for key in ("points", "hint", "limit") if key in entry}
                return [replace(check, **given)]
        if "all of" in entry:
            known(entry, ("all of", "expect", "points", "hint"))
            checks = [check for part in entry["all of"] for check in self._checks(part)]
            expect = self.text(entry["expect"])
            return [all_of(checks, expect, entry["points"], entry.get("hint", ""))]
        known(entry, QUESTION)
        checks = list(self._questions(entry))
        if not checks:
            raise UsageError(
                text("nothing is asked."), todo=text('Write a line under may or "may not".')
            )
        return checks

    def _questions(self, entry: Mapping[str, Any]) -> Iterator[Check]:
        hint = entry.get("hint", "")
        for who, line, points in _asked(entry, "may", 1.0):
            yield allowed(self._need(who, line), points, hint, by=entry.get("by", ""))
        for who, line, points in _asked(entry, "keep", LIMIT_POINTS):
            yield replace(allowed(self._need(who, line), points, hint), limit=True)
        for who, line, points in _asked(entry, "may not", LIMIT_POINTS):
            yield forbidden(self._need(who, line), points, hint, not entry.get("hide reason"))

    def _need(self, who: str, line: str) -> Need:
        verb, _, path = line.partition(" ")
        # A path that this server does not serve can be asked about too: only the rule matters.
        if path.startswith("/") and verb in PATH_VERBS:
            return Need(subject(who), verb, path=path)
        question = ask(who, line, self.vocabulary).attributes
        resource = "/".join(filter(None, (question.resource, question.subresource)))
        where = question.namespace
        return Need(subject(who), verb, resource, where, question.group, question.name)


@contextmanager
def _placed(field: str, *place: int) -> Iterator[None]:
    """Add the place in the file to errors that a part of it raises."""
    try:
        yield
    except Misstated:
        raise
    except UsageError as error:
        raise Misstated(error, field, *place) from error
    except (
        AttributeError,
        KeyError,
        IndexError,
        TypeError,
        ValueError,
        ZeroDivisionError,
    ) as error:
        # The file is a person's, and a part of it can have any type.
        what = text("This is no entry of {field}.", field)
        todo = text("See docs/writing-tasks.md for its form.")
        raise Misstated(UsageError(what, why=repr(error), todo=todo), field, *place) from error


def named(value: Any, drawn: Mapping[str, str]) -> Any:
    """Replace names in angle brackets, in texts, lists and mappings.

    Raises:
        UsageError: A name is not drawn.
    """
    if isinstance(value, str) and "<" in value:
        for name in _PLACE.findall(value):
            if name not in drawn:
                raise UsageError(text("There is no name <{name}>.", name), todo=near(name, drawn))
            value = value.replace(f"<{name}>", drawn[name])
    elif isinstance(value, list):
        return [named(entry, drawn) for entry in value]
    elif isinstance(value, dict):
        return {named(key, drawn): named(entry, drawn) for key, entry in value.items()}
    return value


def known(entry: Mapping[str, Any], fields: Iterable[str]) -> None:
    """Refuse a mapping with another field.

    Raises:
        UsageError: It has one; the message contains a suggestion.
    """
    for field in entry:
        if field not in fields:
            raise UsageError(
                text("There is no field {field} here.", field), todo=near(str(field), fields)
            )


def full_object(step: Any) -> Any:
    """Return an object with what a task file may leave out; a line of commands as it is.

    ``Namespace red``, ``ServiceAccount red/ann`` and ``Pod red/web`` are objects as well.
    """
    if isinstance(step, str):
        kind, _, path = step.partition(" ")
        if kind not in VERSIONS:
            return step
        space, _, name = path.rpartition("/")
        step = {"kind": kind, "metadata": {"name": name}}
        if space:
            step["metadata"]["namespace"] = space
    kind = step["kind"]
    full = {"apiVersion": VERSIONS.get(kind), **step}
    if full["apiVersion"] is None:
        what = text("The object of kind {kind} has no apiVersion.", kind)
        raise UsageError(what, todo=text("Write its apiVersion, such as apps/v1."))
    if kind == "Pod":
        full["spec"] = {"containers": [SLEEPS], **(step.get("spec") or {})}
    if "roleRef" in step:
        full["roleRef"] = {"apiGroup": GROUP, **step["roleRef"]}
    return full


def _asked(entry: Mapping[str, Any], field: str, points: float) -> Iterator[tuple[str, str, float]]:
    """Yield the questions of a field: who, the line, and its points."""
    lines = entry.get(field) or {}
    if not isinstance(lines, dict):
        lines = dict.fromkeys(_list(lines), entry.get("points", points))
    for subject_name in _list(entry["who"]):
        for line, worth in lines.items():
            yield subject_name, line, worth


def _allowances(entry: Mapping[str, Any]) -> list[Allowance]:
    """Read what may be granted beyond the needs: rules, for whom, where, and by which roles."""
    known(entry, ("who", "in", "by", "rules"))
    who = subject(entry["who"]) if "who" in entry else None
    places = (entry["in"],) if "in" in entry else ()
    return [Allowance(who, entry["rules"], places, role) for role in _list(entry.get("by", ""))]


def _list(value: Any) -> list[Any]:
    """One value, or a list of them."""
    return value if isinstance(value, list) else [value]


def file_task(name: str) -> Task:
    """Return the task of a file in ``files``."""

    def make(seed: Seed) -> Variant:
        return Draft(texts()[name], seed).variant()

    return Task(name, make)
