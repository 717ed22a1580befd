"""The embedded cluster in this process, for a page of a browser, and the snapshot that the page keeps."""

from labkit.backends.page.storage import install, refresh, snapshot

__all__ = ["install", "refresh", "snapshot"]
