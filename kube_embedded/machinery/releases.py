"""What differs between the versions of Kubernetes that the server can answer as.

This file lists the differences; the code that answers asks ``Release.has`` or ``differs``. The server answers as one
version, which ``--era`` names. The default is the newest one that a real server was asked for. What newer versions
answer was read in their sources and release notes: docs/parity.md marks it as expected.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

Version = tuple[int, int]

ASKED: Version = (1, 36)
"""The newest version for which a real server's answers are recorded."""

RELEASES = {
    "1.20": "v1.36.2",  # the tokens and columns of that time; everything else as now
    "1.36": "v1.36.2",
    "1.37": "v1.37.2",
    "1.38": "v1.38.0",
}
"""What ``/version`` shows, by the version that the server answers as."""

ERAS = ("now", *RELEASES)
"""The values of ``--era``; ``now`` is ``ASKED``."""


@dataclass(frozen=True)
class Difference:
    """A difference between two versions.

    Args:
        text: What is different.
        source: The enhancement proposal, or the pull request.
        first: The first version that has it; None for one that every old version has.
        last: The last version that has it; None if it is still there.
    """

    text: str
    source: str
    first: Version | None = None
    last: Version | None = None

    def applies(self, version: Version) -> bool:
        """Return whether a version has it."""
        begun = self.first is None or self.first <= version
        return begun and (self.last is None or version <= self.last)


KUBERNETES = "https://github.com/kubernetes/kubernetes/pull/"

DIFFERENCES = {
    "token secrets": Difference(
        "Each service account gets a Secret with a token, and pods mount that Secret.",
        "https://kep.k8s.io/2799",
        last=(1, 23),
    ),
    "secrets column": Difference(
        "The table of service accounts has a column for their Secrets.",
        f"{KUBERNETES}117160",
        last=(1, 34),
    ),
    "unknown paths": Difference(
        "A path that nothing serves is answered with a Status in JSON, not with a line of text.",
        f"{KUBERNETES}138219",
        first=(1, 38),
    ),
    "bad revision": Difference(
        "A GET of one object with a resourceVersion that is not a number is answered with 400, not with 500.",
        f"{KUBERNETES}142591",
        first=(1, 38),
    ),
    "too few": Difference(
        "A custom object with fewer items or properties than its schema wants has too few, not an invalid value.",
        f"{KUBERNETES}141641",
        first=(1, 38),
    ),
}
"""The differences, by the name that the code asks for."""


@dataclass(frozen=True)
class Release:
    """The version that a server answers as; ``era`` is one of ``ERAS``."""

    era: str = "now"

    @property
    def version(self) -> Version:
        """Its two numbers."""
        if self.era == "now":
            return ASKED
        major, minor = self.era.split(".")
        return int(major), int(minor)

    @property
    def git_version(self) -> str:
        """The release that ``/version`` shows."""
        return RELEASES["1.36" if self.era == "now" else self.era]

    def has(self, name: str) -> bool:
        """Return whether this version has a difference of ``DIFFERENCES``."""
        return DIFFERENCES[name].applies(self.version)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Let ``differs`` speak of this version inside."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)


_current: ContextVar[Release] = ContextVar("release", default=Release())  # noqa: B039 - it is frozen


def differs(name: str) -> bool:
    """Return whether the version as which a request is answered has a difference of ``DIFFERENCES``."""
    return _current.get().has(name)
