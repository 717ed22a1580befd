"""Write new recordings from any cluster: the same requests, that cluster's answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.parity.compare import reduced
from tests.parity.model import load, steps
from tests.parity.replay import Player
from tests.parity.transport import Call, Credential, Transport


def version(transport: Transport) -> str:
    """The name of the server in the recording."""
    answer = transport.send(
        Credential(admin=True), Call("GET", "/version", {"Accept": "application/json"})
    )
    return f"kube-apiserver {answer.decoded()['gitVersion']}"


def suite(
    name: str,
    transport: Transport,
    *,
    server: str = "",
    source: Path | None = None,
    patience_seconds: float = 30.0,
) -> dict[str, Any]:
    """Record one suite again.

    Args:
        name: The suite.
        transport: The way to a pristine cluster.
        server: The name of the server in the recording; read from its version if empty.
        source: A folder of suites to take the requests from; the project's own if None.
        patience_seconds: How long a step with ``wait`` is repeated.

    Returns:
        A recording in the README's format, every answer masked.
    """
    raw = load(name, source) if source else load(name)
    listed = steps(name, source) if source else steps(name)
    player = Player(transport, patience_seconds)
    recorded = []
    for original, (step, answer) in zip(raw["steps"], player.play(listed), strict=True):
        response = reduced(step, answer, transport.names)
        recorded.append({**original, "response": response})
    return {
        "suite": name,
        "server": server or version(transport),
        "doc": raw["doc"],
        "steps": recorded,
    }


def write(recordings: Sequence[dict[str, Any]], folder: Path) -> list[Path]:
    """Write recordings, one file a suite.

    Args:
        recordings: From ``suite``.
        folder: The target folder; created if it is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for recording in recordings:
        path = folder / f"{recording['suite']}.json"
        path.write_text(
            json.dumps(recording, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        paths.append(path)
    return paths
