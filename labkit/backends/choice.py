"""The chosen backend and its options, saved in ``backend.json``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labkit.core import page
from labkit.core.errors import UsageError, near
from labkit.core.home import read_json, write_json
from labkit.core.language import text

from .base import KUBERNETES, NAMES, Backend, Manifest, Need, Options

OWNERS = {
    "node": "embedded",
    "era": "embedded",
    "port": "embedded",
    "image": "kind",
    "kubeconfig": "existing",
    "context": "existing",
    "prefix": "existing",
    "audit_log": "existing",
    "force": "existing",
}
"""The backend of each option. With another backend the option is an error, because it would have no effect."""


def offered() -> tuple[str, ...]:
    """Return the backends that can be chosen here; in a page the embedded one alone."""
    return ("embedded",) if page.IN_PAGE else NAMES


@dataclass(frozen=True)
class Choice:
    """A backend and its options. Options that are not named have the saved values."""

    backend: str
    options: Options

    @classmethod
    def of(cls, home: Path, backend: str | None, options: Options) -> Choice:
        """Complete a choice with the saved one; without a backend, use the saved backend.

        Raises:
            UsageError: When the backend is unknown, or an option belongs to another one.
        """
        saved = read_json(home / "backend.json")
        if backend is None:
            backend = "existing" if options.kubeconfig else str(saved.get("backend") or "embedded")
        if backend in NAMES and backend not in offered():
            raise page.refusal(text("The cluster {backend}", backend))
        if backend not in NAMES:
            raise UsageError(
                text('There is no backend "{backend}".', backend), todo=near(backend, NAMES)
            )
        for option, owner in OWNERS.items():
            if owner != backend and getattr(options, option) != getattr(Options(), option):
                raise UsageError(
                    text('The backend {backend} has no option "{option}".', backend, option),
                    todo=text(
                        "It is one of {owner}: choose that backend as well, or leave the option out.",
                        owner,
                    ),
                )
        if options.kubernetes is not None:
            _check_version(backend, options)
        # With a newly named kubeconfig the saved context and prefix do not apply: they are another file's.
        if saved.get("backend") == backend and (
            options.kubeconfig is None or backend != "existing"
        ):
            options = _complete(options, saved)
        return cls(backend, options)

    def keep(self, home: Path) -> None:
        """Write the choice, if it changed."""
        options = self.options
        document: dict[str, Any] = {"backend": self.backend}
        if self.backend == "existing":
            document |= {"kubeconfig": str(options.kubeconfig), "context": options.context}
            document |= {"prefix": options.prefix}
            if options.audit_log:
                document["audit_log"] = str(options.audit_log)
        # The embedded server's options are not saved: its server.json has those that it runs with.
        if self.backend == "kind" and options.image:
            document["image"] = options.image
        if read_json(home / "backend.json") != document:
            write_json(home / "backend.json", document)

    @staticmethod
    def forget(home: Path) -> None:
        """Delete the choice: the next lab is the embedded one."""
        (home / "backend.json").unlink(missing_ok=True)


def _check_version(backend: str, options: Options) -> None:
    if options.kubernetes not in KUBERNETES:
        raise UsageError(
            text('There is no version "{version}" here.', options.kubernetes),
            todo=near(str(options.kubernetes), KUBERNETES),
        )
    if backend == "existing" or options.era or options.image:
        raise UsageError(
            "The version of Kubernetes cannot be chosen here.",
            why="it is the cluster's own, or another option has named it already",
            todo="Leave one of the options out.",
        )


def _complete(options: Options, saved: dict[str, Any]) -> Options:
    path = saved.get("kubeconfig")
    log = saved.get("audit_log")
    return replace(
        options,
        kubeconfig=options.kubeconfig or (Path(path) if path else None),
        audit_log=options.audit_log or (Path(log) if log else None),
        context=options.context or str(saved.get("context") or ""),
        prefix=options.prefix or str(saved.get("prefix") or ""),
        image=options.image or saved.get("image"),
    )


def make(
    name: str, home: Path, options: Options, lesson_objects: Callable[[], list[Manifest]]
) -> Backend:
    """Make a backend.

    Args:
        name: One of ``NAMES``.
        home: The state directory.
        options: Its options.
        lesson_objects: Returns the objects that learners create; an existing cluster is searched for their names.
    """
    # Each backend is imported where it is chosen, so that commands do not load another one's
    # libraries, such as kind's cryptography.
    if page.IN_PAGE:
        from .page.backend import PageBackend
        from .page.page import current_page

        return PageBackend(home, options, current_page())
    if name == "embedded":
        from .embedded import Embedded

        return Embedded(home, options)
    if name == "kind":
        from .kind.backend import KindBackend

        return KindBackend(home, options)
    from .existing import Existing

    return Existing(home, options, lesson_objects)


def find_needs(name: str, home: Path, options: Options) -> list[Need]:
    """Return the requirements of the backend of that name on this machine, met or not."""
    if name == "embedded":
        from . import embedded

        return embedded.find_needs()
    if name == "kind":
        from .kind import needs
        from .kind.backend import KindBackend

        return needs.find_needs(KindBackend(home, options).image)
    from . import existing

    return existing.find_needs(options.kubeconfig)
