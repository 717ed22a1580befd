"""Read tables from JSON files in the same directory as the modules that use them."""

from pathlib import Path
from typing import Any

import orjson


def read_json(module: str, name: str) -> Any:
    """Return the content of a file in the directory of a module, which passes its ``__file__``."""
    return orjson.loads(Path(module).with_name(name).read_bytes())
