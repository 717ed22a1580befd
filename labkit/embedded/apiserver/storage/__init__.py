"""Objects and their history: one interface, and its implementations in memory and in SQLite."""

from labkit.embedded.apiserver.storage.base import Event, Expired, Key, Page, Snapshot, StorageFailed, Store
from labkit.embedded.apiserver.storage.memory import MemoryStore
from labkit.embedded.apiserver.storage.table import Stored

__all__ = ["Event", "Expired", "Key", "MemoryStore", "Page", "Snapshot", "StorageFailed", "Store", "Stored"]
