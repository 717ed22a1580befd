"""YAML as the real server writes it: sorted keys, block style, double quotes where needed.

Source: sigs.k8s.io/yaml, which turns JSON into YAML.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import yaml

FLOAT = re.compile(r"[-+]?[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?")
SEXAGESIMAL = re.compile(r"[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
WHOLE = 1e21
"""Go writes smaller whole numbers without a point or an exponent."""
OLD_BOOLEANS = {"y", "n", "yes", "no", "on", "off", "true", "false"}


class _Dumper(yaml.SafeDumper):
    """PyYAML's dumper with Go's choices of style."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write every value out, never ``*alias``."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if "\n" in text:
        style = "|"
    elif _looks_like_something_else(dumper, text):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


def _looks_like_something_else(dumper: yaml.SafeDumper, text: str) -> bool:
    resolve: Callable[..., str] = dumper.resolve
    if resolve(yaml.ScalarNode, text, (True, False)) != "tag:yaml.org,2002:str" or text.lower() in OLD_BOOLEANS:
        return True
    return bool(FLOAT.fullmatch(text) or SEXAGESIMAL.fullmatch(text) or not text)


def _float(dumper: yaml.SafeDumper, value: float) -> yaml.ScalarNode:
    if value == int(value) and abs(value) < WHOLE:
        return dumper.represent_scalar("tag:yaml.org,2002:int", repr(int(value)))
    return dumper.represent_scalar("tag:yaml.org,2002:float", repr(value))


_Dumper.add_representer(str, _text)
_Dumper.add_representer(float, _float)


def to_yaml(value: Any) -> str:
    """A decoded JSON value as YAML."""
    plain = _plain(value)
    return yaml.dump(plain, Dumper=_Dumper, default_flow_style=False, sort_keys=True, width=2**31, allow_unicode=True)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
