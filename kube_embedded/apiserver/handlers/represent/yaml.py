"""YAML as the real server writes it: sorted keys, block style, double quotes where needed.

Source: sigs.k8s.io/yaml, which turns JSON into YAML.
"""

import re
from collections.abc import Callable
from typing import Any

import yaml

from kube_embedded.machinery.work import charge

OCTAL = re.compile(r"[-+]?0o[0-7_]+")
FLOAT = re.compile(r"[-+]?[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?")
SEXAGESIMAL = re.compile(r"[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
WHOLE = 1e21
"""Go prints smaller whole numbers without a decimal point or an exponent."""
OLD_BOOLEANS = {"y", "n", "yes", "no", "on", "off", "true", "false"}


NO_BREAK_SPACE = "\xa0"
PRINTABLE = re.compile("[ -~\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]")
BEYOND = re.compile("[\U00010000-\U0010ffff]")
"""Characters that are always escaped."""
LONGEST_KEY = 128
"""A longer key is written after a question mark."""
NODE_COST = 60
BEST_WIDTH = 80
"""A text is folded at the first space after this column."""


class _Dumper(yaml.SafeDumper):
    """PyYAML's dumper with Go's choices of style."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write every value out, never ``*alias``."""
        return True

    def check_simple_key(self) -> bool:
        """Return whether a key is simple: up to 128 bytes, on one line."""
        if not isinstance(self.event, yaml.ScalarEvent):
            return bool(super().check_simple_key())
        return len(self.event.value.encode()) <= LONGEST_KEY and "\n" not in self.event.value

    def write_double_quoted(self, text: str, split: bool = True) -> None:
        """Write a text in double quotes, folded like plain text: at a space after the width."""
        self.write_indicator('"', True)
        after_space = False
        for index, char in enumerate(text):
            inside = 0 < index < len(text) - 1
            if (
                split
                and char == " "
                and inside
                and not after_space
                and self.column > self.best_width
            ):
                self.write_indent()
                if text[index + 1] == " ":
                    self._put("\\")
            else:
                self._put(_escaped(char))
            after_space = char == " "
        self.write_indicator('"', False)

    def _put(self, text: str) -> None:
        self.column += len(text)
        self.stream.write(text)


def _escaped(char: str) -> str:
    """A character in double quotes."""
    known = yaml.emitter.Emitter.ESCAPE_REPLACEMENTS.get(char)
    if known and char != NO_BREAK_SPACE:
        return f"\\{known}"
    if PRINTABLE.fullmatch(char):
        return char
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    charge(len(text))
    style = None
    if "\n" in text:
        style = "|"
    elif BEYOND.search(text) or _looks_like_something_else(dumper, text):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


def _looks_like_something_else(dumper: yaml.SafeDumper, text: str) -> bool:
    resolve: Callable[..., str] = dumper.resolve
    if (
        resolve(yaml.ScalarNode, text, (True, False)) != "tag:yaml.org,2002:str"
        or text.lower() in OLD_BOOLEANS
    ):
        return True
    return not text or any(pattern.fullmatch(text) for pattern in (OCTAL, FLOAT, SEXAGESIMAL))


def _float(dumper: yaml.SafeDumper, value: float) -> yaml.ScalarNode:
    # JSON has no integers apart from numbers, so sigs.k8s.io/yaml prints 2.0 as 2.
    if value == int(value) and abs(value) < WHOLE:
        return dumper.represent_scalar("tag:yaml.org,2002:int", repr(int(value)))
    return dumper.represent_scalar("tag:yaml.org,2002:float", repr(value))


_Dumper.yaml_implicit_resolvers = {
    char: resolvers
    for char, resolvers in yaml.SafeDumper.yaml_implicit_resolvers.items()
    if char not in ("=", "<")
}
"""Here ``=`` and ``<<`` are texts like any other."""
_Dumper.add_representer(str, _text)
_Dumper.add_representer(float, _float)


def to_yaml(value: Any) -> str:
    """A decoded JSON value as YAML."""
    # PyYAML looks for the exact types of dict and list, and stored objects are subclasses.
    plain = _plain(value)
    return yaml.dump(
        plain,
        Dumper=_Dumper,
        default_flow_style=False,
        sort_keys=True,
        width=BEST_WIDTH,
        allow_unicode=True,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        charge(NODE_COST * len(value))
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        charge(NODE_COST * len(value))
        return [_plain(item) for item in value]
    return value
