"""What a system's export says of submissions: whose they are, with whom, and when they were handed in.

- Gradescope: ``submission_metadata.yml`` beside the folders ``submission_N``, with submitters and time.
- nbgrader: ``timestamp.txt`` in ``LEARNER/ASSIGNMENT``
  (https://nbgrader.readthedocs.io/en/stable/user_guide/managing_assignment_files.html).
- Moodle: folders of groups are called ``GROUP-Full Name_NUMBER_…``; who is in a group, a teacher's table says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from labkit.core.errors import UsageError
from labkit.grading.intake.submissions import Submission, Unreadable, read_untrusted
from labkit.grading.intake.tables import read_records
from labkit.grading.tasks.seed import learner_name

METADATA = "submission_metadata.yml"


def with_facts(
    folder: Path, entries: Iterable[Submission], groups: Mapping[str, list[str]]
) -> Iterator[Submission]:
    """Add to submissions in a folder what their export says of them.

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
    with suppress(Unreadable, yaml.YAMLError, ValueError, RecursionError):
        found = yaml.safe_load(read_untrusted(folder / METADATA))
        return found if isinstance(found, dict) else {}
    return {}


def _of_gradescope(entry: Submission, about: dict[str, Any]) -> Submission:
    """Take the first submitter for the sender; the others are of their group."""
    keys = (":sid", ":email", ":name")
    listed = about.get(":submitters")
    found = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    people = [[str(each.get(key) or "") for key in keys] for each in found]
    if not people:
        return entry
    when = about.get(":created_at")
    who, *others = [next(filter(None, person), "") for person in people]
    return replace(
        entry,
        learner=learner_name(who),
        sender=f"gradescope:{who}",
        name=people[0][2],
        aliases=tuple(people[0][:2]),
        group=(who, *others) if others else (),
        handed_in=when.isoformat() if isinstance(when, datetime) and when.tzinfo else "",
    )


def _of_nbgrader(entry: Submission) -> str:
    """The time that nbgrader wrote beside a notebook, such as ``2026-02-02 15:58:23.948203 UTC``."""
    if entry.path.parent.name != entry.exercise:
        return ""
    with suppress(Unreadable, ValueError, KeyError):
        day, time, zone = read_untrusted(entry.path.with_name("timestamp.txt")).decode().split()
        return datetime.fromisoformat(f"{day} {time}").replace(tzinfo=ZoneInfo(zone)).isoformat()
    return ""


@dataclass(frozen=True)
class Deadline:
    """When submissions are due, and by learner when later."""

    due: datetime
    extensions: Mapping[str, datetime] = field(default_factory=dict)

    def delay(self, entry: Submission) -> timedelta:
        """How late a submission is; nothing if its export has no time."""
        due = self.extensions.get(entry.learner, self.due)
        return datetime.fromisoformat(entry.handed_in) - due if entry.handed_in else timedelta()


def read_time(text: str) -> datetime:
    """Read a time with its zone, such as ``2026-11-20T23:59+01:00``.

    Raises:
        UsageError: It is none, or has no zone.
    """
    with suppress(ValueError):
        if (time := datetime.fromisoformat(text)).tzinfo:
            return time
    raise UsageError(
        f"{text} is no time with a zone.", todo="Write it like 2026-11-20T23:59+01:00."
    )


def read_extensions(path: Path, find_learner: Callable[[str], str]) -> dict[str, datetime]:
    """Read a table of learners and when theirs is due.

    Raises:
        UsageError: A line cannot be right.
    """
    found = {}
    for number, row in read_records(path, ("learner", "due")):
        try:
            found[find_learner(row["learner"])] = read_time(row["due"])
        except UsageError as error:
            raise UsageError(f"{path}, line {number}: {error.what}", todo=error.todo) from error
    return found


def read_groups(path: Path) -> dict[str, list[str]]:
    """Read a table of groups and learners, a member in each row.

    Raises:
        UsageError: It is no such table.
    """
    groups: dict[str, list[str]] = {}
    for _, row in read_records(path, ("group", "learner")):
        groups.setdefault(row["group"], []).append(row["learner"])
    return groups
