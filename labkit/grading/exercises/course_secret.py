"""The secret of a course. With it, the names in a learner's tasks depend on a code that only that learner gets.

Without a secret, all learners can compute each other's names: the derivation and the learners' names are public.
"""

import hashlib
import hmac
import os
import secrets
from base64 import b32encode
from pathlib import Path

from labkit.core.errors import UsageError
from labkit.core.language import text

from ..tasks.seed import identity, learner_name

FILE = "course.secret"
"""The file in the course's folder; only its owner may read it."""

SECRET_BYTES = 32
CODE_CHARACTERS = 8
"""Characters of a code that follow from the secret; there are 2^40 of them."""

CHECK_CHARACTERS = 2
"""Characters after them that reveal a typing error, or another's code, in all but one of 1,024 cases."""

MISREAD = str.maketrans("018", "OIB")
"""Digits that base32 does not have, and the letters that they were."""


class CourseSecret:
    """A course's secret, which its ``repr`` does not show."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @property
    def fingerprint(self) -> str:
        """A text that identifies the secret without disclosing it."""
        # No learner's name has a NUL, so this is the beginning of nobody's code.
        return hmac.digest(self._secret, b"\0fingerprint", "sha256").hex()[:16]

    def code(self, learner: str) -> str:
        """Return the code of a learner, such as ``K7Q2-XM4P-3D``."""
        digest = hmac.digest(self._secret, learner_name(learner).encode(), "sha256")
        characters = b32encode(digest).decode()[:CODE_CHARACTERS]
        return f"{characters[:4]}-{characters[4:]}-{_check(characters, identity(learner))}"


def make_secret(folder: Path) -> tuple[CourseSecret, bool]:
    """Make the secret of the course in a folder; one that is there stays. Return it, and whether it is new.

    Raises:
        UsageError: The one that is there cannot be used.
        OSError: It cannot be written.
    """
    before = read_secret(folder)
    if before:
        return before, False
    text = secrets.token_hex(SECRET_BYTES)
    # Created with its mode: between open() and chmod() others could read it.
    number = os.open(folder / FILE, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with open(number, "w", encoding="ascii") as file:
        file.write(text)
    return CourseSecret(text.encode()), True


def read_secret(folder: Path) -> CourseSecret | None:
    """Read the secret of the course in a folder; None without one.

    Raises:
        UsageError: Others can read it, or labkit did not make it.
    """
    path = folder / FILE
    if not path.exists():
        return None
    if os.name == "posix" and path.stat().st_mode & 0o077:
        why = text("with it they have everybody's codes")
        raise UsageError(
            text("Others may read {path}.", path), why=why, todo=text("chmod 600 {path}", path)
        )
    content = path.read_text(encoding="ascii", errors="replace").strip()
    if len(content) != 2 * SECRET_BYTES:
        raise UsageError(
            text("{path} holds no secret.", path),
            todo="Bring the file back that labkit course secret made.",
        )
    return CourseSecret(content.encode())


def seed_name(learner: str, code: str = "") -> str:
    """Return the name that a learner's seed is made of: with a code, others cannot compute it.

    Args:
        learner: The learner's name.
        code: Their code, as it was typed; empty in a course without a secret.

    Raises:
        UsageError: The code is mistyped, or another learner's.
    """
    if not code.strip():
        return identity(learner)
    characters = "".join(filter(str.isalnum, code.upper().translate(MISREAD)))
    # Earlier codes were made for the name as it was written.
    names = (identity(learner), learner)
    if characters[CODE_CHARACTERS:] not in [
        _check(characters[:CODE_CHARACTERS], name) for name in names
    ]:
        raise UsageError(
            text("This is not the code of {name}.", learner),
            why=text("a code belongs to one name, and its last two characters do not fit"),
            todo=text("Compare the name and the code with what you were given."),
        )
    return f"{characters[:CODE_CHARACTERS]}:{identity(learner)}"


def _check(characters: str, learner: str) -> str:
    # Without the secret, so that a learner's own lab can check a code.
    digest = hashlib.sha256(f"{characters}\0{learner_name(learner)}".encode()).digest()
    return b32encode(digest).decode()[:CHECK_CHARACTERS]
