"""The facts about submissions in a system's export: senders, groups, and times.

- Gradescope: ``submission_metadata.yml`` next to the folders ``submission_N``, with submitters and time.
- nbgrader: ``timestamp.txt`` in ``LEARNER/ASSIGNMENT``
  (https://nbgrader.readthedocs.io/en/stable/user_guide/managing_assignment_files.html).
- Moodle: folders of groups are called ``GROUP-Full Name_NUMBER_…``; a teacher's table has the members.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from labkit.core.errors import UsageError
from labkit.core.language import text

from ..tasks.seed import learner_name
from .submissions import Submission, Unreadable, read_untrusted
from .tables import read_records

METADATA = "submission_metadata.yml"
NBGRADERS_DEPTH = 3
"""Of ``LEARNER/ASSIGNMENT/EXERCISE.ipynb`` below the searched folder."""


def with_facts(
    folder: Path, entries: Iterable[Submission], groups: Mapping[str, list[str]]
) -> Iterator[Submission]:
    """Add the facts of their export to the submissions in a folder.

    Args:
        folder: The folder that was searched.
        entries: The submissions in it.
        groups: The members of each of Moodle's groups.
    """
    metadata = _metadata(folder)
    for entry in entries:
        about = metadata.get(entry.origin)
        group = next((name for name in groups if f"{entry.name}-".startswith(f"{name}-")), None)
        if isinstance(about, dict):
            yield _of_gradescope(entry, about)
        elif group is not None:
            yield replace(
                entry, name=entry.name.removeprefix(f"{group}-"), group=tuple(groups[group])
            )
        else:
            yield replace(entry, handed_in=_of_nbgrader(entry))


def _metadata(folder: Path) -> dict[str, Any]:
    # Deep nesting exhausts Python's stack, and an impossible date is a ValueError.
    with suppress(Unreadable, yaml.YAMLError, ValueError, RecursionError):
        # Not load(), which can create any Python object: the file can be a learner's.
        document = yaml.safe_load(read_untrusted(folder / METADATA))
        if isinstance(document, dict):
            return document
    return {}


def _of_gradescope(entry: Submission, about: dict[str, Any]) -> Submission:
    """Take the first submitter for the sender; the others are members of the group."""
    # Gradescope is written in Ruby, whose symbols become keys with a colon in YAML.
    submitters = about.get(":submitters")
    people = [
        [str(submitter.get(key) or "") for key in (":sid", ":email", ":name")]
        for submitter in (submitters if isinstance(submitters, list) else ())
        if isinstance(submitter, dict)
    ]
    if not people:
        return entry
    when = about.get(":created_at")
    ids = tuple(next(filter(None, person), "") for person in people)
    return replace(
        entry,
        learner=learner_name(ids[0]),
        sender=f"gradescope:{ids[0]}",
        name=people[0][2],
        aliases=tuple(people[0][:2]),
        group=ids if len(ids) > 1 else (),
        handed_in=when.isoformat() if isinstance(when, datetime) and when.tzinfo else "",
    )


def _of_nbgrader(entry: Submission) -> str:
    """Return the time that nbgrader wrote next to a notebook, such as ``2026-02-02 15:58:23.948203 UTC``."""
    # Elsewhere a file of this name is the learner's own: in other layouts, in what a system or an archive holds.
    if entry.depth != NBGRADERS_DEPTH or ":" in entry.sender:
        return ""
    learner, assignment = entry.path.parts[-3:-1]
    if assignment != entry.exercise or learner.lower().endswith(".zip"):
        return ""
    # An unknown time zone is a KeyError (ZoneInfoNotFoundError).
    with suppress(Unreadable, ValueError, KeyError):
        day, time, zone = read_untrusted(entry.path.with_name("timestamp.txt")).decode().split()
        return datetime.fromisoformat(f"{day} {time}").replace(tzinfo=ZoneInfo(zone)).isoformat()
    return ""


@dataclass(frozen=True)
class Deadline:
    """When submissions are due, and the learners with a later time."""

    due: datetime
    extensions: Mapping[str, datetime] = field(default_factory=dict)

    def delay(self, entry: Submission) -> timedelta:
        """Return by how much a submission is late; zero if its export has no time."""
        due = self.extensions.get(entry.learner, self.due)
        return datetime.fromisoformat(entry.handed_in) - due if entry.handed_in else timedelta()


def read_time(content: str) -> datetime:
    """Read a time with its zone, such as ``2026-11-20T23:59+01:00``.

    Raises:
        UsageError: It is not a time, or has no zone.
    """
    with suppress(ValueError):
        time = datetime.fromisoformat(content)
        if time.tzinfo:
            return time
    raise UsageError(
        text("{time} is no time with a zone.", content),
        todo="Write it like 2026-11-20T23:59+01:00.",
    )


def read_extensions(path: Path, find_learner: Callable[[str], str]) -> dict[str, datetime]:
    """Read a table of learners and their due times.

    Raises:
        UsageError: A line cannot be right.
    """
    extensions = {}
    for number, row in read_records(path, ("learner", "due")):
        try:
            extensions[find_learner(row["learner"])] = read_time(row["due"])
        except UsageError as error:
            raise UsageError(
                text("{path}, line {number}: {what}", path, number, error.what), todo=error.todo
            ) from error
    return extensions


def read_groups(path: Path) -> dict[str, list[str]]:
    """Read a table of groups and learners, a member in each row.

    Raises:
        UsageError: It is not such a table.
    """
    groups: dict[str, list[str]] = {}
    for _, row in read_records(path, ("group", "learner")):
        groups.setdefault(row["group"], []).append(row["learner"])
    return groups
