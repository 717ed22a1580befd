"""Find submissions and read their cells. Submissions are not trusted.

The names of files in bulk downloads: Canvas ``NAME_[LATE_]USER_FILE_name.ipynb``, the name in lower case
without spaces (https://github.com/instructure/canvas-lms/blob/master/lib/content_zipper.rb); Moodle
``Full Name_ID_assignsubmission_file/…``, with ``_`` at the end in earlier versions, or, without folders,
``…_file_name.ipynb`` (https://github.com/moodle/moodle/blob/main/mod/assign/classes/downloader.php).
"""

import codecs
import json
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from labkit.core.errors import UsageError
from labkit.core.language import text

from ..exercises.course_secret import seed_name
from ..tasks import EXERCISES
from ..tasks.seed import identity, learner_name

IDS = frozenset(exercise.id for exercise in EXERCISES)

MAX_BYTES = 8 << 20
"""The size of a notebook."""

NBFORMAT = 4
"""The notebook format since 2015; earlier ones have their cells elsewhere."""

SUFFIX = ".ipynb"
"""The end of a notebook's name, in small or capital letters."""

WRAPPER = "submitted"
"""nbgrader's name for the folder above learners' folders."""

LEARNERS_FOLDER = 2
"""The least depth of a submission in a folder of its learner's."""

MAX_FILES = 256
"""How many files from its folder a notebook gets."""

MAX_ENTRIES = 4096
"""How many files and folders of a notebook's folder are listed: its grader serves no other during that time."""

KUBECTL = re.compile(r"^(?!\s*#).*?((?<![\w.])kubectl\b|\.kubectl\s*\()", re.MULTILINE)
"""A line of code that probably calls kubectl."""

PYTHON_CLIENT = re.compile(r"^\s*(?:from|import)\s+kubernetes\b", re.MULTILINE)
"""A line of code that imports the official client for Python."""

CANVAS = re.compile(
    r"(?:(?P<name>(?!LATE_).*?)_)?(?P<late>LATE_)?(?P<person>\d+|anon_[^_]+)_(?P<version>\d+)_(?P<rest>.+)",
    re.DOTALL,
)
CANVAS_PAGE = re.compile(r".+_\d+_(text|link)\.html", re.DOTALL)
"""Canvas's file for a text or an address that was handed in instead of a file."""

MOODLE = re.compile(r"(?P<name>.*)_(?P<person>\d+)_assignsubmission_file_?(?P<rest>.*)", re.DOTALL)

COPY = re.compile(r"(-\d+| \(\d+\))?$")
"""The suffix by Canvas for a file that was handed in before, and by browsers for one that was downloaded before."""


Key = tuple[str, str]
"""A learner and an exercise."""


class Unreadable(Exception):
    """A submission cannot be read as a notebook."""


@dataclass(frozen=True, slots=True)
class Submission:
    """One learner's notebook of one exercise.

    Args:
        learner: The folder's name, or the part before ``__`` of the file's.
        exercise: The exercise's id.
        path: The notebook.
        origin: The entry of the searched folder that it was found in.
        depth: How many parts its path has below the searched folder; 0 for a notebook that was named itself.
        sender: The system's identifier of the sender: ``canvas:NUMBER``, ``moodle:NUMBER``, a folder's name.
        name: The sender's name, as the system writes it.
        late: Whether the system marks it as late.
        version: The system's number of the file, which grows; 0 without one.
        code: The learner's code, if the course has a secret.
        aliases: The sender's id and mail address in the export.
        group: All learners who handed it in together; empty for one learner.
        handed_in: The time in the export, as ISO 8601 with a zone; never a file's date.
        delay: How late that is, in words; empty if it is not late, or not known.
    """

    learner: str
    exercise: str
    path: Path
    origin: str = ""
    depth: int = 0
    sender: str = ""
    name: str = ""
    late: bool = False
    version: int = 0
    code: str = field(default="", repr=False)
    aliases: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    handed_in: str = ""
    delay: str = ""

    @property
    def key(self) -> Key:
        """The learner and the exercise."""
        return self.learner, self.exercise

    @property
    def seed_name(self) -> str:
        """The name that the learner's seed is made of."""
        return seed_name(self.learner, self.code)

    @property
    def label(self) -> str:
        """Its path below the searched folder, for people."""
        return printable(Path(*self.path.parts[-max(self.depth, 1) :]))

    @property
    def shares_folder(self) -> bool:
        """True if it is not in a folder of its learner's, so that other files there can be another learner's."""
        return self.depth < LEARNERS_FOLDER


