"""``/openapi/v2`` in protobuf: read back field by field."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kube_embedded.apiserver.handlers.nonresource.openapi import OpenApiHandler
from kube_embedded.apiserver.openapi.documents import document_v2, protobuf_v2
from kube_embedded.apiserver.openapi.protobuf import encoded
from kube_embedded.machinery.request import Request
from kube_embedded.machinery.schema.varint import varint

KUBECTL = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"


def fields(data: bytes) -> list[tuple[int, Any]]:
    """The fields of a message: numbers, or bytes for what is inside."""
    found: list[tuple[int, Any]] = []
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        tag = number()
        if tag & 7 == 2:
            size = number()
            found.append((tag >> 3, data[at : at + size]))
            at += size
        else:
            assert tag & 7 == 0
            found.append((tag >> 3, number()))
    return found


def named(data: bytes, inner: int = 1) -> dict[str, bytes]:
    """A map."""
    pairs = [dict(fields(value)) for number, value in fields(data) if number == inner]
    return {pair[1].decode(): pair.get(2, b"") for pair in pairs}


def test_all_definitions_and_paths_are_there() -> None:
    document = json.loads(document_v2())
    read = dict(fields(protobuf_v2()))
    assert read[1] == b"2.0"
    assert dict(fields(read[2]))[1].decode() == document["info"]["title"]
    assert named(read[8], 2).keys() == document["paths"].keys()
    assert named(read[9]).keys() == document["definitions"].keys()


def test_a_definition() -> None:
    schema = dict(
        fields(named(dict(fields(protobuf_v2()))[9])["io.k8s.api.core.v1.ResourceQuotaSpec"])
    )
    assert fields(schema[22]) == [(1, b"object")]
    properties = named(schema[25])
    assert properties.keys() == {"hard", "scopeSelector", "scopes"}
    hard = dict(fields(properties["hard"]))
    assert (
        dict(fields(dict(fields(hard[21]))[1]))[1]
        == b"#/definitions/io.k8s.apimachinery.pkg.api.resource.Quantity"
    )
    scopes = fields(properties["scopes"])
    extensions = [dict(fields(value)) for number, value in scopes if number == 31]
    assert {one[1]: json.loads(dict(fields(one[2]))[2]) for one in extensions} == {
        b"x-kubernetes-list-type": "atomic"
    }


def test_an_operation() -> None:
    path = dict(
        fields(
            named(dict(fields(protobuf_v2()))[8], 2)["/api/v1/namespaces/{namespace}/configmaps"]
        )
    )
    create = fields(path[4])
    assert b"createCoreV1NamespacedConfigMap" in [value for number, value in create if number == 5]
    parameters = [dict(fields(value)) for number, value in create if number == 8]
    bodies = [dict(fields(dict(fields(each[1])).get(1, b""))) for each in parameters if 1 in each]
    assert any(body.get(3) == b"body" for body in bodies)
    assert [dict(fields(each[2]))[1].partition(b"-")[0] for each in parameters if 2 in each] == [
        b"#/parameters/fieldManager"
    ]
    shared = named(dict(fields(protobuf_v2()))[10])
    limit = next(value for name, value in shared.items() if name.startswith("limit-"))
    assert dict(fields(dict(fields(dict(fields(limit))[2]))[3]))[6] == b"integer"
    assert {code for number, value in create if number == 9 for code in named(value)} >= {
        "200",
        "201",
    }


@pytest.mark.parametrize(
    ("schema", "data"),
    [
        ({"type": ["string", "null"]}, b"\xb2\x01\x0e\x0a\x06string\x0a\x04null"),
        ({"additionalProperties": True}, b"\xaa\x01\x02\x10\x01"),
        ({"maxLength": 300, "uniqueItems": True}, b"\x58\xac\x02\x80\x01\x01"),
        ({"minimum": 1.0}, b"\x49\x00\x00\x00\x00\x00\x00\xf0\x3f"),
        ({"enum": ["a"]}, b'\xa2\x01\x06\x12\x04"a"\n'),
        ({"allOf": [{"$ref": "x"}]}, b"\xc2\x01\x03\x0a\x01x"),
        ({"unknown": 1}, b""),
    ],
)
def test_forms(schema: Any, data: bytes) -> None:
    definitions = b"\x0a" + varint(len(data) + 5) + b"\x0a\x01d\x12" + varint(len(data)) + data
    assert (
        encoded({"definitions": {"d": schema}}) == b"\x4a" + varint(len(definitions)) + definitions
    )


@pytest.mark.parametrize(
    ("number", "data"), [(0, b"\0"), (127, b"\x7f"), (300, b"\xac\x02"), (-1, b"\xff" * 9 + b"\1")]
)
def test_numbers(number: int, data: bytes) -> None:
    assert varint(number) == data


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (KUBECTL, PROTOBUF),
        (PROTOBUF, PROTOBUF),
        (f"{KUBECTL}, application/json", PROTOBUF),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
    ],
)
def test_who_asks_for_what(accept: str, form: str) -> None:
    answer = OpenApiHandler()(Request("GET", "/openapi/v2", {}, {"accept": accept}))
    assert answer is not None
    assert (answer.status, answer.headers["Content-Type"]) == (200, form)
    assert answer.headers["Etag"]


@pytest.mark.parametrize("accept", ["text/html", "application/vnd.kubernetes.protobuf"])
def test_other_forms_are_not_to_be_had(accept: str) -> None:
    answer = OpenApiHandler()(Request("GET", "/openapi/v2", {}, {"accept": accept}))
    assert answer is not None
    assert answer.status == 406
