"""A class's roster: who a learner is, by what a system writes of them.

It is a table with an id, a name and a mail address in each row, in this order or under headings. Canvas' gradebook
export, Moodle's grading worksheet and its list of participants are such tables, too. What a teacher tells learners
to write as ``ME`` is the id.
"""

from __future__ import annotations

import codecs
import csv
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from labkit.core.errors import UsageError
from labkit.grading.seed import learner_name
from labkit.grading.submissions import Submission

HEADINGS = {
    "id": ("learner", "sis login id", "username", "student id", "student number", "id number", "id"),
    "name": ("name", "student", "full name", "student name"),
    "mail": ("mail", "email", "e-mail", "email address"),
}
"""The headings of the columns in lower case; of several the first counts."""

ENCODINGS = ("utf-8-sig", "cp1252", "latin-1")
"""What is tried, in order; the last can be anything."""


@dataclass(frozen=True)
class Person:
    """A learner, as far as a roster or a system tells.

    Args:
        id: The name that names in tasks are drawn from.
        name: Their name.
        mail: Their mail address.
        numbers: Their numbers in ``canvas`` and ``moodle``.
        row: The roster's row by its headings in lower case.
    """

    id: str
    name: str = ""
    mail: str = ""
    numbers: dict[str, str] = field(default_factory=dict)
    row: dict[str, str] = field(default_factory=dict)


class Roster:
    """A roster that was read from a file.

    Raises:
        UsageError: It is no table, or two rows have one id.
    """

    def __init__(self, path: Path) -> None:
        self.people: dict[str, Person] = {}
        self._known: dict[str, set[str]] = {}
        for person in _people(path):
            if person.id in self.people:
                raise UsageError(f"Two rows of {path} have the id {person.id}.", todo="Remove one of them.")
            self.people[person.id] = person
            for clue in _clues(person):
                self._known.setdefault(clue, set()).add(person.id)
        if not self.people:
            raise UsageError(f"Nobody is in {path}.", todo="Give each learner a row: id, name and mail address.")

    def find(self, entry: Submission) -> Person | None:
        """Find who handed something in: by the system's number if it is known here, else by id, mail or name.

        A name that two people have finds nobody.
        """
        sender = _plain(entry.name)
        of_system = entry.sender.startswith(("canvas:", "moodle:"))
        clues = [entry.sender] if of_system else [f"id:{sender}", f"mail:{sender}"]
        for clue in (*clues, f"name:{sender}"):
            if len(found := self._known.get(clue, ())) == 1:
                return self.people[next(iter(found))]
        return None


def _people(path: Path) -> Iterator[Person]:
    """Read the rows of a file that have an id."""
    text = _text(path.read_bytes())
    first = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), delimiter=delimiter)]
    headings = [cell.lower() for cell in rows[0]] if rows else []
    known = {heading for each in HEADINGS.values() for heading in each}
    if known.isdisjoint(headings):
        headings = ["id", "name", "mail"]
    else:
        rows = rows[1:]
    for cells in rows:
        row = dict(zip(headings, cells, strict=False))
        found = {kind: next((row[each] for each in names if row.get(each)), "") for kind, names in HEADINGS.items()}
        moodle = "".join(filter(str.isdigit, row.get("identifier", "")))  # "Participant 123"
        name = found["name"] or f"{row.get('first name', '')} {row.get('last name') or row.get('surname', '')}".strip()
        numbers = {"moodle": moodle, "canvas": row.get("id", "") if "sis login id" in headings else ""}
        if identity := learner_name(found["id"] or moodle):
            yield Person(identity, name, found["mail"], {key: each for key, each in numbers.items() if each}, row)


def _text(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    if b"\0" in data[:2]:
        return data.decode("utf-16-be" if data[0] == 0 else "utf-16-le", "replace")
    for encoding in ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return ""


def _clues(person: Person) -> Iterator[str]:
    """What a person may be found by; a name also in any rotation of its words, such as the family name first."""
    yield f"id:{_plain(person.id)}"
    yield f"mail:{_plain(person.mail)}"
    yield from (f"{system}:{number}" for system, number in person.numbers.items())
    words = person.name.replace(",", " ").split()
    for number in range(len(words)):
        yield f"name:{_plain(''.join(words[number:] + words[:number]))}"


def _plain(text: str) -> str:
    """Letters and digits alone, composed and in lower case: Canvas leaves out all else of a name."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFC", text.casefold())))
