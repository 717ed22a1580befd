"""Collect the submissions from folders, notebooks and archives, with or without a roster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from labkit.core.errors import UsageError, near
from labkit.core.language import listed, text
from labkit.grading.intake.archives import SUFFIX, find_archives, unpack
from labkit.grading.intake.exports import METADATA, Deadline, with_facts
from labkit.grading.intake.roster import Person, Roster
from labkit.grading.intake.submissions import (
    WRAPPER,
    Submission,
    choose,
    is_submission,
    none_found,
    printable,
    skipped,
    walk,
)
from labkit.grading.tasks.seed import identity, learner_name


@dataclass
class Intake:
    """The submissions to grade.

    Args:
        submissions: One of each learner and exercise, sorted.
        whole: Whether it is all of a class, so that what is not in it is gone; not where notebooks were named.
        people: What is known of learners, by their ids.
        lines: What is left out, and what a teacher should know, as sentences.
        missing: By exercise, those in the roster who handed nothing in.
    """

    submissions: list[Submission]
    whole: bool = True
    people: dict[str, Person] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    missing: dict[str, list[Person]] = field(default_factory=dict)

    def find_learner(self, name: str, *, with_roster: bool = True) -> str:
        """Find a learner's id by their id, name or mail address.

        Args:
            name: What a teacher calls them.
            with_roster: Whether those in the roster without a submission are meant, too.

        Raises:
            UsageError: There is none, or there are several.
        """
        ids = {entry.learner for entry in self.submissions} | (
            set(self.people) if with_roster else set()
        )
        wanted, by_identity = identity(name), {identity(each): each for each in ids}
        if wanted in by_identity:
            return by_identity[wanted]
        known: dict[str, list[str]] = {}
        for person in (self.people.get(learner, Person(learner)) for learner in sorted(ids)):
            for called in filter(None, {person.name, person.mail}):
                known.setdefault(identity(called), []).append(person.id)
        found = known.get(wanted, [])
        if len(found) == 1:
            return found[0]
        who = printable(name)
        if found:
            raise UsageError(
                f"There are several learners called {who}.", todo=f"Use an id: {', '.join(found)}."
            )
        what = f"There is no learner {who}." if with_roster else f"There is no submission of {who}."
        raise UsageError(what, todo=near(name, [*sorted(ids), *known]))

    @property
    def left_out(self) -> list[str]:
        """The lines about submissions that are not graded, and about learners without one."""
        return [
            line for line in self.lines if line.startswith(("Not graded: ", "Nothing to grade "))
        ]

    def leave_out(self, reasons: Iterable[str]) -> None:
        """Note what is not graded, and why."""
        self.lines += [f"Not graded: {reason}." for reason in reasons]


def take_in(
    paths: Sequence[Path],
    unpacked: Path,
    *,
    roster: Roster | None,
    duplicates: str = "newest",
    late: bool = True,
    deadline: Callable[[Callable[[str], str]], Deadline] | None = None,
    groups: Mapping[str, list[str]] | None = None,
) -> Intake:
    """Collect the submissions in folders, notebooks and archives.

    Args:
        paths: Folders, notebooks and archives.
        unpacked: An empty folder for what is in archives.
        roster: Maps what systems write to the learners' ids.
        duplicates: Which of a learner's several counts; see ``choose``.
        late: Whether what is late is accepted: what a system marks, or what came after the deadline.
        deadline: Makes the deadline, with a function that finds learners' ids.
        groups: The members of Moodle's groups.

    Raises:
        UsageError: There is no such path, or no submission.
    """
    intake = Intake([], any(path.is_dir() or _is_archive(path) for path in paths))
    found: list[Submission] = []
    for number, path in enumerate(paths):
        if not path.exists():
            raise UsageError(
                f"There is no {path}.",
                todo="Name the folder or archive that holds the submissions.",
            )
        copy = unpacked / str(number)
        intake.leave_out(_unpack(path, copy))
        folders = [
            _unwrapped(each, path.stem)
            for each in (path, copy)
            if each.exists() and not _is_archive(each)
        ]
        intake.leave_out(skipped(*folders))
        found += [
            entry for folder in folders for entry in with_facts(folder, walk(folder), groups or {})
        ]
    found = list(_identified(list(filter(is_submission, found)), roster, intake))
    if deadline:
        intake.submissions = found
        found = list(map(partial(_timed, deadline(intake.find_learner)), found))
    if not late:
        intake.leave_out(f"{entry.label} is late" for entry in found if entry.late)
        found = [entry for entry in found if not entry.late]
    intake.submissions, left_out = choose(found, duplicates)
    intake.leave_out(left_out)
    if not intake.submissions:
        raise none_found(", ".join(map(str, paths)), "\n       ".join(intake.lines[:10]))
    for each in (entry for entry in intake.submissions if entry.late):
        said = text("Late, and graded: {label} ({how}).", each.label, each.delay)
        intake.lines.append(said if each.delay else f"Late, and graded: {each.label}.")
    intake.missing = _missing(intake.submissions, roster) if roster else {}
    for exercise, missing in intake.missing.items():
        names = ", ".join(f"{each.id} ({each.name})" for each in missing)
        intake.lines.append(f"Nothing to grade for {exercise}: {printable(names)}.")
    return intake


def _is_archive(path: Path) -> bool:
    return path.suffix.lower() == SUFFIX and path.is_file()


def _unpack(path: Path, copy: Path) -> Iterator[str]:
    """Unpack an archive, or those in a folder, each under its path there; yield what is refused."""
    for archive in [path] if _is_archive(path) else find_archives(path):
        for line in unpack(archive, copy / archive.relative_to(path), named=archive == path):
            yield f"{printable(archive.name)}: {line}"


def _unwrapped(folder: Path, name: str) -> Path:
    """The one folder in an archive that was made of a folder, which is named like it; else the folder itself."""
    inner = list(folder.iterdir()) if folder.is_dir() else []
    is_wrapper = len(inner) == 1 and (
        inner[0].name in (name, WRAPPER) or (inner[0] / METADATA).is_file()
    )
    if is_wrapper and not list(inner[0].glob("*.ipynb")):
        return inner[0]
    return folder


def _identified(
    submissions: Sequence[Submission], roster: Roster | None, intake: Intake
) -> Iterator[Submission]:
    """Replace each submission's learner by the id of its sender, and note the senders.

    Two numbers of a system are two people, even if the roster has only one of that name.
    """
    in_roster = roster.people if roster else {}
    intake.people |= in_roster
    senders = [
        (entry, roster.find(entry) if roster else Person(entry.learner, entry.name))
        for entry in submissions
    ]
    numbers: dict[tuple[str, str, str], set[str]] = {}
    for entry, person in senders:
        system, _, number = entry.sender.rpartition(":")
        numbers.setdefault((person.id if person else "", entry.exercise, system), set()).add(number)
    for entry, person in senders:
        if person is None and entry.learner in in_roster:
            intake.leave_out([f"{entry.label}: {entry.learner} is another's id in the roster"])
            continue
        if person is None:
            intake.lines.append(f"Not in the roster, and graded as {entry.learner}: {entry.label}.")
            person = Person(entry.learner, entry.name)
        system, _, number = entry.sender.rpartition(":")
        if system:
            person = intake.people.get(person.id, person)
            person = replace(person, numbers={**person.numbers, system: number})
            intake.people[person.id] = person
        one = not system or len(numbers.get((person.id, entry.exercise, system), ())) == 1
        sender = person.id if one and person.id in in_roster else entry.sender
        group = []
        for name in entry.group:
            other = (
                roster.find(replace(entry, sender="", name=name, aliases=())) if roster else None
            )
            group.append(other.id if other else learner_name(name))
        yield replace(entry, learner=person.id, sender=sender, group=tuple(group))


def _timed(deadline: Deadline, entry: Submission) -> Submission:
    """Mark a submission that came after the deadline."""
    delay = deadline.delay(entry)
    minutes = -(-delay // timedelta(minutes=1))
    if minutes <= 0:
        return replace(entry, late=entry.late and not entry.handed_in)
    parts = {"day": minutes // 1440, "hour": minutes // 60 % 24, "minute": minutes % 60}
    words = (
        text(f"{{number}} {unit}{'s' * (count > 1)}", count)
        for unit, count in parts.items()
        if count
    )
    return replace(entry, late=True, delay=text("by {duration}", listed(words, " ")))


def _missing(submissions: Iterable[Submission], roster: Roster) -> dict[str, list[Person]]:
    """Find those in the roster without a submission of an exercise that others handed in."""
    handed_in: dict[str, set[str]] = {}
    for entry in submissions:
        handed_in.setdefault(entry.exercise, set()).update((entry.learner, *entry.group))
    found = {
        exercise: [person for person in roster.people.values() if person.id not in learners]
        for exercise, learners in handed_in.items()
    }
    return {exercise: missing for exercise, missing in found.items() if missing}
