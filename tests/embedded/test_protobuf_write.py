import json
from pathlib import Path
from typing import Any

import pytest

from kube_embedded.machinery.schema.protobuf_read import (
    MAGIC,
    META,
    UNKNOWN,
    decode_unknown,
    message_class,
)
from kube_embedded.machinery.schema.protobuf_write import encode_event, encode_protobuf

RECORDINGS = Path(__file__).parents[1] / "parity" / "data"
TIME = "2026-01-02T03:04:05Z"


def recorded(suite: str) -> list[Any]:
    """Whole objects of a recording, with times that are times."""
    steps = json.loads((RECORDINGS / f"{suite}.json").read_text().replace("<time>", TIME))["steps"]
    bodies = [step["response"]["body"] for step in steps if "only" not in step]
    return [
        body
        for body in bodies
        if isinstance(body, dict) and body.get("apiVersion") == "v1" and "items" not in body and "groups" not in body
        and body["kind"] not in ("APIResourceList", "APIGroup")
    ]  # fmt: skip


@pytest.mark.parametrize("suite", ["objects", "walkthrough", "patches"])
def test_what_is_written_can_be_read(suite: str) -> None:
    objects = recorded(suite)
    assert objects
    for obj in objects:
        data = encode_protobuf(obj)
        assert data is not None, obj["kind"]
        assert decode_unknown(data) == obj


def test_values_that_json_writes_as_text() -> None:
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": "e",
            "managedFields": [{"manager": "m", "fieldsV1": {"f:a": {}}, "time": TIME}],
        },
        "involvedObject": {},
        "eventTime": "2026-01-02T03:04:05.000007Z",
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s"},
        "spec": {"ports": [{"port": 80, "targetPort": 8080}, {"port": 81, "targetPort": "web"}]},
    }
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "data": {"a": "aGk="},
    }
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "v"},
        "spec": {"capacity": {"storage": "1Gi"}, "hostPath": {"path": "/x", "type": ""}},
    }
    review = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "SelfSubjectReview",
        "metadata": {"creationTimestamp": TIME},
        "status": {"userInfo": {"username": "u", "extra": {"k": ["v", "w"]}}},
    }
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "b"},
        "status": {"disruptedPods": {"p": TIME}, "disruptionsAllowed": 1},
    }
    for obj in (budget, event, service, secret, volume, review):
        data = encode_protobuf(obj)
        assert data is not None
        found = decode_unknown(data)
        for field in obj:
            if field != "involvedObject":
                assert found[field] == obj[field]


def test_kinds_without_a_message_are_left_to_others() -> None:
    assert encode_protobuf({"kind": "Nope", "apiVersion": "nope.io/v1"}) is None
    assert encode_protobuf({"kind": "APIGroupList", "apiVersion": "v1", "groups": []}) is None


def test_an_event_begins_with_its_length() -> None:
    data = encode_event("ADDED", b"k8s\0object")
    assert int.from_bytes(data[:4], "big") == len(data) - 4
    assert b"ADDED" in data
    assert data.endswith(b"k8s\0object")


def test_metadata_alone_has_messages_of_its_own() -> None:
    first = {
        "apiVersion": "meta.k8s.io/v1",
        "kind": "PartialObjectMetadata",
        "metadata": {"name": "a", "uid": "1"},
    }
    second = {**first, "metadata": {"name": "b", "labels": {"k": "v"}}}
    several = {
        "apiVersion": "meta.k8s.io/v1",
        "kind": "PartialObjectMetadataList",
        "metadata": {"resourceVersion": "7", "continue": "more"},
        "items": [first, second],
    }
    for obj in (first, several, {**first, "apiVersion": "meta.k8s.io/v1beta1"}):
        data = encode_protobuf(obj)
        assert data is not None
        envelope = message_class(UNKNOWN).FromString(data.removeprefix(MAGIC))
        assert (envelope.typeMeta.apiVersion, envelope.typeMeta.kind) == (
            obj["apiVersion"],
            obj["kind"],
        )
        made = message_class(META + str(obj["kind"])).FromString(envelope.raw)
        found = (
            [item.metadata.name for item in made.items] if "items" in obj else [made.metadata.name]
        )
        assert found == (["a", "b"] if "items" in obj else ["a"])
        if "items" in obj:
            assert (made.metadata.resourceVersion, getattr(made.metadata, "continue")) == (
                "7",
                "more",
            )
    # This one's fields have other numbers, and the server's own tables do not have it.
    assert encode_protobuf({**several, "apiVersion": "meta.k8s.io/v1beta1"}) is None
