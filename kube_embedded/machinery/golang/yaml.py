"""Decodes YAML 1.1 as the API server does: to the values of JSON.

Source: sigs.k8s.io/yaml.
"""

import codecs
import json
import math
import re
from typing import Any

import yaml
from typing_extensions import override

from ..request import MAX_BODY_BYTES
from ..schema.decoding import MAX_STRICT_ERRORS
from ..work import charge
from .json import SURROGATE
from .quote import go_quote, go_syntax

# Ours: the limit of the values in a document. Aliases and merged fields count as often as they are used: a few
# lines of them can expand to billions (https://en.wikipedia.org/wiki/Billion_laughs_attack).
MAX_VALUES = 100_000
# The most characters of all texts together, counted with aliases: only these can exceed the body.
MAX_TEXT = MAX_BODY_BYTES
MAX_DEPTH = 500
NODE_COST = 40
CHARACTER_COST = 1.5
"""The cost of reading them; see ``machinery.work``."""
MAX_INT_DIGITS = 400
# Beyond 1,024 characters YAML does not look for the colon of a key any more.
MAX_KEY = 1000
INT = "tag:yaml.org,2002:int"
FLOAT = "tag:yaml.org,2002:float"
STR = "tag:yaml.org,2002:str"
MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
CONTROL = "control characters are not allowed"
EXCESSIVE = "yaml: document contains excessive aliasing"
TOO_DEEP = "yaml: exceeded max depth of 10000"

INFINITE = {math.inf: "+Inf", -math.inf: "-Inf"}


# Larger bodies are read by libyaml, if there is one: it is fifty times as fast, but words some errors in another way.
LARGE_BYTES = 64 * 1024
UNLIKE_JSON = re.compile(rb"[\\\\\t]|[^\x00-\x7e]|\d[eE]|-0|\d{19}|NaN|Infinity")
"""What YAML reads in another way than JSON, or may."""


class YamlProblem(ValueError):
    """The text is not YAML, or contains what JSON cannot express."""


class _Values(yaml.constructor.SafeConstructor, yaml.resolver.Resolver):
    """The values of scalars and mappings: dates are texts, as JSON has no dates, and merging is limited."""

    _merged = 0

    @override
    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        self._merged += len(node.value)
        if self._merged > MAX_VALUES:
            raise YamlProblem(EXCESSIVE)


_Values.yaml_implicit_resolvers = {
    char: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for char, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Values.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"[yYnN]$"), list("yYnN"))
_Values.bool_values = {**yaml.SafeLoader.bool_values, "y": True, "n": False}
for tag in (None, "tag:yaml.org,2002:timestamp"):
    _Values.add_constructor(tag, lambda _, node: node.value)


class _Composer(yaml.composer.Composer):
    """Limits what nodes are made of, while they are made."""

    _composed = 0
    _open: tuple[str | None, ...] = ()

    @override
    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        charge(NODE_COST)
        self._composed += 1
        if self._composed > MAX_VALUES:
            raise YamlProblem(f"yaml: document has more than {MAX_VALUES} values")
        parser: Any = self  # whose types are not declared
        event = parser.peek_event()
        # PyYAML would make a list that contains itself, which JSON cannot have.
        if isinstance(event, yaml.AliasEvent) and event.anchor in self._open:
            raise YamlProblem(f"yaml: anchor '{event.anchor}' value contains itself")
        if not isinstance(event, yaml.AliasEvent):
            self.anchors.pop(event.anchor, None)  # the name of another one from here on
        self._open += (event.anchor,)
        node = super().compose_node(parent, index)
        self._open = self._open[:-1]
        return node


class _Loader(_Composer, _Values, yaml.SafeLoader):
    """Reads with PyYAML; a bracket costs as much as there are brackets around it."""

    @override
    def fetch_flow_collection_start(self, token: type[yaml.Token]) -> None:
        if self.flow_level >= MAX_DEPTH:
            raise YamlProblem(TOO_DEEP)
        super().fetch_flow_collection_start(token)

    @override
    def add_indent(self, column: int) -> bool:
        if len(self.indents) > MAX_DEPTH:
            raise YamlProblem(TOO_DEEP)
        return super().add_indent(column)


if yaml.__with_libyaml__:
    from yaml._yaml import CParser

    class _LargeLoader(_Composer, CParser, _Values):
        """Reads with libyaml, which is fifty times as fast and fails at 1,000 brackets."""

        def __init__(self, text: str) -> None:
            CParser.__init__(self, text)
            yaml.composer.Composer.__init__(self)
            yaml.constructor.SafeConstructor.__init__(self)
            yaml.resolver.Resolver.__init__(self)


def _loader(text: str) -> Any:
    return (
        _LargeLoader(text) if yaml.__with_libyaml__ and len(text) >= LARGE_BYTES else _Loader(text)
    )


def _as_json(body: bytes) -> Any:
    """The object in a body that is JSON, if YAML certainly reads it the same way; None otherwise.

    Many clients send JSON as YAML, for apply.
    """
    most = 2 * body.count(b":") + body.count(b",") + body.count(b"[")
    # A search for the differences needs far less time than PyYAML, which reads everything else.
    if body[:1] != b"{" or most >= MAX_VALUES or UNLIKE_JSON.search(body):
        return None
    try:
        result = json.loads(body, object_pairs_hook=_distinct)
    except (ValueError, RecursionError):
        return None
    level = [result]
    depth = 0
    while level:
        depth += 1
        inner = (
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
        )
        level = [child for child in inner if isinstance(child, dict | list)]
    return result if depth < MAX_DEPTH else None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs) or any(len(key) > MAX_KEY for key in result):
        raise ValueError
    return result


