"""Objects and their history, in memory and in SQLite."""

from labkit.embedded.apiserver.storage.base import (
    Event,
    Expired,
    Key,
    Page,
    Snapshot,
    StorageFailed,
)
from labkit.embedded.apiserver.storage.memory import Store
from labkit.embedded.apiserver.storage.table import Stored

__all__ = ["Event", "Expired", "Key", "Page", "Snapshot", "StorageFailed", "Store", "Stored"]
