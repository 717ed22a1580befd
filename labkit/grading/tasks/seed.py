"""The seed of a learner's exercise: names and details vary with it, so that a copied answer fails.

Everything follows from a hash of the learner's name: the same learner always gets the same exercise, on every
machine. The names are not secret, unless the course has a secret (``course_secret``): then
the name begins with the learner's code.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

ANIMALS = tuple((resources.files(__package__) / "animals.txt").read_text(encoding="utf-8").split())
"""The words in names; another order gives every learner other names."""

SEEDED = re.compile(
    rf"(?<![a-z0-9])([a-z]{{1,20}}(?:-[a-z]{{1,20}}){{0,3}})-(?:{'|'.join(ANIMALS)})-[1-9][0-9](?![0-9])"
)
"""A name that some learner's seed makes, with its label as group 1."""

_NOT_IN_NAMES = re.compile(r"[^\w.@-]+")
_MAX_NAME_BYTES = 200


def learner_name(text: str) -> str:
    """Normalize a learner's name for the seed and for file names.

    Letters and digits of every script stay, and ``. _ @ -``; other characters between them become
    one ``_``; what cannot be seen is removed. Unicode is composed (NFC): macOS decomposes 한글 in file names. At most
    200 bytes of UTF-8 stay, which leaves room for a file's suffix.
    """
    visible = "".join(char for char in text if unicodedata.category(char) != "Cf")
    composed = unicodedata.normalize("NFC", visible).strip()
    return (
        _NOT_IN_NAMES.sub("_", composed)
        .lstrip(".")
        .encode()[:_MAX_NAME_BYTES]
        .decode(errors="ignore")
    )


def identity(text: str) -> str:
    """Return the distinguishing form of a learner's name, without case, widths and invisible characters."""
    return learner_name(
        unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    )


@dataclass(frozen=True, slots=True)
class Seed:
    """Chooses names and details for one learner."""

    learner: str

    def number(self, label: str, below: int) -> int:
        """Choose a number from 0 to ``below`` - 1, which depends on the label."""
        digest = hashlib.blake2b(
            f"{learner_name(self.learner)}\0{label}".encode(), digest_size=8
        ).digest()
        return int.from_bytes(digest, "big") % below

    def one(self, label: str, choices: Sequence[str]) -> str:
        """Choose one of several words."""
        return choices[self.number(label, len(choices))]

    def name(self, label: str) -> str:
        """Choose an object's name, such as ``team-heron-41``: a DNS label."""
        return f"{label}-{self.one(label, ANIMALS)}-{self.number(label + '#', 90) + 10}"
