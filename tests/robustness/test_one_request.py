"""What one client may cost a server, measured in a process of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.custom import DEFINITIONS, GROUP, PLURAL, VERSION, crontab, plain_definition
from tests.support.server import Server, running_server

CRONTABS = f"/apis/{GROUP}/{VERSION}/namespaces/default/{PLURAL}"
MIB = 1024 * 1024


def memory(server: Server, what: str = "VmRSS") -> float:
    """The resident memory of a server in MiB, or its peak (``VmHWM``)."""
    found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{server.process.pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


@pytest.mark.parametrize("count", [10_000, 200_000])
def test_defaults_do_not_make_a_small_request_a_large_object(count: int) -> None:
    text = {"type": "string", "default": "x" * 500_000}
    item = {"type": "object", "properties": {"a": text}}
    spec = {"type": "object", "properties": {"l": {"type": "array", "items": item}}}
    with running_server(node=False) as server:
        assert server.call("POST", DEFINITIONS, plain_definition(spec)).status == 201
        before = memory(server, "VmHWM")
        for query in ("", "?dryRun=All"):
            reply = server.call("POST", CRONTABS + query, crontab("a", l=[{}] * count))
            assert (reply.status, "trying to send message larger than max" in reply.json()["message"]) == (500, True)
        assert memory(server, "VmHWM") - before < 100 + count / 1000
        assert server.call("GET", CRONTABS).json()["items"] == []
