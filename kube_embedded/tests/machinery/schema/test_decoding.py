from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_embedded.machinery.golang import json as gojson
from kube_embedded.machinery.schema import schemas
from kube_embedded.machinery.schema.decoding import DecodeProblem, Decoder
from kube_embedded.machinery.schema.empties import forget_empty


def decode(
    kind: str, text: str, strict: list[str] | None = None, group: str = ""
) -> dict[str, Any]:
    struct = schemas().of_kind(group, "v1", kind)
    assert struct is not None
    return Decoder(strict).decode(struct, gojson.loads(text))


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("ConfigMap", '{"data": {"a": 1}}', "number into Go struct field ConfigMap.data of type string"),
        ("Pod", '{"spec": {"containers": "x"}}',
         "string into Go struct field PodSpec.spec.containers of type []v1.Container"),
        ("Pod", '{"spec": {"containers": ["x"]}}',
         "string into Go struct field PodSpec.spec.containers of type v1.Container"),
        ("Pod", '{"spec": {"containers": [{"name": 1}]}}',
         "number into Go struct field Container.spec.containers.name of type string"),
        ("Pod", '{"spec": {"restartPolicy": true}}',
         "bool into Go struct field PodSpec.spec.restartPolicy of type v1.RestartPolicy"),
        ("Pod", '{"spec": {"securityContext": []}}',
         "array into Go struct field PodSpec.spec.securityContext of type v1.PodSecurityContext"),
        ("Pod", '{"spec": {"activeDeadlineSeconds": 1.5}}',
         "number 1.5 into Go struct field PodSpec.spec.activeDeadlineSeconds of type int64"),
        ("Service", '{"spec": {"ports": [{"port": 99999999999}]}}',
         "number 99999999999 into Go struct field ServicePort.spec.ports.port of type int32"),
        ("Service", '{"spec": {"ports": [{"targetPort": true}]}}',
         "bool into Go struct field ServicePort.spec.ports.targetPort of type int32"),
        ("Pod", '{"metadata": {"labels": {"a": {}}}}',
         "object into Go struct field ObjectMeta.metadata.labels of type string"),
        ("Pod", '{"metadata": {"uid": 1}}', "number into Go struct field ObjectMeta.metadata.uid of type types.UID"),
    ],
)  # fmt: skip
def test_wrong_types_are_told_as_go_tells_them(kind: str, text: str, message: str) -> None:
    with pytest.raises(DecodeProblem) as problem:
        decode(kind, text)
    assert str(problem.value) == f"json: cannot unmarshal {message}"


def test_unknown_and_repeated_fields_are_noted_with_their_path() -> None:
    strict: list[str] = []
    made = decode(
        "Pod",
        '{"Metadata": {}, "spec": {"containers": [{"name": "a", "name": "b", "imagee": "c"}], "foo": 1}}',
        strict,
    )
    assert strict == [
        'unknown field "Metadata"',
        'duplicate field "spec.containers[0].name"',
        'unknown field "spec.containers[0].imagee"',
        'unknown field "spec.foo"',
    ]
    assert made["spec"]["containers"] == [{"name": "b", "resources": {}}]


def test_explicit_zeros_stay_where_go_has_pointers() -> None:
    spec = decode(
        "Pod",
        '{"spec": {"automountServiceAccountToken": false, "hostNetwork": false, "nodeName": ""}}',
    )["spec"]
    assert spec == {"containers": None, "automountServiceAccountToken": False}


def test_structs_that_are_always_there() -> None:
    assert decode("Pod", "{}") == {"metadata": {}, "spec": {"containers": None}, "status": {}}
    event = decode("Event", '{"reason": "x"}')
    assert event["firstTimestamp"] is None
    assert event["source"] == {}
    assert event["reportingComponent"] == ""


def test_null_is_nothing() -> None:
    assert decode("ConfigMap", '{"data": null, "metadata": null}') == {"metadata": {}}


def test_fields_come_in_the_order_in_which_they_are_printed() -> None:
    made = decode(
        "Service", '{"status": {}, "spec": {"type": "NodePort", "ports": []}, "metadata": {}}'
    )
    assert list(made) == ["metadata", "spec", "status"]


def test_canonical_scalars() -> None:
    made = decode(
        "Pod",
        '{"metadata": {"creationTimestamp": "2020-01-02T03:04:05+01:00"}, "spec": {"containers": '
        '[{"name": "a", "resources": {"limits": {"cpu": 0.5, "memory": "1024Mi"}}}]}}',
    )
    assert made["metadata"]["creationTimestamp"] == "2020-01-02T02:04:05Z"
    assert made["spec"]["containers"][0]["resources"]["limits"] == {"cpu": "500m", "memory": "1Gi"}


def test_empty_lists_are_stored_as_none() -> None:
    struct = schemas().of_kind("rbac.authorization.k8s.io", "v1", "Role")
    assert struct is not None
    role: dict[str, Any] = {"metadata": {}, "rules": [{"verbs": []}]}
    forget_empty(struct, role)
    assert role["rules"] == [{"verbs": None}]
    empty: dict[str, Any] = {"rules": []}
    forget_empty(struct, empty)
    assert empty == {"rules": None}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["metadata", "spec", "containers", "name", "ports", "labels", "x"]),
            inner,
        )
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(["metadata", "spec", "status", "data", "kind"]), values))
def test_any_object_decodes_or_is_refused(data: dict[str, Any]) -> None:
    for kind in ("Pod", "Service", "Secret", "Event"):
        struct = schemas().of_kind("", "v1", kind)
        assert struct is not None
        try:
            made = Decoder([]).decode(struct, data)
        except DecodeProblem:
            continue
        assert Decoder().decode(struct, made) == made, "decoding what was decoded changes nothing"


def test_an_empty_value_takes_the_default() -> None:
    made = decode("Service", '{"spec": {"ports": [{"port": 80, "protocol": ""}, {"port": 81}]}}')
    assert [port["protocol"] for port in made["spec"]["ports"]] == ["TCP", "TCP"]


def test_defaults_can_be_left_out() -> None:
    struct = schemas().of_kind("", "v1", "ReplicationController")
    assert struct is not None
    assert Decoder().decode(struct, {})["spec"] == {"replicas": 1}
    assert Decoder(defaults=False).decode(struct, {})["spec"] == {}
    assert Decoder(defaults=False).decode(struct, {"spec": {"replicas": 2}})["spec"] == {
        "replicas": 2
    }
