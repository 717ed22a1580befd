"""Read texts from YAML files in the same directory as the modules that use them."""

import json
from pathlib import Path
from typing import Any

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's, which is ten times as fast, if PyYAML was built with it."""

NOT_YAML = (
    *(yaml.YAMLError, RecursionError, ValueError),
    # PyYAML lets these through where a tag does not fit its value: `!!bool maybe`, `!!timestamp x`, `{[a]: b}`.
    *(AttributeError, KeyError, TypeError),
)
"""What loading a person's text as YAML can raise."""


def read_yaml(module: str, name: str) -> Any:
    """Return the content of a file in the directory of a module, which passes its ``__file__``.

    In a page of a browser the file is JSON, because YAML is slow there.
    """
    content = (Path(module).parent / name).read_bytes()
    return json.loads(content) if content.startswith(b"{") else yaml.load(content, LOADER)
