"""The two journeys of docs/architecture.md, station by station, are the ones that a request and a check really take."""

from __future__ import annotations

import http.client
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

import labkit
from kube_embedded.tests.support.cluster import RBAC, ClusterApi, keys
from kube_embedded.tests.support.wire import connect, serving
from labkit.lab.lab import Lab
from labkit.lab.words import check

ROOT = Path(labkit.__file__).parents[1]
PACKAGES = (f"{ROOT / 'labkit'}/", f"{ROOT / 'kube_embedded'}/")
DOCUMENT = ROOT / "docs" / "architecture.md"
ROW = re.compile(r"^\| \d+ \| `([\w/.]+)` \| `([\w.]+)` \| [^|]+\. \|$", re.MULTILINE)

Station = tuple[str, str]
"""A file of labkit or kube_embedded, and the qualified name of a function in it."""


def stations(heading: str) -> list[Station]:
    """Return the stations of the table below a heading of the document."""
    section = DOCUMENT.read_text(encoding="utf-8").split(f"\n### {heading}\n")[1]
    return ROW.findall(section.split("\n#")[0])


class Trace:
    """A profile function that notes each function of labkit the first time that it is called."""

    def __init__(self) -> None:
        self.calls: list[Station] = []

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        """Note a call."""
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(PACKAGES):
            file = Path(code.co_filename).relative_to(ROOT).as_posix()
            station = (file, code.co_qualname.replace(".<locals>", ""))
            if station not in self.calls:
                self.calls.append(station)


@contextmanager
def traced(set_profile: Callable[[Trace | None], object]) -> Iterator[Trace]:
    """Trace the calls of a thread; ``set_profile`` is `sys.setprofile`, called there."""
    trace = Trace()
    set_profile(trace)
    try:
        yield trace
    finally:
        set_profile(None)


def assert_passed_in_order(journey: list[Station], calls: list[Station]) -> None:
    assert len(journey) == 10
    missing = [station for station in journey if station not in calls]
    assert missing == [], (
        f"docs/architecture.md names stations that the journey does not pass: {missing}"
    )
    positions = [calls.index(station) for station in journey]
    assert positions == sorted(positions), (
        "docs/architecture.md has these stations in another order"
    )


def test_a_request_passes_the_ten_stations() -> None:
    api = ClusterApi()
    caller = api.account("default", "bot")
    api.admin.post(
        f"{RBAC}/clusterrolebindings",
        {
            "metadata": {"name": "view"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "view",
            },
            "subjects": [{"kind": "ServiceAccount", "name": "bot", "namespace": "default"}],
        },
    )
    request = (
        "GET /api/v1/namespaces/default/services HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {caller.token}\r\n\r\n"
    )
    with (
        serving(keys(), api.cluster.handle) as local,
        connect(local.port, keys().ca_certificate) as connection,
        traced(lambda trace: local.loop.call(sys.setprofile, trace)) as trace,
    ):
        connection.sendall(request.encode())
        response = http.client.HTTPResponse(connection)
        response.begin()
        response.read()
    assert response.status == 200
    assert_passed_in_order(stations("The stations of a request"), trace.calls)


def test_a_check_passes_the_ten_stations(labkit_home: Path) -> None:
    lab = Lab("embedded", home=labkit_home, say=lambda _line: None)
    try:
        lab.rewind("W18")
        with traced(sys.setprofile) as trace:
            check("W17")
    finally:
        lab.stop()
    assert_passed_in_order(stations("The stations of a check"), trace.calls)


def test_a_missing_station_is_noticed() -> None:
    journey = [("a.py", f"f{number}") for number in range(10)]
    with pytest.raises(AssertionError, match="does not pass"):
        assert_passed_in_order(journey, journey[1:])
    with pytest.raises(AssertionError, match="in another order"):
        assert_passed_in_order(journey, journey[::-1])
