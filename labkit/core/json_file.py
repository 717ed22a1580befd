"""Read the tables that are JSON files beside the modules that use them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson


def read_json(module: str, name: str) -> Any:
    """Return the content of a file beside a module, which gives its ``__file__``."""
    return orjson.loads(Path(module).with_name(name).read_bytes())
