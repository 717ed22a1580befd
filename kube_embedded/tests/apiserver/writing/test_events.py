"""Events in the core group and in events.k8s.io: the same objects, seen twice."""

from __future__ import annotations

import json
from typing import Any

from kube_embedded.tests.support.cluster import ClusterApi, causes

CORE = "/api/v1/namespaces/lab/events"
NEW = "/apis/events.k8s.io/v1/namespaces/lab/events"
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


def new_event(name: str = "e", **more: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "eventTime": "2027-01-15T08:00:00.000000Z",
        "regarding": {"kind": "Pod", "name": "web", "namespace": "lab"},
        "note": "it works",
        "reason": "Worked",
        "action": "Work",
        "reportingController": "example.com/worker",
        "reportingInstance": "one",
        "type": "Normal",
        **more,
    }


def old_event(name: str = "old", **more: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "involvedObject": {"kind": "Pod", "name": "web", "namespace": "lab"},
        "message": "it works",
        "reason": "Worked",
        "source": {"component": "kubelet", "host": "node"},
        "firstTimestamp": "2027-01-15T07:00:00Z",
        "count": 3,
        "type": "Normal",
        **more,
    }


def without_metadata(body: Any) -> Any:
    return {name: value for name, value in body.items() if name != "metadata"}


def test_a_new_event_in_the_core_group(api: ClusterApi) -> None:
    made = api.must(api.admin.post(NEW, new_event()))
    assert list(made) == [
        "kind", "apiVersion", "metadata", "eventTime", "reportingController", "reportingInstance", "action", "reason",
        "regarding", "note", "type", "deprecatedSource", "deprecatedFirstTimestamp", "deprecatedLastTimestamp",
    ]  # fmt: skip
    assert made["metadata"]["managedFields"][0]["apiVersion"] == "events.k8s.io/v1"
    assert "f:note" in made["metadata"]["managedFields"][0]["fieldsV1"]
    seen = api.must(api.admin.get(f"{CORE}/e"))
    assert seen["metadata"] == made["metadata"]
    assert without_metadata(seen) == {
        "kind": "Event",
        "apiVersion": "v1",
        "involvedObject": {"kind": "Pod", "namespace": "lab", "name": "web"},
        "reason": "Worked",
        "message": "it works",
        "source": {},
        "firstTimestamp": None,
        "lastTimestamp": None,
        "type": "Normal",
        "eventTime": "2027-01-15T08:00:00.000000Z",
        "action": "Work",
        "reportingComponent": "example.com/worker",
        "reportingInstance": "one",
    }


def test_an_old_event_in_the_new_group(api: ClusterApi) -> None:
    api.must(api.admin.post(CORE, old_event()))
    assert without_metadata(api.must(api.admin.get(f"{NEW}/old"))) == {
        "kind": "Event",
        "apiVersion": "events.k8s.io/v1",
        "eventTime": None,
        "reason": "Worked",
        "regarding": {"kind": "Pod", "namespace": "lab", "name": "web"},
        "note": "it works",
        "type": "Normal",
        "deprecatedSource": {"component": "kubelet", "host": "node"},
        "deprecatedFirstTimestamp": "2027-01-15T07:00:00Z",
        "deprecatedLastTimestamp": None,
        "deprecatedCount": 3,
    }


def test_lists_selectors_and_tables(api: ClusterApi) -> None:
    api.must(api.admin.post(NEW, new_event()))
    api.must(api.admin.post(CORE, old_event()))
    listed = api.must(api.admin.get(NEW))
    assert (listed["kind"], listed["apiVersion"]) == ("EventList", "events.k8s.io/v1")
    assert [item["note"] for item in listed["items"]] == ["it works", "it works"]
    assert all("kind" not in item for item in listed["items"])
    chosen = api.must(
        api.admin.get(
            f"{NEW}?fieldSelector=reportingController=example.com/worker,regarding.name=web"
        )
    )
    assert [item["metadata"]["name"] for item in chosen["items"]] == ["e"]
    refused = api.admin.get(f"{NEW}?fieldSelector=involvedObject.name=web")
    assert refused.message == "field label not supported: involvedObject.name"
    for path in (CORE, NEW):
        rows = api.must(api.admin.get(path, headers=TABLE))["rows"]
        assert [row["cells"][6] for row in rows] == ["it works", "it works"]
    whole = api.must(api.admin.get(f"{NEW}?includeObject=Object", headers=TABLE))["rows"]
    assert [row["object"]["note"] for row in whole] == ["it works", "it works"]
    assert whole[0]["object"]["apiVersion"] == "events.k8s.io/v1"