def find(folder: Path) -> list[Submission]:
    """Find all submissions below a folder, sorted by learner and exercise; instead of a folder, one notebook.

    Layouts: ``LEARNER/EXERCISE.ipynb``, nbgrader's ``LEARNER/ASSIGNMENT/EXERCISE.ipynb``,
    single files ``LEARNER__EXERCISE.ipynb``, and downloads of Canvas and Moodle. A symbolic link is not followed.

    Raises:
        UsageError: There is no such folder, or no submission in it.
    """
    if not folder.exists():
        raise UsageError(
            text("There is no {folder}.", folder),
            todo="Name the folder that holds the submissions.",
        )
    submissions, _ = choose(walk(folder))
    if not submissions:
        raise none_found(folder)
    return submissions


def none_found(where: object, why: str = "") -> UsageError:
    """Make the error for a place without a submission."""
    known = ", ".join(exercise.id for exercise in EXERCISES)
    return UsageError(
        text("There is no submission in {where}.", where),
        why=why or "a submission is LEARNER/EXERCISE.ipynb or LEARNER__EXERCISE.ipynb",
        todo=text(
            "Name the folder above the learners' folders, and keep the exercises' file "
            "names: {known}.",
            known,
        ),
    )


def choose(
    entries: Iterable[Submission], duplicates: str = "newest"
) -> tuple[list[Submission], list[str]]:
    """Choose one submission of each learner and exercise.

    Args:
        entries: The notebooks that ``walk`` found.
        duplicates: Which of a learner's several counts: ``newest``, ``first``, or none of them (``refuse``). In one
            folder of a learner's it is the topmost.

    Returns:
        The chosen ones, sorted by learner and exercise, and the reasons for leaving out others, as sentences.
    """
    chosen: list[Submission] = []
    lines: list[str] = []
    ordered = sorted(filter(is_submission, entries), key=lambda entry: (*_group(entry), entry.path))
    for (learner, exercise), group in groupby(ordered, _group):
        several = list(group)
        copies: dict[Path, list[Submission]] = {}
        for entry in several:
            origin = entry.path.parents[max(entry.depth, 1) - 1] / entry.origin
            copies.setdefault(origin, []).append(entry)
        found = [min(entries, key=_height) for entries in copies.values()]
        found.sort(key=_age, reverse=duplicates == "newest")
        senders = {entry.sender for entry in found}
        # A system's numbers tell people of one name apart; folders' names do not.
        if len(senders) > 1 and any(":" in sender for sender in senders):
            lines += [
                text(
                    "{label} would be {learner}'s {exercise}, and another's is as well",
                    entry.label,
                    learner,
                    exercise,
                )
                for entry in several
            ]
        elif len(found) > 1 and duplicates == "refuse":
            lines += [
                text(
                    "{label} is one of {several} of {learner}'s {exercise}",
                    entry.label,
                    len(found),
                    learner,
                    exercise,
                )
                for entry in found
            ]
        else:
            names = {entry.name for entry in found if ":" not in entry.sender}
            # Folders such as "Ann" and "ann" would be one learner in the results.
            if len(names) > 1 and {identity(name) for name in names} == {learner}:
                ids = {entry.learner for entry in found}
                found.sort(
                    key=lambda entry: entry.name not in (ids if len(ids) == 1 else {learner})
                )
                lines.append(
                    text(
                        "the rest of {names}, which are one learner: "
                        "that which is written as the id counts, else the first"
                        if duplicates == "first"
                        else "the rest of {names}, which are one learner: "
                        "that which is written as the id counts, else the newest",
                        printable(", ".join(sorted(names))),
                    )
                )
            chosen.append(found[0])
            lines += [
                f"{entry.label}: {found[0].label} counts"
                for entry in several
                if entry is not found[0]
            ]
    return chosen, lines


def _group(entry: Submission) -> tuple[str, str]:
    return identity(entry.learner), entry.exercise


