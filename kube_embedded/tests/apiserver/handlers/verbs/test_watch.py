import json
from typing import Any

import pytest
import yaml

from kube_embedded.machinery.kinds import KINDS, Kind
from kube_embedded.machinery.request import EventStream
from kube_embedded.machinery.schema.protobuf_read import decode_unknown
from kube_embedded.tests.apiserver.handlers.reading import TABLE, Reading, events

LAB = "/api/v1/namespaces/lab/configmaps"


def watch(
    api: Reading, query: str = "", path: str = LAB, headers: dict[str, str] | None = None
) -> EventStream:
    response = api.call("GET", f"{path}?watch=1&{query}", headers)
    assert response.stream is not None, response.body
    return response.stream


def told(stream: EventStream) -> list[tuple[str, str]]:
    return [
        (event["type"], event["object"]["metadata"].get("name", ""))
        for event in events(stream.read())
    ]


def test_a_watch_begins_with_what_there_is(api: Reading) -> None:
    api.put("configmaps", "lab/a")
    api.put("configmaps", "other/b")
    for query in ("", "resourceVersion=0"):
        stream = watch(api, query)
        assert told(stream) == [("ADDED", "a")]
        assert told(stream) == []


def test_a_watch_goes_on_from_a_revision(api: Reading) -> None:
    api.put("configmaps", "lab/a")
    stream = watch(api, "resourceVersion=1")
    assert told(stream) == []
    api.put("configmaps", "lab/a")
    api.put("configmaps", "lab/b")
    api.put("configmaps", "other/c")
    api.put("secrets", "lab/s")
    api.delete("configmaps", "lab/a")
    assert told(stream) == [("MODIFIED", "a"), ("ADDED", "b"), ("DELETED", "a")]
    assert told(watch(api, "resourceVersion=2")) == [("ADDED", "b"), ("DELETED", "a")]


def test_an_event_is_a_line(api: Reading) -> None:
    stream = watch(api, "resourceVersion=1")
    api.put("configmaps", "lab/z")
    api.put("configmaps", "lab/a")
    (piece,) = stream.read()
    assert piece.startswith(
        b'{"type":"ADDED","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"'
    )
    assert piece.endswith(b"}}\n")


def test_watchers_share_an_events_encoding(api: Reading) -> None:
    streams = [watch(api, "resourceVersion=0") for _ in range(3)]
    api.put("configmaps", "lab/a")
    pieces = [stream.read()[0] for stream in streams]
    assert pieces[0] is pieces[1] is pieces[2]


def test_objects_enter_and_leave_a_selection(api: Reading) -> None:
    api.put("configmaps", "lab/a", metadata={"labels": {"on": "1"}}, data={"seen": "1"})
    api.put("configmaps", "lab/b")
    stream = watch(api, "resourceVersion=0&labelSelector=on%3D1")
    assert told(stream) == [("ADDED", "a")]
    api.put("configmaps", "lab/b", metadata={"labels": {"on": "1"}})
    api.put("configmaps", "lab/a", data={"seen": "no"})
    api.put("configmaps", "lab/a", data={"seen": "never"})
    api.put("configmaps", "lab/b", metadata={"labels": {"on": "1"}}, data={"x": "1"})
    found: list[Any] = events(stream.read())
    assert [(event["type"], event["object"]["metadata"]["name"]) for event in found] == [
        ("ADDED", "b"), ("DELETED", "a"), ("MODIFIED", "b"),
    ]  # fmt: skip
    # What left is told as it was when it was last seen, at the revision of its leaving.
    assert found[1]["object"]["data"] == {"seen": "1"}
    assert found[1]["object"]["metadata"]["resourceVersion"] == "4"
    api.delete("configmaps", "lab/a")
    assert told(stream) == []
    api.delete("configmaps", "lab/b")
    assert told(stream) == [("DELETED", "b")]


def test_one_object_is_watched_by_its_name(api: Reading) -> None:
    api.put("configmaps", "lab/a")
    api.put("configmaps", "lab/b")
    assert told(watch(api, "fieldSelector=metadata.name%3Db")) == [("ADDED", "b")]
    response = api.call("GET", "/api/v1/watch/namespaces/lab/configmaps/a")
    assert response.stream is not None
    assert told(response.stream) == [("ADDED", "a")]
    code, message = api.failure(
        "/api/v1/watch/namespaces/lab/configmaps/a?fieldSelector=metadata.name%3Db"
    )
    assert (code, message) == (400, "fieldSelector metadata.name doesn't match requested name")


def test_one_object_is_watched_by_its_name_and_a_selector(api: Reading) -> None:
    api.put("configmaps", "lab/a")
    response = api.call("GET", "/api/v1/watch/namespaces/lab/configmaps/a?labelSelector=on%3D1")
    stream = response.stream
    assert stream is not None
    assert told(stream) == []
    api.put("configmaps", "lab/b", metadata={"labels": {"on": "1"}})
    api.put("configmaps", "lab/a", metadata={"labels": {"on": "1"}})
    assert told(stream) == [("ADDED", "a")]
    api.put("configmaps", "lab/a")
    assert told(stream) == [("DELETED", "a")]


