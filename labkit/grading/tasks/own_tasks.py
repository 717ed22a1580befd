"""A teacher's own task files, outside the package: each is an exercise of one task, called as the file is.

``LABKIT_TASKS`` names their folder, for ``labkit grade`` and ``labkit course build``; a notebook also finds the file
beside it.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from labkit.core.errors import UsageError
from labkit.core.language import text
from labkit.core.yaml_file import LOADER, NOT_YAML

from .seed import Seed
from .task import ExerciseSpec, texts
from .task_file import FIELDS, REQUIRED, Misstated, file_task, known

FOLDER_VARIABLE = "LABKIT_TASKS"
"""The environment variable with the folder of own task files."""

MAX_BYTES = 100_000


def own_exercises() -> Iterator[ExerciseSpec]:
    """Read the task files of the folder that ``LABKIT_TASKS`` names; without it there are none.

    Raises:
        UsageError: A file is wrong.
    """
    folder = os.environ.get(FOLDER_VARIABLE)
    for file in sorted(Path(folder).glob("*.yaml")) if folder else ():
        yield read_task(file)


def own_file(name: str) -> Path | None:
    """Return the file of an own exercise; None for those of the package."""
    file = Path(os.environ.get(FOLDER_VARIABLE, "")) / f"{name}.yaml"
    return file if os.environ.get(FOLDER_VARIABLE) and file.is_file() else None


def read_task(file: Path) -> ExerciseSpec:
    """Read a task file.

    Raises:
        UsageError: It is wrong; the message has its line.
    """
    try:
        content = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        todo = text("Write it as UTF-8, and let this user read it.")
        raise UsageError(text("{file} cannot be read.", file), why=str(error), todo=todo) from error
    try:
        texts()[file.stem] = _checked(content)
        task = file_task(file.stem)
        task.make(Seed("somebody"))
    except Misstated as error:
        what = text("{file}, line {line}: {what}", file, _line(content, error.place), error.what)
        raise UsageError(what, why=error.why, todo=error.todo) from error
    return ExerciseSpec(file.stem, (task,))


def _checked(content: str) -> dict[str, Any]:
    """Parse a task file, and check its fields.

    Raises:
        Misstated: It is not YAML, or a field is unknown, missing or of another type.
    """
    try:
        if len(content) > MAX_BYTES:
            raise ValueError(text("It has more than {number} characters.", MAX_BYTES))
        entry = yaml.load(content, LOADER)
    except NOT_YAML as error:
        mark = getattr(error, "problem_mark", None)
        wrong = UsageError(
            text("This is not YAML."), why=str(error), todo=text("Correct this line.")
        )
        raise Misstated(wrong, *([_LINE, mark.line] if mark else [])) from error
    if not isinstance(entry, dict):
        raise Misstated(UsageError(text("A task file is a mapping."), todo=_FORM))
    for field, value in entry.items():
        try:
            known({field: value}, FIELDS)
            kind = REQUIRED.get(field, object)
            if not isinstance(value, kind) or not value:
                what = text("{field} is of the wrong type, or empty.", field)
                raise UsageError(what, todo=_FORM)
        except UsageError as error:
            raise Misstated(error, field) from error
    for field in REQUIRED:
        if field not in entry:
            what = text("The field {field} is missing.", field)
            raise Misstated(UsageError(what, todo=_FORM))
    return {"about": entry["title"], "end": entry["seen"], **entry}


_FORM = text("See docs/writing-tasks.md for its form.")
"""What to do about a file of another form."""
_LINE = ""
"""Instead of a key: what follows is the number of the line, from 0."""


def _line(content: str, place: tuple[str | int, ...]) -> int:
    """The line of a part of a document, from 1."""
    if place[:1] == (_LINE,):
        return int(place[1]) + 1
    if not place:
        return 1
    node = yaml.compose(content, yaml.SafeLoader)
    line = 1
    for step in place:
        if isinstance(node, yaml.MappingNode):
            pairs = {key.value: (key, value) for key, value in node.value}
            key, node = pairs[str(step)]
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode):
            node = node.value[int(step)]
            line = node.start_mark.line + 1
    return line
