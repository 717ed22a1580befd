"""Names and details that vary with a learner, so that a copied answer fails.

Everything is drawn from a hash of the learner's name: the same learner always gets
the same exercise, on every machine, and nothing about it is secret.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

ANIMALS = (
    "badger",
    "beaver",
    "bison",
    "crane",
    "dormouse",
    "falcon",
    "ferret",
    "gecko",
    "heron",
    "ibex",
    "jackdaw",
    "kestrel",
    "lapwing",
    "lynx",
    "marten",
    "newt",
    "otter",
    "plover",
    "quail",
    "raven",
    "stoat",
    "tern",
    "vole",
    "wren",
)


_ODD = re.compile(r"[^\w.@-]+")
_LONGEST = 200


def learner_name(text: str) -> str:
    """A learner's name as it is drawn from, and as files are called.

    Letters and digits of every script stay, and ``. _ @ -``; what is between them becomes one
    ``_``. A name composed in another way (macOS writes 한글 so) is the same name.

    Args:
        text: As somebody wrote it, or as a folder is called.

    Returns:
        The name; at most 200 bytes, which leaves a file's name room for its ending.
    """
    composed = unicodedata.normalize("NFC", text).strip()
    return _ODD.sub("_", composed).lstrip(".").encode()[:_LONGEST].decode(errors="ignore")


@dataclass(frozen=True, slots=True)
class Draw:
    """A learner's own draws.

    Args:
        learner: Who the exercise is for, such as ``ann`` or a student number.
    """

    learner: str

    def number(self, label: str, below: int) -> int:
        """A number from 0 to ``below`` - 1.

        Args:
            label: What it is for; another label draws another number.
            below: How many there are to draw from.
        """
        digest = hashlib.blake2b(f"{learner_name(self.learner)}\0{label}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") % below

    def one(self, label: str, choices: Sequence[str]) -> str:
        """One of several words."""
        return choices[self.number(label, len(choices))]

    def name(self, label: str) -> str:
        """A name for an object, such as ``team-heron-41``. It is a DNS label."""
        return f"{label}-{self.one(label, ANIMALS)}-{self.number(label + '#', 90) + 10}"