def _height(entry: Submission) -> tuple[bool, int, float]:
    """Sort the submissions in one folder of a learner's, the one that counts first."""
    return entry.path.is_dir(), entry.depth, -_age(entry)


def _age(entry: Submission) -> float:
    """Return the system's number of the file, or its time of change; numbers and times cannot be compared."""
    if entry.version:
        return entry.version
    with suppress(OSError):
        return entry.path.lstat().st_mtime
    return 0.0


def skipped(*folders: Path) -> list[str]:
    """List, as sentences, the files and folders that look like submissions and are not found by ``find``."""
    wrong: list[str] = []
    with_notebooks: set[str] = set()
    tops: dict[str, Path] = {}
    for folder in folders:
        for entry in walk(folder):
            if entry.path != folder:
                with_notebooks.add(entry.path.relative_to(folder).parts[0])
            if not is_submission(entry):
                has_exercise = not entry.learner and entry.exercise in IDS
                reason = "names no learner" if has_exercise else "has no exercise's name"
                wrong.append(f"{entry.label} {reason}")
        if folder.is_dir():
            tops |= {top.name: top for top in folder.iterdir()}
    empty = []
    others = []
    for name, top in sorted(tops.items()):
        if top.is_dir() and name not in with_notebooks:
            empty.append(f"{printable(name)} holds no notebook")
        is_other = top.suffix.lower() not in (SUFFIX, ".zip") and top.is_file()
        if is_other and (_system(name) or CANVAS_PAGE.fullmatch(name)):
            others.append(text("{path} is no notebook", printable(name)))
    return [*wrong, *empty, *others]


def printable(path: object) -> str:
    """Replace the control characters of a file's name: a terminal would obey them."""
    return "".join(char if char.isprintable() else "\ufffd" for char in str(path))


def is_submission(entry: Submission) -> bool:
    """Return whether a notebook has an exercise's name, and a learner."""
    return bool(entry.learner) and entry.exercise in IDS


def code_cells(path: Path) -> list[str]:
    """Read the sources of a notebook's code cells.

    Raises:
        Unreadable: It is not a notebook, or larger than ``MAX_BYTES``.
    """
    return parse(read_untrusted(path))[0]


def parse(data: bytes) -> tuple[list[str], str]:
    """Parse a notebook.

    Returns:
        The sources of its code cells, and the language of its kernel; empty if it does not name one.

    Raises:
        Unreadable: It is not a notebook.
    """
    # Recognized for a clearer reason than "not UTF-8".
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data[:4]:
        raise Unreadable("its text is UTF-16: open it in JupyterLab and save it")
    try:
        document = json.loads(data.decode("utf-8-sig"))
        if document.get("nbformat", NBFORMAT) < NBFORMAT:
            raise Unreadable(
                text(
                    "it is a notebook of format {number}: open it in JupyterLab and save it",
                    document["nbformat"],
                )
            )
        cells = [_source(cell) for cell in document["cells"] if cell.get("cell_type") == "code"]
        return cells, _language(document)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        why = type(error).__name__
        if isinstance(error, UnicodeDecodeError):
            why = text("its text is not UTF-8")
        raise Unreadable(text("it is no notebook ({why})", why)) from error


def contains(path: Path, pattern: re.Pattern[str]) -> bool:
    """Return whether a notebook's code matches ``KUBECTL`` or ``PYTHON_CLIENT``, without which it cannot be graded."""
    with suppress(Unreadable):
        return any(pattern.search(cell) for cell in code_cells(path))
    return False


def files_beside(submission: Submission) -> dict[str, bytes]:
    """Read the files in the notebook's folder and below it, by their paths there.

    Hidden files, links, and files beyond ``MAX_FILES`` or together larger than ``MAX_BYTES`` are left out.
    """
    # The folder can be another learner's, or a teacher's with solutions in it.
    if submission.shares_folder:
        return {}
    folder = submission.path.parent
    files: dict[str, bytes] = {}
    left = MAX_BYTES
    visible = below(folder, lambda name: not name.startswith((".", "__pycache__")))
    paths = (path for path in sorted(islice(visible, MAX_ENTRIES)) if path != submission.path)
    for path in islice(paths, MAX_FILES):
        with suppress(Unreadable):
            data = read_untrusted(path)
            if len(data) <= left:
                files[path.relative_to(folder).as_posix()] = data
                left -= len(data)
    return files