def yaml_to_json(body: bytes, strict: list[str] | None = None) -> Any:
    """Decode the first YAML document to JSON values; ``strict`` collects keys that are given twice.

    Raises:
        YamlProblem: It cannot be read.
    """
    result = _as_json(body)
    if result is not None:
        charge(len(body) / 10)
        return result
    # Before it is read: the budget of a request must not be spent twice.
    charge(CHARACTER_COST * len(body))
    try:
        loader = _loader(body.decode("utf-16" if body[:2] in MARKS else "utf-8"))
    except UnicodeDecodeError as error:
        if error.encoding != "utf-8":
            raise YamlProblem(f"yaml: {error.reason}") from error
        control = yaml.reader.Reader.NON_PRINTABLE.search(body[: error.start].decode())
        problem = CONTROL if control else _octet_problem(body[error.start : error.start + 4])
        raise YamlProblem(f"yaml: {problem}") from error
    except yaml.YAMLError as error:
        raise YamlProblem(f"yaml: {_message(error)}") from error
    try:
        node = loader.get_node() if loader.check_node() else None
        if node is None:
            return None
        return _Converter(loader, strict).convert(node, 0)
    except (yaml.YAMLError, RecursionError, ValueError, TypeError, OverflowError) as error:
        if isinstance(error, YamlProblem):
            raise
        raise YamlProblem(f"yaml: {_message(error)}") from error
    finally:
        loader.dispose()


# The bits that begin a character of so many bytes.
WIDTHS = ((0b110, 2), (0b1110, 3), (0b11110, 4))


def _octet_problem(data: bytes) -> str:
    """The problem of bytes that do not begin a character."""
    first = data[0]
    width = next((width for lead, width in WIDTHS if first >> (7 - width) == lead), 0)
    if not width:
        return "invalid leading UTF-8 octet"
    if len(data) < width:
        return "incomplete UTF-8 octet sequence"
    if any(octet >> 6 != 0b10 for octet in data[1:width]):
        return "invalid trailing UTF-8 octet"
    if first in (0xC0, 0xC1, 0xE0, 0xF0):
        return "invalid length of a UTF-8 sequence"
    return "invalid Unicode character"


def _message(error: Exception) -> str:
    """Return the message of an error of PyYAML, with the line; Go's YAML words it in another way."""
    if isinstance(error, yaml.reader.ReaderError):
        return CONTROL
    if isinstance(error, RecursionError):
        return "exceeded max depth"
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return str(error).replace("\n", " ")
    problem = ": ".join(filter(None, (error.context, error.problem)))
    return f"line {error.problem_mark.line + 1}: {problem}"


class _Converter:
    def __init__(self, loader: Any, strict: list[str] | None) -> None:
        self._loader = loader
        self._strict = strict
        self._left = MAX_VALUES
        self._text_left = MAX_TEXT
        self._scalars: dict[int, Any] = {}
        """Node to its value, for those that aliases show again."""

    def convert(self, node: yaml.Node, depth: int) -> Any:
        charge(1)
        self._left -= 1
        if self._left < 0:
            raise YamlProblem(EXCESSIVE)
        if depth > MAX_DEPTH:
            raise YamlProblem(TOO_DEEP)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.convert(item, depth + 1) for item in node.value]
        assert isinstance(node, yaml.MappingNode)
        self._loader.flatten_mapping(node)
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, depth + 1)
            if key in result and self._strict is not None:
                quoted = go_quote(key) if key_node.tag == STR else key
                problem = f"line {key_node.start_mark.line + 1}: key {quoted} already set in map"
                text = f"yaml: unmarshal errors:\n  {problem}"
                if len(self._strict) < MAX_STRICT_ERRORS and text not in self._strict:
                    self._strict.append(text)
            result[key] = self.convert(value_node, depth + 1)
        return result

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        # An alias counts again: the object that is stored has the text as often.
        self._text_left -= len(node.value)
        if self._text_left < 0:
            raise YamlProblem(EXCESSIVE)
        if id(node) not in self._scalars:
            self._scalars[id(node)] = self._constructed(node)
        return self._scalars[id(node)]

    def _constructed(self, node: yaml.ScalarNode) -> Any:
        if len(node.value) > MAX_INT_DIGITS and (
            node.tag == INT or (node.tag == FLOAT and ":" in node.value)
        ):
            return node.value  # not a number in Go, and reading base 60 needs quadratic time
        try:
            value = self._loader.construct_object(node)
        except (LookupError, ValueError) as error:
            tag = node.tag.replace("tag:yaml.org,2002:", "!!")
            raise YamlProblem(f"yaml: cannot decode `{node.value}` as a {tag}") from error
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        if isinstance(value, str) and SURROGATE.search(value):
            line = node.start_mark.line + 1
            raise YamlProblem(f"yaml: line {line}: found invalid Unicode character escape code")
        # Go's YAML reads what no int64 or uint64 holds as a float.
        if isinstance(value, int) and not -(2**63) <= value < 2**64:
            value = (
                float(node.value.replace("_", ""))
                if node.value.lstrip("+-").isdigit()
                else math.inf
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise YamlProblem("json: unsupported value: " + INFINITE.get(value, "NaN"))
        return value

    def _key(self, node: yaml.Node, depth: int) -> str:
        if not isinstance(node, yaml.ScalarNode):
            quoted = go_syntax(self.convert(node, depth), "interface {}")
            raise YamlProblem(f"yaml: invalid map key: {quoted}")
        value = self._scalar(node)
        if isinstance(value, bool):
            # A key ``yes`` is a boolean in YAML 1.1, and a text in JSON.
            return "true" if value else "false"
        return "null" if value is None else str(value)
