from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import message_factory
from hypothesis import given
from hypothesis import strategies as st

from kube_embedded.machinery.kinds import KINDS
from kube_embedded.machinery.schema import protobuf_read, schemas
from kube_embedded.machinery.schema.protobuf_read import (
    MAGIC,
    UNKNOWN,
    ProtobufProblem,
    decode_unknown,
)


def message(name: str) -> Any:
    descriptor = protobuf_read._pool().FindMessageTypeByName(protobuf_read._flat(name))
    return message_factory.GetMessageClass(descriptor)()


def envelope(kind: str, body: Any, api_version: str = "v1") -> bytes:
    made = message(UNKNOWN)
    made.typeMeta.apiVersion, made.typeMeta.kind = api_version, kind
    made.raw = body.SerializeToString()
    return MAGIC + bytes(made.SerializeToString())


def test_a_pod_with_inlined_structs() -> None:
    pod = message("k8s.io.api.core.v1.Pod")
    pod.metadata.name = "p"
    pod.metadata.labels["a"] = "b"
    pod.metadata.creationTimestamp.SetInParent()
    container = pod.spec.containers.add()
    container.name = "c"
    container.resources.limits["cpu"].string = "1"
    container.livenessProbe.handler.httpGet.port.intVal = 80
    container.readinessProbe.handler.httpGet.port.type = 1
    container.readinessProbe.handler.httpGet.port.strVal = "http"
    volume = pod.spec.volumes.add()
    volume.name = "v"
    volume.volumeSource.emptyDir.medium = "Memory"
    assert decode_unknown(envelope("Pod", pod)) == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "creationTimestamp": None, "labels": {"a": "b"}},
        "spec": {
            "volumes": [{"name": "v", "emptyDir": {"medium": "Memory"}}],
            "containers": [
                {
                    "name": "c",
                    "resources": {"limits": {"cpu": "1"}},
                    "livenessProbe": {"httpGet": {"port": 80}},
                    "readinessProbe": {"httpGet": {"port": "http"}},
                }
            ],
        },
    }


def test_bytes_times_and_extra_values() -> None:
    secret = message("k8s.io.api.core.v1.Secret")
    secret.data["a"] = b"b"
    secret.metadata.deletionTimestamp.seconds = 1_600_000_000
    found = decode_unknown(envelope("Secret", secret))
    assert found["data"] == {"a": "Yg=="}
    assert found["metadata"]["deletionTimestamp"] == "2020-09-13T12:26:40Z"
    review = message("k8s.io.api.authorization.v1.SubjectAccessReview")
    review.spec.extra["scopes"].items.extend(["x", "y"])
    found = decode_unknown(envelope("SubjectAccessReview", review, "authorization.k8s.io/v1"))
    assert found["spec"]["extra"] == {"scopes": ["x", "y"]}


def test_fields_that_protobuf_spells_otherwise() -> None:
    asked = message("k8s.io.api.authentication.v1.TokenRequest")
    asked.spec.boundObjectRef.ParseFromString(b"\x0a\x03Pod\x22\x03abc")
    found = decode_unknown(envelope("TokenRequest", asked, "authentication.k8s.io/v1"))
    assert found["spec"]["boundObjectRef"] == {"kind": "Pod", "uid": "abc"}
    made = message("k8s.io.api.networking.v1.IngressClass")
    made.spec.parameters.ParseFromString(b"\x0a\x01g\x12\x01K")
    found = decode_unknown(envelope("IngressClass", made, "networking.k8s.io/v1"))
    assert found["spec"]["parameters"] == {"apiGroup": "g", "kind": "K"}


def test_every_kind_of_the_schema_that_has_a_message_can_be_built() -> None:
    assert (
        len(protobuf_read._pool().FindFileByName("kube_embedded.proto").message_types_by_name) > 400
    )


def test_no_magic_no_message() -> None:
    with pytest.raises(ProtobufProblem, match=r"expected prefix \[107 56 115 0\]"):
        decode_unknown(b"{}")


@given(st.binary(max_size=80))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    try:
        decode_unknown(MAGIC + data)
    except ProtobufProblem:
        return


@given(
    st.sampled_from(["Pod", "Secret", "Event", "ControllerRevision", "Nonsense"]),
    st.binary(max_size=80),
)
def test_any_body_is_a_message_or_refused(kind: str, data: bytes) -> None:
    made = message(UNKNOWN)
    made.typeMeta.apiVersion, made.typeMeta.kind = "v1", kind
    made.raw = data
    try:
        decode_unknown(MAGIC + made.SerializeToString())
    except ProtobufProblem:
        return


def test_every_served_kind_can_be_sent() -> None:
    for kind in KINDS:
        if kind.kind == "CustomResourceDefinition":
            continue  # has no messages here: see the next test
        struct = schemas().of_kind(kind.group, kind.version, kind.kind)
        assert struct is not None
        body = message(protobuf_read.message_name(struct.name))
        assert decode_unknown(envelope(kind.kind, body, kind.group_version))["kind"] == kind.kind


def test_definitions_of_custom_resources_cannot_be_sent() -> None:
    body = message("k8s.io.api.core.v1.ConfigMap")
    with pytest.raises(
        ProtobufProblem, match='no protobuf message for kind "CustomResourceDefinition"'
    ):
        decode_unknown(envelope("CustomResourceDefinition", body, "apiextensions.k8s.io/v1"))