def _language(document: dict[str, Any]) -> str:
    with suppress(KeyError, TypeError):
        language = document["metadata"]["kernelspec"]["language"]
        return printable(language)[:40] if isinstance(language, str) else ""
    return ""


def read_untrusted(path: Path) -> bytes:
    """Read a file that is not trusted.

    Raises:
        Unreadable: It is not a regular file, is larger than ``MAX_BYTES``, or cannot be opened.
    """
    try:
        # No link is followed, and a pipe is opened without waiting for its other end; Windows has neither flag.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with open(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Unreadable("it is no ordinary file")
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        why = text("it is a symbolic link") if path.is_symlink() else f"{error.strerror}"
        raise Unreadable(why) from error
    if len(data) > MAX_BYTES:
        raise Unreadable(
            text("it is larger than {size} MiB: clear its outputs and save it", MAX_BYTES >> 20)
        )
    return data


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    text = source if isinstance(source, str) else "".join(source)
    # JSON can hold half of a surrogate pair, which no process could print.
    return text.encode("utf-8", "replace").decode()


def below(folder: Path, chosen: Callable[[str], bool] = bool) -> Iterator[Path]:
    """List the files and folders with a chosen name below a folder, the nearest first.

    Links are not followed, and folders that cannot be opened are left out.
    """
    # Without recursion, whose depth a learner's folders could exceed.
    folders = [os.fspath(folder)]
    for path in folders:
        with suppress(OSError), os.scandir(path) as entries:
            for entry in entries:
                if chosen(entry.name):
                    yield Path(entry.path)
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)


def walk(folder: Path) -> Iterator[Submission]:
    """List every notebook, also those without an exercise's name or a learner."""
    notebooks = (path for path in below(folder) if path.suffix.lower() == SUFFIX)
    files = [folder] if folder.is_file() else sorted(notebooks)
    for path in files:
        # Jupyter's copies, and macOS's files of attributes.
        if ".ipynb_checkpoints" in path.parts or path.name.startswith("._"):
            continue
        parts = path.relative_to(folder).parts if path != folder else (path.name,)
        match = _system(parts[0], folder=len(parts) > 1)
        yield (
            _downloaded(path, parts, match) if match else _plain(path, parts, alone=path == folder)
        )


def _system(name: str, *, folder: bool = False) -> re.Match[str] | None:
    """Match the names that learning systems generate. Canvas creates no folders, but an archive becomes one."""
    return MOODLE.fullmatch(name) or (
        None if folder and not name.endswith(".zip") else CANVAS.fullmatch(name)
    )


def _downloaded(path: Path, parts: Sequence[str], match: re.Match[str]) -> Submission:
    """Make the submission of a notebook that a learning system has named."""
    facts = match.groupdict()
    stem = path.stem if len(parts) > 1 else facts["rest"].removesuffix(path.suffix)
    name = facts["name"] or facts["person"]
    return Submission(
        learner_name(name),
        COPY.sub("", stem, count=1),
        path,
        parts[0],
        len(parts),
        f"{'canvas' if match.re is CANVAS else 'moodle'}:{facts['person']}",
        name,
        bool(facts.get("late")),
        int(facts.get("version") or 0),
    )


def _plain(path: Path, parts: Sequence[str], *, alone: bool) -> Submission:
    """Make the submission of a notebook in a learner's folder, or with the learner in its name.

    A folder with an exercise's name is not a learner's: learners' folders are in it, or it is in one of them.
    """
    if parts[0] in IDS and len(parts) > 1:
        parts = parts[1:]
    name, double, stem = path.stem.partition("__")
    depth = 0 if alone and not double else len(parts)
    if len(parts) > 1:
        # A file's name in a learner's folder cannot make it another learner's.
        name = parts[0].removesuffix(".zip")
        stem = stem if double else path.stem
    elif not double:
        above = path.absolute().parent
        is_assignment = above.name in IDS or above.parent.parent.name == WRAPPER
        name = (above.parent if is_assignment else above).name if alone else ""
        stem = path.stem
    return Submission(learner_name(name), stem, path, parts[0], depth, name, name)
