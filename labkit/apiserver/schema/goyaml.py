"""Reading YAML as the API server does: through JSON, by the rules of YAML 1.1.

Source: sigs.k8s.io/yaml.
"""

from __future__ import annotations

import math
from typing import Any

import yaml

from labkit.apiserver.schema.gojson import SURROGATE

LARGEST = 1_000_000
"""How many values a document may have; aliases count as often as they are used."""
MAX_DEPTH = 500


class YamlProblem(ValueError):
    """The text is not YAML, or holds what JSON cannot."""


class _Loader(yaml.SafeLoader):
    """YAML whose dates stay texts, as JSON has none."""


_Loader.yaml_implicit_resolvers = {
    char: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for char, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def yaml_to_json(body: bytes, strict: list[str] | None = None) -> Any:
    """A YAML document as JSON values.

    Args:
        body: The text; of several documents only the first counts.
        strict: Collects what a strict reading refuses (keys given twice).

    Raises:
        YamlProblem: It cannot be read.
    """
    try:
        loader = _Loader(body.decode("utf-8", "replace"))
    except yaml.YAMLError as error:
        raise YamlProblem(f"error converting YAML to JSON: yaml: {_message(error)}") from error
    try:
        node = loader.get_node() if loader.check_node() else None
        if node is None:
            return None
        return _Converter(loader, strict).convert(node, 0)
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        if isinstance(error, YamlProblem):
            raise
        raise YamlProblem(f"error converting YAML to JSON: yaml: {_message(error)}") from error
    finally:
        loader.dispose()


def _message(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    if isinstance(error, RecursionError):
        return "exceeded max depth"
    return str(error).replace("\n", " ")


class _Converter:
    def __init__(self, loader: _Loader, strict: list[str] | None) -> None:
        self._loader = loader
        self._strict = strict
        self._left = LARGEST

    def convert(self, node: yaml.Node, depth: int) -> Any:
        self._left -= 1
        if self._left < 0:
            raise YamlProblem("error converting YAML to JSON: yaml: document contains excessive aliasing")
        if depth > MAX_DEPTH:
            raise YamlProblem("error converting YAML to JSON: yaml: exceeded max depth of 10000")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.convert(item, depth + 1) for item in node.value]
        assert isinstance(node, yaml.MappingNode)
        self._loader.flatten_mapping(node)
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key in found and self._strict is not None:
                line = key_node.start_mark.line + 1
                self._note(f'line {line}: key "{key}" already set in map')
            found[key] = self.convert(value_node, depth + 1)
        return found

    def _note(self, problem: str) -> None:
        assert self._strict is not None
        text = f"yaml: unmarshal errors:\n  {problem}"
        if text not in self._strict:
            self._strict.append(text)

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        value = self._loader.construct_object(node)
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        if isinstance(value, str) and SURROGATE.search(value):
            line = node.start_mark.line + 1
            raise YamlProblem(
                f"error converting YAML to JSON: yaml: line {line}: found invalid Unicode character escape code"
            )
        if isinstance(value, int) and not -(2**63) <= value < 2**64:
            value = float(node.value.replace("_", "")) if node.value.lstrip("+-").isdigit() else math.inf
        if isinstance(value, float) and not math.isfinite(value):
            raise YamlProblem("error converting YAML to JSON: json: unsupported value: " + node.value)
        return value

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise YamlProblem("error converting YAML to JSON: yaml: invalid map key")
        value = self._scalar(node)
        if isinstance(value, bool):
            return "true" if value else "false"
        return "null" if value is None else str(value)
