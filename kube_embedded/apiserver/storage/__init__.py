"""Objects and their history, in memory and in SQLite."""

from .base import Event, Expired, Key, Page, Snapshot, StorageFailed
from .memory import Store
from .table import Stored

__all__ = ["Event", "Expired", "Key", "Page", "Snapshot", "StorageFailed", "Store", "Stored"]