def test_each_watcher_sees_its_own_version(api: ClusterApi) -> None:
    from kube_embedded.tests.apiserver.handlers.reading import Reading

    reading = Reading()
    both = [reading.call("GET", f"{path}?watch=1").stream for path in (CORE, NEW)]
    reading.put(
        "events",
        "lab/e",
        **{name: value for name, value in old_event().items() if name != "metadata"},
    )
    for stream, version, field in zip(
        both, ("v1", "events.k8s.io/v1"), ("message", "note"), strict=True
    ):
        assert stream is not None
        (piece,) = stream.read()
        event = json.loads(piece)
        assert (event["object"]["apiVersion"], event["object"][field]) == (version, "it works")


def test_what_an_event_may_be_called(api: ClusterApi) -> None:
    api.must(api.admin.post(CORE, old_event("Odd_Name:1")))
    (cause,) = causes(api.admin.post(CORE, old_event("a%b")))
    assert cause == ("metadata.name", "Invalid value: \"a%b\": may not contain '%'")
    labelled = old_event() | {
        "metadata": {"name": "old", "labels": {"a": "b c"}, "finalizers": ["mine"]}
    }
    (cause,) = causes(api.admin.post(CORE, {**labelled, "involvedObject": {"namespace": "x"}}))
    assert cause[0] == "involvedObject.namespace"
    assert causes(api.admin.post(CORE, labelled))[0][0] == "metadata.labels"


def test_what_may_change(api: ClusterApi) -> None:
    api.must(api.admin.post(NEW, new_event()))
    series = {"series": {"count": 2, "lastObservedTime": "2027-01-15T09:00:00.000000Z"}}
    assert api.must(api.admin.patch(f"{NEW}/e", series))["series"] == series["series"]
    assert api.must(api.admin.get(f"{CORE}/e"))["series"] == series["series"]
    assert api.must(api.admin.patch(f"{CORE}/e", {"message": "yes"}))["message"] == "yes"
    applied = new_event() | {"kind": "Event", "apiVersion": "events.k8s.io/v1", "note": "yes"}
    reply = api.admin.call(
        "PATCH",
        f"{NEW}/e?fieldManager=me&force=true",
        applied,
        headers={"content-type": "application/apply-patch+yaml"},
    )
    entries = {entry["manager"]: entry for entry in api.must(reply)["metadata"]["managedFields"]}
    assert entries["me"]["operation"] == "Apply"
    assert "f:regarding" in entries["me"]["fieldsV1"]


def test_errors_name_the_group_that_was_asked(api: ClusterApi) -> None:
    api.must(api.admin.post(NEW, new_event()))
    assert api.admin.post(NEW, new_event()).message == 'events.events.k8s.io "e" already exists'
    assert api.admin.get(f"{NEW}/nope").message == 'events.events.k8s.io "nope" not found'
    assert api.admin.delete(f"{NEW}/e").body["details"]["group"] == "events.k8s.io"
    api.must(api.admin.post(NEW, new_event()))
    gone = api.must(api.admin.delete(NEW))
    assert [item["note"] for item in gone["items"]] == ["it works"]
    assert api.must(api.admin.get(CORE))["items"] == []


def test_a_body_of_the_other_version_is_refused(api: ClusterApi) -> None:
    body = {**new_event(), "kind": "Event", "apiVersion": "v1"}
    assert api.admin.post(NEW, body).message == (
        "the API version in the data (v1) does not match the expected API version (events.k8s.io/v1)"
    )
    body["apiVersion"] = "events.k8s.io/v1"
    assert api.admin.post(CORE, body).message == (
        "the API version in the data (events.k8s.io/v1) does not match the expected API version (v1)"
    )
