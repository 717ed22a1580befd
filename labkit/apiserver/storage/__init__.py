"""Where objects live, and how they came to be: one interface, two implementations."""

from labkit.apiserver.storage.base import Event, Expired, Key, Page, Snapshot, StorageFailed, Store
from labkit.apiserver.storage.memory import MemoryStore
from labkit.apiserver.storage.table import Stored

__all__ = ["Event", "Expired", "Key", "MemoryStore", "Page", "Snapshot", "StorageFailed", "Store", "Stored"]
