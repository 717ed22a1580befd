"""The recorder writes suites that the replayer reads, and the server agrees with its own recording."""

from __future__ import annotations

from pathlib import Path

from kube_embedded.tests.support.some import some
from tests.parity import record, servers
from tests.parity.compare import differences, expectation, reduced
from tests.parity.model import steps
from tests.parity.replay import Player


def test_a_new_recording_agrees_with_the_server_it_was_made_from(tmp_path: Path) -> None:
    with servers.in_process() as transport:
        made = record.suite("anonymous", transport)
    (path,) = record.write([made], tmp_path)
    assert path.name == "anonymous.json"
    assert made["server"].startswith("kube-apiserver v")
    with servers.in_process() as transport:
        for step, answer in Player(transport).play(steps("anonymous", tmp_path)):
            assert (
                list(
                    differences(step.id, expectation(step), reduced(step, answer, transport.names))
                )
                == []
            )


def test_a_recording_keeps_the_requests_and_their_waits(tmp_path: Path) -> None:
    with servers.in_process() as transport:
        made = record.suite("aggregation", transport, server="test", patience_seconds=0.2)
    record.write([made], tmp_path)
    for new, old in some(zip(steps("aggregation", tmp_path), steps("aggregation"), strict=True)):
        assert (new.request, new.wait, new.save) == (old.request, old.wait, old.save)
