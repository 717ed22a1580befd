"""Read the texts that are YAML files beside the modules that use them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's, ten times as fast, where PyYAML was built with it."""


def read_yaml(module: str, name: str) -> Any:
    """Return the content of a file beside a module, which gives its ``__file__``. In a page it is JSON: YAML is slow there."""
    content = (Path(module).parent / name).read_bytes()
    return json.loads(content) if content.startswith(b"{") else yaml.load(content, LOADER)
