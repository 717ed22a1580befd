"""The page that the lab runs in. It owns a page's changes to this process, and undoes them when it is left."""

from __future__ import annotations

import json
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from labkit.core import home as homes
from labkit.core import page
from labkit.core.language import listed, text

from . import snapshot, storage
from .storage import SnapshotStore, Storage

if TYPE_CHECKING:
    from .cluster import PageCluster
    from .loopback import Loopback

PROGRESS = "progress.json"
"""The progress' file in the state directory (``lessons.progress``)."""


class Page:
    """A page of a browser: its clusters, their addresses, and the storage of their state.

    Enter it before the lab is used. When it is left, its clusters are closed, and the patches of ``ssl``,
    ``http.client`` and urllib3 are undone::

        with Page(storage) as page:
            print(page.restore())

    Args:
        storage: The page's storage of bytes; without one, the state is not saved.
        home: The state directory to save; by default ``LABKIT_HOME``.
        site: The address of the site; empty if it is not known.
    """

    def __init__(
        self, storage: Storage | None = None, home: Path | None = None, site: str = ""
    ) -> None:
        self.site = site
        self.clusters: dict[Path, PageCluster] = {}
        """The running clusters, by state directory."""
        self._home = home
        self._store = SnapshotStore(storage, self.snapshot, self._progress) if storage else None
        self._exits = ExitStack()

    def enter(self) -> Self:
        """Make this the page of the process.

        Raises:
            RuntimeError: The process is in a page already.
        """
        # Two pages would patch the same libraries, and leaving one would undo the other's patches.
        if page.current is not None:
            raise RuntimeError("another page was entered, and not left")
        page.current = self
        return self

    def leave(self) -> None:
        """Close the clusters and restore the process."""
        while self.clusters:
            self.stop_cluster(next(iter(self.clusters)))
        self._exits.close()
        self.__dict__.pop("loopback", None)
        page.current = None

    def __enter__(self) -> Self:
        return self.enter()

    def __exit__(self, *_error: object) -> None:
        self.leave()

    @property
    def home(self) -> Path:
        """The state directory that is saved."""
        return self._home or homes.home_path()

    @property
    def in_a_class(self) -> bool:
        """Return whether a lab here has joined a teacher's class."""
        return (self.home / homes.JOINED).exists()

    @cached_property
    def loopback(self) -> Loopback:
        """The addresses that lead into this process."""
        # Entered at the first use, because the import of urllib3 is slow and the page's first cell would wait for it.
        from .loopback import Loopback

        return self._exits.enter_context(Loopback())

    def start_cluster(self, home: Path, *, node: bool, era: str) -> None:
        """Open the cluster of a state directory."""
        from .cluster import PageCluster

        self.clusters[home] = PageCluster(home, self.loopback, node=node, era=era)

    def stop_cluster(self, home: Path) -> None:
        """Close the cluster of a state directory; its objects stay."""
        self.clusters.pop(home).close()

    def changed(self, path: Path) -> None:
        """Save the state if a file of it has changed."""
        if self._store and self.home in path.parents:
            self._store.save_soon()

    def snapshot(self) -> bytes:
        """Return the state directory as bytes."""
        cluster = self.clusters.get(self.home)
        return snapshot.pack(self.home, cluster.database() if cluster else None)

    def restore(self) -> str:
        """Replace the state by the stored snapshot.

        Returns:
            A sentence for the learner if the snapshot cannot be used; otherwise empty.
        """
        return self._restored() or ""

    def refresh(self) -> bool:
        """Continue from another page's snapshot with the existing clients; return False if it cannot be used."""
        return self._restored() == ""

    def _restored(self) -> str | None:
        """Do the same as ``restore``; return None without a snapshot."""
        data = self._store.load() if self._store else None
        if not self._store or not data:
            return None
        homes.ensure_private(self.home)
        cluster = self.clusters.get(self.home)
        # An open database would write its own pages into the restored file.
        if cluster:
            cluster.close()
        why = snapshot.unpack(data, self.home)
        if cluster:
            cluster.open()
        if not why:
            return ""
        said = self._store.set_aside(data, why)
        try:
            progress = json.loads(self._store.load(storage.PROGRESS) or b"{}")
        except ValueError:
            progress = {}  # damaged too
        if not isinstance(progress, dict) or not progress:
            return said
        homes.write_json(self.home / PROGRESS, progress)
        return listed([said, text("Your passes are still there.")], " ")

    def _progress(self) -> bytes:
        """Return the file of the learner's progress as bytes."""
        path = self.home / PROGRESS
        return path.read_bytes() if path.exists() else b""


def current_page() -> Page:
    """Return the page of this process; if none was entered, enter one without storage."""
    if not isinstance(page.current, Page):
        return Page().enter()
    return page.current
