"""Collect the submissions from folders, notebooks and archives, with or without a roster."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from labkit.core.errors import UsageError, near
from labkit.core.language import listed, text

from ..tasks.seed import identity, learner_name
from .archives import SUFFIX, find_archives, unpack
from .exports import METADATA, Deadline, with_facts
from .roster import Person, Roster
from .submissions import (
    WRAPPER,
    Submission,
    choose,
    is_submission,
    none_found,
    printable,
    skipped,
    walk,
)


@dataclass
class Intake:
    """The submissions to grade.

    Args:
        submissions: One of each learner and exercise, sorted.
        whole: Whether they are all of a class, so that results of others are of submissions that are gone; false if
            just notebooks were named.
        people: The known learners, by their ids.
        lines: Submissions that are left out, and other facts that a teacher should know, as sentences.
        left_out: Those of the lines that are about submissions without a result, and learners without a submission.
        missing: By exercise, the learners in the roster without a submission.
    """

    submissions: list[Submission]
    whole: bool = True
    people: dict[str, Person] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    missing: dict[str, list[Person]] = field(default_factory=dict)

    def find_learner(self, name: str, *, with_roster: bool = True) -> str:
        """Find a learner's id by their id, name or mail address.

        Args:
            name: The teacher's name for them.
            with_roster: If true, learners in the roster without a submission are included.

        Raises:
            UsageError: There is no such learner, or there are several.
        """
        ids = {entry.learner for entry in self.submissions}
        if with_roster:
            ids |= self.people.keys()
        wanted = identity(name)
        known: dict[str, list[str]] = {}
        for learner in sorted(ids):
            if identity(learner) == wanted:
                return learner
            person = self.people.get(learner, Person(learner))
            for alias in filter(None, {person.name, person.mail}):
                known.setdefault(identity(alias), []).append(person.id)
        matches = known.get(wanted, [])
        if len(matches) == 1:
            return matches[0]
        who = printable(name)
        if matches:
            raise UsageError(
                text("There are several learners called {who}.", who),
                todo=text("Use an id: {found}.", ", ".join(matches)),
            )
        what = (
            text("There is no learner {who}.", who)
            if with_roster
            else text("There is no submission of {who}.", who)
        )
        raise UsageError(what, todo=near(name, [*sorted(ids), *known]))

    def leave_out(self, reasons: Iterable[str]) -> None:
        """Note submissions that are not graded."""
        self._add_left_out(text("Not graded: {reason}.", reason) for reason in reasons)

    def note_missing(self, missing: dict[str, list[Person]]) -> None:
        """Note learners without a submission, by exercise."""
        self.missing = missing
        for exercise, people in missing.items():
            names = ", ".join(f"{person.id} ({person.name})" for person in people)
            self._add_left_out(
                [text("Nothing to grade for {exercise}: {names}.", exercise, printable(names))]
            )

    def _add_left_out(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.lines.append(line)
            self.left_out.append(line)


def collect(
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
        unpacked: An empty folder for the contents of archives.
        roster: Maps the names that systems write to the learners' ids.
        duplicates: The rule for a learner with several submissions; see ``choose``.
        late: If true, late submissions are accepted: those that a system marks, or that came after the deadline.
        deadline: Returns the deadline, given a function that finds learners' ids.
        groups: The members of Moodle's groups.

    Raises:
        UsageError: There is no such path, or no submission.
    """
    intake = Intake([], any(path.is_dir() or _is_archive(path) for path in paths))
    entries: list[Submission] = []
    for number, path in enumerate(paths):
        if not path.exists():
            raise UsageError(
                text("There is no {path}.", path),
                todo="Name the folder or archive that holds the submissions.",
            )
        copy = unpacked / str(number)
        intake.leave_out(_unpack(path, copy))
        folders = [
            _unwrapped(folder, path.stem)
            for folder in (path, copy)
            if folder.exists() and not _is_archive(folder)
        ]
        intake.leave_out(skipped(*folders))
        for folder in folders:
            entries += filter(is_submission, with_facts(folder, walk(folder), groups or {}))
    entries = list(_identified(entries, roster, intake))
    if deadline:
        # The table of extensions names learners, who are known from here on.
        intake.submissions = entries
        entries = list(map(partial(_timed, deadline(intake.find_learner)), entries))
    if not late:
        intake.leave_out(text("{label} is late", entry.label) for entry in entries if entry.late)
        entries = [entry for entry in entries if not entry.late]
    intake.submissions, left_out = choose(entries, duplicates)
    intake.leave_out(left_out)
    if not intake.submissions:
        raise none_found(", ".join(map(str, paths)), "\n       ".join(intake.lines[:10]))
    for entry in intake.submissions:
        if entry.late:
            line = text("Late, and graded: {label}.", entry.label)
            if entry.delay:
                line = text("Late, and graded: {label} ({how}).", entry.label, entry.delay)
            intake.lines.append(line)
    if roster:
        intake.note_missing(_missing(intake.submissions, roster))
    return intake


