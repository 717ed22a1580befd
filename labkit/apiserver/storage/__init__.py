"""Where objects live, and how they came to be: one interface, two implementations."""

from labkit.apiserver.storage.base import Event, Expired, Key, Store
from labkit.apiserver.storage.memory import MemoryStore

__all__ = ["Event", "Expired", "Key", "MemoryStore", "Store"]
