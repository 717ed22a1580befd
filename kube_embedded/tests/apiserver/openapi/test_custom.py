"""How the schema of a definition is published: what clients do not know is put in their words."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.apiserver.openapi.custom import models
from kube_embedded.apiserver.registry.custom.kinds import custom_kinds
from kube_embedded.machinery.kinds import CustomKind
from kube_embedded.tests.support.custom import definition, plain_definition

META = "io.k8s.apimachinery.pkg.apis.meta.v1."
TAB, TABS = "com.example.stable.v1.CronTab", "com.example.stable.v1.CronTabList"
EMBEDDED = "x-kubernetes-embedded-resource"
PRESERVE = "x-kubernetes-preserve-unknown-fields"
INT_OR_STRING = "x-kubernetes-int-or-string"
EITHER = [{"type": "integer"}, {"type": "string"}]
TEXT = {"type": "string"}


def declared(body: Any) -> CustomKind:
    """The kind of a definition, as if a server had accepted its names."""
    names = {**body["spec"]["names"], "listKind": "CronTabList"}
    (kind,) = custom_kinds({**body, "status": {"acceptedNames": names}})
    return kind


def published(schema: Any, *, older: bool = False) -> Any:
    """A schema of ``spec``, as it is published."""
    return models(declared(plain_definition(schema)), older=older)[TAB]["properties"]["spec"]


def test_a_kind_and_its_list_are_described() -> None:
    found = models(declared(definition()))
    assert list(found) == [TAB, TABS]
    for name, kind in ((TAB, "CronTab"), (TABS, "CronTabList")):
        assert found[name]["x-kubernetes-group-version-kind"] == [
            {"group": "stable.example.com", "kind": kind, "version": "v1"}
        ]
        for field in ("apiVersion", "kind"):
            assert found[name]["properties"][field]["type"] == "string"
            assert "More info: " in found[name]["properties"][field]["description"]
        assert "x-kubernetes-selectable-fields" not in found[name]
    one, many = found[TAB], found[TABS]
    assert list(one["properties"]) == ["apiVersion", "kind", "metadata", "spec", "status"]
    assert one["properties"]["metadata"]["allOf"] == [
        {"$ref": f"#/components/schemas/{META}ObjectMeta"}
    ]
    assert many["required"] == ["items"]
    assert many["description"] == "CronTabList is a list of CronTab"
    assert many["properties"]["items"]["items"] == {"$ref": f"#/components/schemas/{TAB}"}
    assert many["properties"]["items"]["description"].startswith("List of crontabs. More info: ")
    assert many["properties"]["metadata"] == {
        "allOf": [{"$ref": f"#/components/schemas/{META}ListMeta"}]
    }


def test_selectable_fields_are_published_without_their_dot() -> None:
    body = plain_definition({"type": "object", "properties": {"image": TEXT}})
    body["spec"]["versions"][0]["selectableFields"] = [{"jsonPath": ".spec.image"}]
    found = models(declared(body))
    for name in (TAB, TABS):
        assert found[name]["x-kubernetes-selectable-fields"] == [{"fieldPath": "spec.image"}]


@pytest.mark.parametrize(
    ("required", "expected"),
    [
        ([], ["kind", "apiVersion"]),
        (["kind"], ["kind", "apiVersion"]),
        (["data", "apiVersion"], ["data", "apiVersion", "kind"]),
        (["apiVersion", "kind"], ["apiVersion", "kind"]),
    ],
)
def test_an_embedded_object_has_a_kind_a_version_and_metadata(
    required: list[str], expected: list[str]
) -> None:
    fields = {"data": TEXT, "kind": TEXT, "apiVersion": TEXT}
    inner = {"type": "object", EMBEDDED: True, "properties": fields, "required": required}
    schema = {"type": "object", "properties": {"inner": inner}}
    for older in (False, True):
        found = published(schema, older=older)["properties"]["inner"]
        assert found["required"] == expected
        assert list(found["properties"]) == ["apiVersion", "data", "kind", "metadata"]
        assert found["properties"]["metadata"]["allOf"][0]["$ref"].endswith(".ObjectMeta")
        assert "More info: " in found["properties"]["kind"]["description"]


def test_an_embedded_object_of_any_fields_is_open_in_the_older_document() -> None:
    schema = {"type": "object", EMBEDDED: True, PRESERVE: True}
    found = published(schema)
    assert list(found["properties"]) == ["apiVersion", "kind", "metadata"]
    assert (found[PRESERVE], found["required"]) == (True, ["kind", "apiVersion"])
    assert published(schema, older=True) == {EMBEDDED: True, PRESERVE: True}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, {"anyOf": EITHER}),
        ({"anyOf": EITHER}, {"anyOf": EITHER}),
        (
            {"allOf": [{"anyOf": EITHER}, {"pattern": "x"}]},
            {"allOf": [{"anyOf": EITHER}, {"pattern": "x"}]},
        ),
        ({"allOf": [{"pattern": "x"}]}, {"allOf": [{"pattern": "x"}], "anyOf": EITHER}),
        (
            {"anyOf": [{"pattern": "x"}], "allOf": [{"minLength": 1}]},
            {"anyOf": [{"pattern": "x"}], "allOf": [{"anyOf": EITHER}, {"minLength": 1}]},
        ),
        (
            {"anyOf": [{"pattern": "x"}]},
            {"anyOf": [{"pattern": "x"}], "allOf": [{"anyOf": EITHER}]},
        ),
    ],
)
def test_a_number_or_a_text_is_published_as_alternatives(schema: Any, expected: Any) -> None:
    whole = {"type": "object", "properties": {"port": {INT_OR_STRING: True, **schema}}}
    assert published(whole)["properties"]["port"] == {INT_OR_STRING: True, **expected}
    older = published(whole, older=True)["properties"]["port"]
    assert older == {INT_OR_STRING: True}


@pytest.mark.parametrize(
    ("schema", "older"),
    [
        ({"type": "string", "default": "a", "minLength": 1}, {"type": "string", "minLength": 1}),
        ({"type": "string", "nullable": True}, {}),
        ({"type": "string", "nullable": False}, {"type": "string"}),
        ({"type": "array", "items": TEXT}, {"type": "array", "items": TEXT}),
        ({"type": "array", "items": TEXT, "nullable": True}, {}),
        ({"type": "object", "properties": {"a": TEXT}, PRESERVE: True}, {PRESERVE: True}),
        (
            {"type": "object", "additionalProperties": TEXT},
            {"type": "object", "additionalProperties": TEXT},
        ),
        ({"type": "string", "not": {"pattern": "x"}}, {"type": "string"}),
    ],
)
def test_the_older_document_has_no_nulls_defaults_and_alternatives(schema: Any, older: Any) -> None:
    whole = {"type": "object", "properties": {"a": schema}}
    assert published(whole, older=True)["properties"]["a"] == older
    newer = {name: value for name, value in schema.items() if value is not False}
    assert published(whole)["properties"]["a"] == newer


def test_a_kind_of_any_fields_is_any_object_in_the_older_document() -> None:
    body = plain_definition({"type": "object"})
    body["spec"]["versions"][0]["schema"]["openAPIV3Schema"][PRESERVE] = True
    kind = declared(body)
    assert models(kind, older=True)[TAB] == {
        "type": "object",
        "x-kubernetes-group-version-kind": [
            {"group": "stable.example.com", "kind": "CronTab", "version": "v1"}
        ],
    }
    assert models(kind)[TAB][PRESERVE] is True
