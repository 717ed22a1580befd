"""The parts of aiohttp's internals that the server relies on exist, and requests on one connection are answered.

`make test-lowest` runs these tests with the lowest versions that pyproject.toml allows.
"""

from __future__ import annotations

import ast
import http.client
import sys
from pathlib import Path

import pytest
from aiohttp.http_parser import RawRequestMessage

from kube_embedded.apiserver.serving import aiohttp_adapter
from kube_embedded.apiserver.serving.aiohttp_adapter import RELIED_ON
from kube_embedded.apiserver.serving.connection import Connection
from kube_embedded.apiserver.serving.http import Frontend
from kube_embedded.machinery.pki.keys import Keys
from kube_embedded.machinery.request import Response
from tests.support.some import some
from tests.support.wire import connect, serving

ADAPTER = Path(aiohttp_adapter.__file__)


def _private_names(path: Path) -> set[str]:
    """Attributes with a leading underscore of `self` or another object that a module uses."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
    }


@pytest.mark.parametrize(
    ("owner", "name"), [(owner, name) for owner, names in RELIED_ON.items() for name in names]
)
def test_aiohttp_has_the_attribute(owner: type, name: str) -> None:
    modules = {base.__module__ for base in owner.__mro__ if base.__module__.startswith("aiohttp")}
    sources = [Path(str(sys.modules[module].__file__)).read_text("utf-8") for module in modules]
    assert any(f"self.{name}" in source or f"def {name}" in source for source in sources)


def test_requests_on_one_connection_are_all_answered_at_once(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once: list[bool] = []
    answer_now = Frontend.answer_now

    def counting(frontend: Frontend, connection: Connection, message: RawRequestMessage) -> bool:
        at_once.append(answer_now(frontend, connection, message))
        return at_once[-1]

    monkeypatch.setattr(Frontend, "answer_now", counting)
    request = b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n"
    with (
        serving(
            keys, lambda _request: Response(200, {"Content-Type": "text/plain"}, b"hi")
        ) as local,
        connect(local.port, keys.ca_certificate) as connection,
    ):
        for _ in range(12):
            connection.sendall(request)
            response = http.client.HTTPResponse(connection)
            response.begin()
            assert (response.status, response.read()) == (200, b"hi")
    assert at_once == [True] * 12


def test_the_adapter_lists_every_private_name_that_it_uses() -> None:
    listed = {name for names in RELIED_ON.values() for name in names}
    assert _private_names(ADAPTER) - listed == {"_loop"}  # asyncio's convention for protocols


def test_only_the_adapter_uses_private_names_of_aiohttp() -> None:
    listed = {name for names in RELIED_ON.values() for name in names}
    own = {"_headers", "_parser", "_waiter"}  # also names of our own attributes
    for path in some(ADAPTER.parent.glob("*.py")):
        if path != ADAPTER:
            assert _private_names(path) & (listed - own) == set(), path.name