def _is_archive(path: Path) -> bool:
    return path.suffix.lower() == SUFFIX and path.is_file()


def _unpack(path: Path, copy: Path) -> Iterator[str]:
    """Unpack an archive, or those in a folder, each under its path there; yield the refusals."""
    for archive in [path] if _is_archive(path) else find_archives(path):
        for line in unpack(archive, copy / archive.relative_to(path), named=archive == path):
            yield text("{archive}: {line}", printable(archive.name), line)


def _unwrapped(folder: Path, name: str) -> Path:
    """Return the only folder in an archive if the archive was made of that folder; otherwise the folder itself.

    Such a folder has the archive's name, or another name of the system's. One with notebooks is a learner's.
    """
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
    senders: list[tuple[Submission, Person | None]] = []
    numbers: dict[tuple[str, str, str], set[str]] = {}
    for entry in submissions:
        person = roster.find(entry) if roster else Person(entry.learner, entry.name)
        senders.append((entry, person))
        system, _, number = entry.sender.rpartition(":")
        numbers.setdefault((person.id if person else "", entry.exercise, system), set()).add(number)
    for entry, person in senders:
        if person is None and entry.learner in in_roster:
            reason = text("{label}: {learner} is another's id in the roster")
            intake.leave_out([text(reason, entry.label, entry.learner)])
            continue
        if person is None:
            # Graded nevertheless: the roster can be out of date.
            intake.lines.append(
                text(
                    "Not in the roster, and graded as {learner}: {label}.",
                    entry.learner,
                    entry.label,
                )
            )
            person = Person(entry.learner, entry.name)
        system, _, number = entry.sender.rpartition(":")
        if system:
            person = intake.people.get(person.id, person)
            person = replace(person, numbers={**person.numbers, system: number})
            intake.people[person.id] = person
        alone = not system or len(numbers.get((person.id, entry.exercise, system), ())) == 1
        sender = person.id if alone and person.id in in_roster else entry.sender
        group = []
        for name in entry.group:
            member = replace(entry, sender="", name=name, aliases=())
            found = roster.find(member) if roster else None
            group.append(found.id if found else learner_name(name))
        yield replace(entry, learner=person.id, sender=sender, group=tuple(group))


def _timed(deadline: Deadline, entry: Submission) -> Submission:
    """Mark a submission that came after the deadline."""
    delay = deadline.delay(entry)
    # Rounded up: a second late is late, by one minute.
    minutes = -(-delay // timedelta(minutes=1))
    if minutes <= 0:
        return entry  # a system's own mark stays
    parts = {"day": minutes // 1440, "hour": minutes // 60 % 24, "minute": minutes % 60}
    words = (
        text(f"{{number}} {unit}{'s' * (count > 1)}", count)
        for unit, count in parts.items()
        if count
    )
    return replace(entry, late=True, delay=text("by {duration}", listed(words, " ")))


def _missing(submissions: Iterable[Submission], roster: Roster) -> dict[str, list[Person]]:
    """Find the learners in the roster without a submission of an exercise that others handed in."""
    handed_in: dict[str, set[str]] = {}
    for entry in submissions:
        handed_in.setdefault(entry.exercise, set()).update((entry.learner, *entry.group))
    missing = {}
    for exercise, learners in handed_in.items():
        people = [person for person in roster.people.values() if person.id not in learners]
        if people:
            missing[exercise] = people
    return missing