def test_the_old_watch_paths(api: Reading) -> None:
    api.put("configmaps", "lab/a")
    api.put("configmaps", "other/b")
    for path, names in (
        ("/api/v1/watch/configmaps", ["a", "b"]),
        ("/api/v1/watch/namespaces/lab/configmaps", ["a"]),
    ):
        response = api.call("GET", path)
        assert response.stream is not None
        assert [name for _, name in told(response.stream)] == names


def test_initial_events_end_with_a_bookmark(api: Reading) -> None:
    api.put("configmaps", "lab/a")
    query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
    stream = watch(api, query + "&allowWatchBookmarks=true")
    added, bookmark = events(stream.read())
    assert added["type"] == "ADDED"
    assert bookmark == {
        "type": "BOOKMARK",
        "object": {
            "kind": "ConfigMap",
            "apiVersion": "v1",
            "metadata": {
                "resourceVersion": "1",
                "annotations": {"k8s.io/initial-events-end": "true"},
            },
        },
    }
    assert told(watch(api, query)) == [("ADDED", "a")]
    assert told(watch(api, "sendInitialEvents=false&resourceVersionMatch=NotOlderThan")) == []


def test_bookmarks_come_by_the_clock(api: Reading) -> None:
    stream = watch(api, "resourceVersion=0&allowWatchBookmarks=true&timeoutSeconds=300")
    silent = watch(api, "resourceVersion=0&timeoutSeconds=300")
    api.put("secrets", "lab/s")
    assert len(stream.read()) == 1
    api.now += 60
    (bookmark,) = events(stream.read())
    assert bookmark["object"]["metadata"] == {"resourceVersion": "1"}
    assert stream.read() == []
    assert silent.read() == []


def test_an_idle_watch_is_woken_for_its_bookmark(api: Reading) -> None:
    stream = watch(api, "resourceVersion=0&allowWatchBookmarks=true&timeoutSeconds=300")
    woken: list[None] = []
    stream.on_ready(lambda: woken.append(None))
    api.watcher.advance()
    assert woken == []
    api.now += 60
    api.watcher.advance()
    assert len(woken) == 1
    assert [event["type"] for event in events(stream.read())] == ["BOOKMARK", "BOOKMARK"]
    api.now += 60
    stream.close()
    api.watcher.advance()
    assert len(woken) == 1


def test_the_last_bookmark_comes_before_the_end(api: Reading) -> None:
    stream = watch(api, "allowWatchBookmarks=true&timeoutSeconds=10")
    api.now += 7.9
    assert len(stream.read()) == 1
    api.now += 0.2
    assert [event["type"] for event in events(stream.read())] == ["BOOKMARK"]


def test_too_old_a_revision_is_an_error_event() -> None:
    api = Reading(history_length=2)
    for _ in range(4):
        api.put("configmaps", "lab/a")
    stream = watch(api, "resourceVersion=1")
    (event,) = events(stream.read())
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
    assert event["object"]["message"] == "too old resource version: 1 (4)"
    assert stream.closed
    assert stream.read() == []


def test_a_slow_watcher_is_told_that_it_missed_something() -> None:
    api = Reading(history_length=2)
    stream = watch(api, "resourceVersion=0")
    for _ in range(4):
        api.put("configmaps", "lab/a")
    assert [event["type"] for event in events(stream.read())] == ["ERROR"]


def test_watchers_are_woken_until_they_close(api: Reading) -> None:
    stream = watch(api)
    woken: list[None] = []
    stream.on_ready(lambda: woken.append(None))
    api.put("secrets", "lab/s")
    assert woken == []
    api.put("configmaps", "lab/a")
    assert len(woken) == 1
    stream.close()
    api.put("configmaps", "lab/a")
    assert len(woken) == 1
    assert stream.closed


def test_how_long_a_watch_lasts(api: Reading) -> None:
    assert watch(api, "timeoutSeconds=7").timeout_seconds == 7
    assert 1800 <= watch(api).timeout_seconds <= 3600
    assert 1800 <= watch(api, "timeoutSeconds=0").timeout_seconds <= 3600
    assert watch(api, "timeoutSeconds=-1").timeout_seconds == 0


def test_tables_have_headers_once(api: Reading) -> None:
    api.put("configmaps", "lab/a")
    stream = watch(api, headers=TABLE)
    api.put("configmaps", "lab/b", data={"x": "1"})
    first, second = events(stream.read())
    assert [column["name"] for column in first["object"]["columnDefinitions"]] == [
        "Name",
        "Data",
        "Age",
    ]
    assert second["object"]["columnDefinitions"] is None
    assert second["object"]["rows"][0]["cells"] == ["b", 1, "60m"]
    assert first["object"]["metadata"] == {"resourceVersion": "1"}


