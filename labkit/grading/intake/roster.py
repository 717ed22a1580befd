"""A class's roster: maps the names and numbers that a system writes to learners.

It is a table with an id, a name and a mail address in each row, in this order or under headings. Canvas's gradebook
export, Moodle's grading worksheet and its list of participants are such tables, too. The id is the name that
learners write as ``ME``.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import dropwhile, zip_longest
from pathlib import Path

from labkit.core.errors import UsageError
from labkit.core.language import text

from ..tasks.seed import identity, learner_name
from .submissions import Submission
from .tables import read_table

IDS = (
    "learner",
    "sis login id",
    "username",
    "student id",
    "student number",
    "id number",
    "sid",
    "id",
)
NAMES = ("name", "student", "full name", "student name")
MAILS = ("mail", "email", "e-mail", "email address")
"""The headings of the columns in lower case; of several the first counts."""


FIRST_NAME = "first name"

TEST_STUDENT = "Student, Test"
"""The account that Canvas adds to each course, for its teacher."""

ROWS = text("Give each learner a row: id, name and mail address.")

ADDRESS = ".+@.+"

SHORTENED = re.compile(r"\d(?:[.,]\d+E\+?|E\+)\d+", re.IGNORECASE)
"""A long number as a spreadsheet abbreviates it, such as ``2.02E+09``."""


@dataclass(frozen=True)
class Person:
    """A learner, as a roster or a system describes them: their numbers by system, the row by headings."""

    id: str
    name: str = ""
    mail: str = ""
    numbers: dict[str, str] = field(default_factory=dict)
    row: dict[str, str] = field(default_factory=dict)


class Roster:
    """A roster that was read from a file.

    Raises:
        UsageError: It is not a table, its headings are unknown, or two rows have one id.
    """

    def __init__(self, path: Path) -> None:
        self.people: dict[str, Person] = {}
        self._known: dict[str, set[str]] = {}
        ids: set[str] = set()
        for person in filter(None, map(_person, _rows(path))):
            if identity(person.id) in ids:
                raise UsageError(
                    text("Two rows of {path} have the id {id}.", path, person.id),
                    todo="Remove one of them.",
                )
            ids.add(identity(person.id))
            self.people[person.id] = person
            for clue in _clues(person):
                self._known.setdefault(clue, set()).add(person.id)
        if not self.people:
            raise UsageError(text("Nobody is in {path}.", path), todo=ROWS)

    def find(self, entry: Submission) -> Person | None:
        """Find the sender: by the system's number if the roster has it, otherwise by id, mail address or name.

        A name that two people have matches neither of them.
        """
        sender = _plain(entry.name)
        of_system = entry.sender.startswith(("canvas:", "moodle:"))
        texts = [*map(_plain, entry.aliases), *([] if of_system else [sender])]
        clues = [f"{kind}:{text}" for text in filter(None, texts) for kind in ("id", "mail")]
        # GitHub Classroom names repositories ASSIGNMENT-USERNAME, and both parts can have hyphens.
        words = entry.name.split("-")
        clues += [
            f"github:{_plain(''.join(words[start:]))}"
            for start in range(1, len(words))
            if not of_system
        ]
        for clue in (entry.sender, *clues, f"name:{sender}"):
            ids = self._known.get(clue, ())
            if len(ids) == 1:
                return self.people[next(iter(ids))]
        return None


def _rows(path: Path) -> Iterator[dict[str, str]]:
    """Return the rows of a table, by their headings.

    Raises:
        UsageError: It is a spreadsheet's own file, or has headings that are not known.
    """
    table = [line.cells for line in read_table(path)]
    # A title above the headings has one cell.
    rows = list(dropwhile(lambda row: len(row) < 2, table)) or table
    # Canvas's assignments, such as "Exercise 4 (8812)", remain as they are: an import has to name them exactly.
    headings = (
        [cell if re.search(r"\(\d+\)$", cell) else cell.lower() for cell in rows[0]] if rows else []
    )
    if _unknown(rows, headings):
        raise UsageError(
            text(
                "The headings of {path} are not known: {rows}.",
                path,
                ", ".join(filter(None, rows[0])),
            ),
            todo="Call them id, name and mail. What Moodle exports is known in English.",
        )
    if {*IDS, *NAMES, *MAILS}.isdisjoint(headings):
        headings = ["id", "name", "mail"]
    else:
        del rows[0]
    return (dict(zip(headings, cells, strict=False)) for cells in rows)


def _unknown(rows: Sequence[Sequence[str]], headings: Sequence[str]) -> bool:
    """Return whether the first row has headings, but none for the names and addresses.

    Below such a heading all cells are learners' numbers or mail addresses, and no heading is an address.
    """
    if not {*NAMES, *MAILS, FIRST_NAME}.isdisjoint(headings) or any(
        re.fullmatch(ADDRESS, cell) for cell in headings
    ):
        return False
    for column, cells in enumerate(zip_longest(*rows, fillvalue="")):
        like = ADDRESS if column or not {*IDS}.isdisjoint(headings) else rf"{ADDRESS}|\d+"
        others = list(filter(None, cells[1:]))
        if (
            others
            and cells[0]
            and not re.fullmatch(like, cells[0])
            and all(re.fullmatch(like, cell) for cell in others)
        ):
            return True
    return False


def _person(row: dict[str, str]) -> Person | None:
    """Return the learner of a row; None if it has neither an id nor a mail address, or is Canvas's test student.

    Without an id the mail address is the id.

    Raises:
        UsageError: A spreadsheet has rounded the id.
    """
    id_, name, mail = (
        next((row[key] for key in keys if row.get(key)), "") for keys in (IDS, NAMES, MAILS)
    )
    # Moodle's identifier is "Participant 123".
    moodle = "".join(filter(str.isdigit, row.get("identifier", "")))
    # In Canvas's export "ID" is its own number, and the login is the learner's id.
    canvas = row.get("id", "") if "sis login id" in row else ""
    if canvas and name == TEST_STUDENT:
        return None
    github = _plain(row.get("github_username", ""))
    id_ = id_ or (row.get("identifier", "") if github else "")
    systems = (("canvas", canvas), ("moodle", "" if github else moodle), ("github", github))
    numbers = {system: number for system, number in systems if number}
    name = (
        name
        or f"{row.get(FIRST_NAME, '')} {row.get('last name') or row.get('surname', '')}".strip()
    )
    # Different ids can have become the same one.
    if SHORTENED.fullmatch(id_):
        raise UsageError(
            text("A spreadsheet shortened an id: {id}.", id_),
            todo="Make its column text, and save it again.",
        )
    # Spreadsheets write a column of numbers with decimals.
    learner = learner_name(re.sub(r"^(\d+)\.0$", r"\1", id_) or mail or moodle)
    return Person(learner, name, mail, numbers, row) if learner else None


def _clues(person: Person) -> Iterator[str]:
    """Yield the clues that identify a person; a name in any rotation of its words, such as the family name first."""
    yield from (f"id:{_plain(person.id)}", f"mail:{_plain(person.mail)}")
    yield from (f"{system}:{number}" for system, number in person.numbers.items())
    words = person.name.replace(",", " ").split()
    for number in range(len(words)):
        yield f"name:{_plain(''.join(words[number:] + words[:number]))}"


def _plain(text: str) -> str:
    """Return the letters and digits alone, composed and in lower case: Canvas drops all other characters of a name."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFC", text.casefold())))
