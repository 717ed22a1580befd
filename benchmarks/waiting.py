"""How long a small request waits beside one that takes long."""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPSConnection
from typing import Any

from benchmarks.server import Target

ROUNDS = 5
IDLE_SECONDS = 1.0
GROUP = "waiting.labkit.io"
THINGS = f"/apis/{GROUP}/v1/namespaces/default"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
MAPS = "/api/v1/namespaces/default/configmaps"
YAML, APPLY = {"Content-Type": "application/yaml"}, {"Content-Type": "application/apply-patch+yaml"}
JSON = {"Content-Type": "application/json"}
HEAD = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  "
BODY_BYTES = 2_900_000

Long = tuple[str, str, str, bytes, dict[str, str]]
"""What it is called, and the request: method, path, body, headers."""


def _definition(plural: str, field: Any) -> dict[str, Any]:
    spec = {"type": "object", "properties": {"l": field}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    names = {"plural": plural, "singular": plural[:-1], "kind": plural[:-1].title()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": names,
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


def _object(plural: str, values: list[Any]) -> bytes:
    head = {"apiVersion": f"{GROUP}/v1", "kind": plural[:-1].title(), "metadata": {"name": "a"}}
    return json.dumps({**head, "spec": {"l": values}}).encode()


def prepare(server: Target, objects: int, definitions: int) -> None:
    """Make what the long requests need."""
    text = {"type": "string"}
    item = {"type": "object", "required": ["k"], "properties": {"k": text, "v": text}}
    made = [
        _definition("sets", {"type": "array", "x-kubernetes-list-type": "set", "items": text}),
        _definition(
            "keyeds",
            {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["k"],
                "items": item,
            },
        ),
        _definition("patterns", {"type": "array", "items": {**text, "pattern": "^(a|aa)+$"}}),
        *(_definition(f"many{number}s", item) for number in range(definitions)),
    ]
    connection = HTTPSConnection("127.0.0.1", server.port, context=server.context(), timeout=600)
    for definition in made:
        _call(connection, "POST", DEFINITIONS, json.dumps(definition).encode(), JSON)
    for number in range(objects):
        body = {"metadata": {"name": f"m{number:05}"}, "data": {"a": "b"}}
        _call(connection, "POST", MAPS, json.dumps(body).encode(), JSON)
    connection.close()


def long_requests() -> Iterator[Long]:
    """The requests, each of which takes a second or more of processor time."""
    fill = BODY_BYTES // 2
    yield "YAML: words", "POST", f"{MAPS}?dryRun=All", HEAD + b"a: " + b"b " * fill, YAML
    yield "YAML: comments", "POST", f"{MAPS}?dryRun=All", HEAD + b"\n#" * fill, YAML
    yield "YAML: escapes", "POST", f"{MAPS}?dryRun=All", HEAD + b'a: "' + b"\\n" * fill + b'"', YAML
    strings = [f"s{number}" for number in range(150_000)]
    yield (
        "a set of 150,000 strings",
        "POST",
        f"{THINGS}/sets?dryRun=All",
        _object("sets", strings),
        JSON,
    )
    items = [{"k": f"k{number}", "v": "x"} for number in range(8000)]
    yield (
        "apply, 8,000 items",
        "PATCH",
        f"{THINGS}/keyeds/a?fieldManager=m",
        _object("keyeds", items),
        APPLY,
    )
    yield (
        "a pattern",
        "POST",
        f"{THINGS}/patterns?dryRun=All",
        _object("patterns", ["a" * 40 + "b"] * 1000),
        JSON,
    )
    table = "application/json;as=Table;v=v1;g=meta.k8s.io"
    yield "a table of the objects", "GET", MAPS, b"", {"Accept": table}
    yield (
        "the objects in protobuf",
        "GET",
        MAPS,
        b"",
        {"Accept": "application/vnd.kubernetes.protobuf"},
    )
    yield "/openapi/v2", "GET", "/openapi/v2", b"", {"Accept": "application/json"}


def longest_waits(server: Target, request: Long) -> tuple[float, float]:
    """The longest wait of a small request, in seconds: beside an idle server, and beside a long request."""
    idle, beside = [], []
    for number in range(ROUNDS):
        idle.append(_longest(server, lambda: time.sleep(IDLE_SECONDS)))
        # What is kept for the next time must be made again.
        definition = json.dumps(
            _definition(f"round{time.time_ns()}{number}s", {"type": "string"})
        ).encode()
        connection = HTTPSConnection(
            "127.0.0.1", server.port, context=server.context(), timeout=600
        )
        _call(connection, "POST", DEFINITIONS, definition, JSON)
        _, method, path, body, headers = request
        long = (connection, method, path, body, headers)
        beside.append(_longest(server, lambda long=long: _call(*long)))  # type: ignore[misc]  # a default argument
        connection.close()
    return statistics.median(idle), statistics.median(beside)


def _longest(server: Target, meanwhile: Callable[[], object]) -> float:
    thread = threading.Thread(target=meanwhile)
    connection = HTTPSConnection("127.0.0.1", server.port, context=server.context(), timeout=600)
    _call(connection, "GET", "/api/v1/namespaces/default")
    thread.start()
    longest = 0.0
    while thread.is_alive():
        begun = time.perf_counter()
        _call(connection, "GET", "/api/v1/namespaces/default")
        longest = max(longest, time.perf_counter() - begun)
        time.sleep(0.001)
    connection.close()
    return longest


def _call(
    connection: HTTPConnection,
    method: str,
    path: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> int:
    connection.request(method, path, body or None, headers or {})
    answer = connection.getresponse()
    answer.read()
    return answer.status