def test_a_bookmark_in_a_table(api: Reading) -> None:
    query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    (bookmark,) = events(watch(api, query, headers=TABLE).read())
    (row,) = bookmark["object"]["rows"]
    assert row["cells"] == ["", 0, "<unknown>"]
    assert row["object"]["metadata"] == {
        "resourceVersion": "0",
        "annotations": {"k8s.io/initial-events-end": "true"},
    }


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if "watch" in kind.verbs], ids=lambda kind: kind.resource
)
def test_every_kinds_bookmark_can_be_a_table(api: Reading, kind: Kind) -> None:
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    stream = watch(
        api, "allowWatchBookmarks=true&timeoutSeconds=99", f"{root}/{kind.plural}", TABLE
    )
    api.now += 98
    assert [event["type"] for event in events(stream.read())] == ["BOOKMARK", "BOOKMARK"]


@pytest.mark.parametrize("query", ["", "resourceVersion=0&"])
def test_without_a_version_a_watch_begins_with_what_there_is(api: Reading, query: str) -> None:
    (bookmark,) = events(
        watch(api, f"{query}allowWatchBookmarks=true", "/api/v1/namespaces/lab/pods").read()
    )
    annotations = {"k8s.io/initial-events-end": "true"}
    assert bookmark["object"] == {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": "0", "annotations": annotations},
        "spec": {"containers": None},
        "status": {},
    }
    reply = api.call("GET", f"{LAB}?watch=1&{query}continue=x")
    assert reply.status == 422
    assert b"resourceVersionMatch is forbidden when continue is provided" in reply.body


def test_metadata_alone(api: Reading) -> None:
    api.put("configmaps", "lab/a", data={"x": "1"})
    stream = watch(
        api, headers={"accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}
    )
    (event,) = events(stream.read())
    assert list(event["object"]) == ["kind", "apiVersion", "metadata"]


def test_yaml_cannot_be_streamed(api: Reading) -> None:
    status = yaml.safe_load(api.call("GET", f"{LAB}?watch=1", {"accept": "application/yaml"}).body)
    assert (status["code"], status["message"]) == (
        406,
        "only the following media types are accepted: "
        "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch",
    )


def test_protobuf_events_have_their_length_in_front(api: Reading) -> None:
    api.put("configmaps", "lab/a", data={"x": "1"})
    response = api.call("GET", f"{LAB}?watch=1", {"accept": "application/vnd.kubernetes.protobuf"})
    assert response.headers["Content-Type"] == "application/vnd.kubernetes.protobuf;stream=watch"
    assert response.stream is not None
    (piece,) = response.stream.read()
    assert int.from_bytes(piece[:4], "big") == len(piece) - 4
    obj = decode_unknown(piece[piece.index(b"k8s\0") :])
    assert (obj["kind"], obj["data"]) == ("ConfigMap", {"x": "1"})


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("resourceVersionMatch=NotOlderThan", "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden "
                                              "for watch unless sendInitialEvents is provided"),
        ("sendInitialEvents=true", "resourceVersionMatch: Forbidden: sendInitialEvents requires setting "
                                   "resourceVersionMatch to NotOlderThan"),
    ],
)  # fmt: skip
def test_refusals(api: Reading, query: str, message: str) -> None:
    assert api.failure(f"{LAB}?watch=1&{query}") == (
        422,
        f'ListOptions.meta.k8s.io "" is invalid: {message}',
    )


def test_a_bad_revision_is_refused(api: Reading) -> None:
    code, message = api.failure(f"{LAB}?watch=1&resourceVersion=abc")
    assert code == 500
    assert (
        message
        == 'resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax'
    )


@pytest.mark.parametrize(("version", "told"), [("", ["ERROR"]), ("0", [])])
def test_a_watch_whose_time_was_over_before_it_began(
    api: Reading, version: str, told: list[str]
) -> None:
    pieces = watch(api, f"resourceVersion={version}&timeoutSeconds=-1").read()
    assert [json.loads(piece)["type"] for piece in pieces] == told


def test_a_future_revision_waits(api: Reading) -> None:
    stream = watch(api, "resourceVersion=2")
    api.put("configmaps", "lab/a")
    api.put("configmaps", "lab/b")
    api.put("configmaps", "lab/c")
    assert [json.loads(piece)["object"]["metadata"]["name"] for piece in stream.read()] == ["c"]


def test_initial_events_of_the_future_are_an_error(api: Reading) -> None:
    api.put("configmaps", "lab/a")
    query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=999&allowWatchBookmarks=true"
    stream = watch(api, query)
    (event,) = events(stream.read())
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == (
        "ERROR",
        504,
        "Timeout",
    )
    assert stream.closed
    assert stream.read() == []
