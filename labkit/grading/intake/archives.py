"""Unpack the archives that learning systems hand out, and those that learners hand in, which are not trusted.

Only the formats that systems write are opened: zip files, stored or deflated. Sizes are counted while files are
written, since an archive's own figures can be false (a "zip bomb").
"""

import os
import re
import stat
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from labkit.core.language import text

from .submissions import MAX_BYTES, below, printable

SUFFIX = ".zip"

MAX_NAMED = 4 << 30
"""The size of the contents of an archive that a teacher named."""

MAX_FOUND = 64 << 20
"""The size of an archive in a folder or in another archive, and of its contents: a learner made it."""

MAX_FOUND_FILES = 1000

MAX_DEPTH = 64
"""The depth of a file's folder: Python removes folders by recursion."""

UTF8_NAME = 0x800
"""The flag of an entry whose name is UTF-8; others are read as code page 437."""


class Refused(Exception):
    """An archive, or a file in one, that is not unpacked."""


def unpack(
    archive: Path, folder: Path, *, named: bool = False, nested: bool = True
) -> Iterator[str]:
    """Unpack an archive into a new folder, and once the archives in it; yield the refusals, as sentences.

    Args:
        archive: The file; it is replaced if ``folder`` is the same path.
        folder: The new folder.
        named: Whether a teacher named it; others have the smaller bounds for learners' files.
        nested: Whether archives in it are opened.
    """
    try:
        with archive.open("rb") as file:
            if not named and os.fstat(file.fileno()).st_size > MAX_FOUND:
                raise Refused(text("it is larger than {megabytes} MiB", MAX_FOUND >> 20))
            if archive == folder:
                archive.unlink()
            folder.mkdir(parents=True)
            with zipfile.ZipFile(file) as opened:
                yield from _write_all(opened, folder, named=named)
    except Exception as error:
        # zipfile raises many kinds of errors; one archive must not stop the grading of the others.
        yield text("the archive is not opened: {reason}", _reason(error))
    for inner in find_archives(folder):
        again = (
            unpack(inner, inner, nested=False)
            if nested
            else [text("it is an archive in an archive in another")]
        )
        name = printable(inner.relative_to(folder))
        yield from (text("{archive}: {line}", name, line) for line in again)


def find_archives(folder: Path) -> list[Path]:
    """List the archives in a folder, without links."""
    paths = (path for path in below(folder) if path.suffix.lower() == SUFFIX)
    return sorted(path for path in paths if path.is_file() and not path.is_symlink())


def _write_all(opened: zipfile.ZipFile, folder: Path, *, named: bool) -> Iterator[str]:
    entries = [
        entry
        for entry in opened.infolist()
        if not entry.is_dir() and "__MACOSX/" not in entry.filename
    ]
    if not named and len(entries) > MAX_FOUND_FILES:
        raise Refused(text("it has {number} files", len(entries)))
    left = MAX_NAMED if named else MAX_FOUND
    for entry in entries:
        try:
            left -= _write(opened, entry, folder)
        except Exception as error:
            # The other files of the same archive are graded.
            name = printable(_name(entry)[:200])
            yield text("{file} is not unpacked: {reason}", name, _reason(error))
        if left < 0:
            raise Refused(text("what is in it is too large"))


def _write(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> int:
    """Write one file, and return its size. Of a file that is too large, one byte more than allowed is written."""
    name = _name(entry)
    parts = PurePosixPath(name).parts
    # The last form is a drive of Windows.
    if name.startswith("/") or ".." in parts or re.match("[A-Za-z]:", name):
        raise Refused(text("its path leads out of the archive"))
    if len(parts[:-1]) > MAX_DEPTH:
        raise Refused(text("it lies in more than {depth} folders", MAX_DEPTH))
    # 0 is an archive made on Windows. A link could lead out of the folder.
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        raise Refused(text("it is no ordinary file"))
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Refused(text("it is compressed in an unusual way"))
    path = folder.joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Mode x: of two entries with one name the first counts, and the second is reported.
    with opened.open(entry) as source, path.open("xb") as target:
        size = target.write(
            source.read((MAX_FOUND if name.lower().endswith(SUFFIX) else MAX_BYTES) + 1)
        )
    # An archive can have an impossible date, such as month 0.
    with suppress(ValueError, OverflowError):
        changed = time.mktime((*entry.date_time, 0, 0, -1))
        os.utime(path, (changed, changed))
    return size


def _name(entry: zipfile.ZipInfo) -> str:
    """Return an entry's name. macOS writes UTF-8 without the flag for it; Windows its own encoding, and backslashes."""
    name = entry.filename
    if not entry.flag_bits & UTF8_NAME:
        with suppress(UnicodeError):
            name = decoded(name.encode("cp437"), "cp437")
    return name.replace("\\", "/")


def decoded(data: bytes, western: str) -> str:
    """Decode text of an unknown encoding: UTF-8, the one of Windows in Korea, or a Western one."""
    with suppress(UnicodeDecodeError):
        return data.decode("utf-8-sig")
    with suppress(UnicodeDecodeError):
        text = data.decode("cp949")
        # Korea's common syllables are pairs of bytes beyond ASCII, which hardly any Western text has.
        if not text.encode("euc-kr", "ignore").isascii():
            return text
    return data.decode(western, "replace")


def _reason(error: Exception) -> str:
    if isinstance(error, Refused | OSError):
        return error.args[0] if isinstance(error, Refused) else error.strerror or str(error)
    return text("it is damaged or encrypted ({error})", type(error).__name__)
