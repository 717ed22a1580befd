import pytest

from kube_embedded.apiserver.handlers.represent.tables.text import (
    access_modes,
    duration,
    labels,
    selector,
    since,
)

MINUTE, HOUR, DAY, YEAR = 60, 3600, 86400, 365 * 86400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (9 * MINUTE + 59, "9m59s"),
        (10 * MINUTE + 30, "10m"),
        (179 * MINUTE, "179m"),
        (3 * HOUR, "3h"),
        (3 * HOUR + 5 * MINUTE, "3h5m"),
        (8 * HOUR + 59 * MINUTE, "8h"),
        (47 * HOUR, "47h"),
        (2 * DAY, "2d"),
        (2 * DAY + 3 * HOUR, "2d3h"),
        (8 * DAY + 3 * HOUR, "8d"),
        (729 * DAY, "729d"),
        (2 * YEAR, "2y"),
        (2 * YEAR + 3 * DAY, "2y3d"),
        (8 * YEAR + 3 * DAY, "8y"),
    ],
)
def test_durations(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_times() -> None:
    assert since("1970-01-01T00:00:00.500000Z", 60) == "59s"
    assert since("1970-01-01T00:01:00Z", 90) == "30s"
    assert since(None, 90) == "<unknown>"


def test_labels_and_selectors() -> None:
    assert labels({"b": "2", "a": "1"}) == "a=1,b=2"
    assert labels(None) == "<none>"
    expressions = [
        {"key": "b", "operator": "In", "values": ["y", "x"]},
        {"key": "c", "operator": "NotIn", "values": ["z"]},
        {"key": "d", "operator": "Exists"},
        {"key": "e", "operator": "DoesNotExist"},
    ]
    written = selector({"matchLabels": {"a": "1"}, "matchExpressions": expressions})
    assert written == "a=1,b in (x,y),c notin (z),d,!e"
    assert selector({}) == selector(None) == "<none>"


def test_access_modes_come_in_the_usual_order() -> None:
    assert access_modes(["ReadWriteMany", "ReadWriteOnce"]) == "RWO,RWX"
