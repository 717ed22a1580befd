"""The questions of the drill and the ideas that they tell apart, read when they are first used."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("pool.json")
"""Written by ``python -m tools.drill``."""


@lru_cache(maxsize=1)
def pool() -> dict[str, Any]:
    """Questions and ideas. A question's ``wrong`` has the numbers of the ideas that answer it wrongly."""
    loaded: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
    return loaded
