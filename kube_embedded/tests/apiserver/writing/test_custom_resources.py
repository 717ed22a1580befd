"""Custom objects: what is kept of them, what is refused, and in which form they come back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kube_embedded.machinery.work import WorkBudget, limited
from kube_embedded.tests.support.cluster import Caller, ClusterApi, Reply, binding, causes, rule
from kube_embedded.tests.support.custom import DEFINITIONS, crontab, definition, plain_definition

ROOT = "/apis/stable.example.com/v1"
TABS = f"{ROOT}/namespaces/lab/crontabs"
APPLY = {"content-type": "application/apply-patch+yaml"}
MERGE = {"content-type": "application/merge-patch+json"}
JSON_PATCH = {"content-type": "application/json-patch+json"}
TABLE = {"accept": "application/json;as=Table;g=meta.k8s.io;v=v1"}
TEXT = {"type": "string"}


@pytest.fixture
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    return made


def declare(api: ClusterApi, body: Any = None) -> Caller:
    api.must(api.admin.post(DEFINITIONS, body or definition()))
    return api.admin


def tab(spec: Any, name: str = "x") -> dict[str, Any]:
    return {**crontab(name), "spec": spec}


def test_fields_are_sorted_as_a_map_s_are(api: ClusterApi) -> None:
    admin = declare(api)
    made = api.must(
        admin.post(TABS, {"spec": {"replicas": 1, "cronSpec": "* * * * *"}, **crontab("x")})
    )
    assert list(made) == ["apiVersion", "kind", "metadata", "spec"]
    names = [
        "creationTimestamp",
        "generation",
        "managedFields",
        "name",
        "namespace",
        "resourceVersion",
        "uid",
    ]
    assert list(made["metadata"]) == names
    (entry,) = made["metadata"]["managedFields"]
    assert list(entry) == ["apiVersion", "fieldsType", "fieldsV1", "manager", "operation", "time"]
    listed = api.must(admin.get(TABS))
    assert list(listed) == ["apiVersion", "items", "kind", "metadata"]
    assert (listed["kind"], listed["metadata"]["continue"]) == ("CronTabList", "")
    assert list(listed["items"][0]) == ["apiVersion", "kind", "metadata", "spec"]


def test_unknown_fields_are_pruned_and_named(api: ClusterApi) -> None:
    admin = declare(api)
    body = tab({**crontab("x")["spec"], "zebra": 1, "ant": {"b": 2}})
    reply = admin.post(TABS, body)
    assert reply.warnings == ('unknown field "spec.ant"', 'unknown field "spec.zebra"')
    assert reply.body["spec"] == {"cronSpec": "*/5 * * * *", "image": "busybox"}
    assert (
        admin.post(f"{TABS}?fieldValidation=Ignore", {**body, "metadata": {"name": "y"}}).warnings
        == ()
    )
    strict = admin.post(
        f"{TABS}?fieldValidation=Strict", {**body, "metadata": {"name": "z", "colour": "red"}}
    )
    assert (strict.status, strict.message) == (
        400,
        'CronTab in version "v1" cannot be handled as a CronTab: strict decoding error: unknown field '
        '"metadata.colour", unknown field "spec.ant", unknown field "spec.zebra"',
    )


def test_preserved_fields_defaults_and_nulls(api: ClusterApi) -> None:
    schema = {
        "type": "object",
        "properties": {
            "free": {
                "x-kubernetes-preserve-unknown-fields": True,
                "properties": {"known": {"type": "object"}},
            },
            "map": {"type": "object", "additionalProperties": {"type": "integer"}},
            "deep": {
                "type": "object",
                "default": {},
                "properties": {"leaf": {**TEXT, "default": "set"}},
            },
            "nullable": {**TEXT, "nullable": True},
            "plain": TEXT,
            "list": {
                "type": "array",
                "items": {"type": "object", "properties": {"a": {**TEXT, "default": "d"}}},
            },
        },
    }
    admin = declare(api, plain_definition(schema))
    free = {"any": [1, {"b": None}], "known": {"gone": 1}}
    spec = {
        "free": free,
        "map": {"a": 1},
        "nullable": None,
        "plain": None,
        "list": [{}, {"a": "e", "b": 1}],
    }
    made = api.must(admin.post(TABS, tab(spec)))
    assert made["spec"] == {
        "deep": {"leaf": "set"},
        "free": {"any": [1, {"b": None}], "known": {}},
        "list": [{"a": "d"}, {"a": "e"}],
        "map": {"a": 1},
        "nullable": None,
    }


def test_numbers_are_those_of_go(api: ClusterApi) -> None:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    admin = declare(api, plain_definition(schema))
    made = api.must(admin.post(TABS, tab({"whole": 2.0, "part": 1.5, "large": 2**63})))
    assert json.dumps(made["spec"]) == '{"large": 9.223372036854776e+18, "part": 1.5, "whole": 2}'


def test_what_is_wrong_in_its_order(api: ClusterApi) -> None:
    admin = declare(api)
    reply = admin.post(
        TABS, {**tab({"cronSpec": "never", "replicas": 11}), "metadata": {"name": "X"}}
    )
    assert [field for field, _ in causes(reply)] == [
        "metadata.name",
        "spec.cronSpec",
        "spec.replicas",
    ]
    assert reply.message.startswith(
        'CronTab.stable.example.com "X" is invalid: [metadata.name: Invalid value: "X": '
    )
    assert causes(admin.post(TABS, crontab("x") | {"spec": {}})) == [
        ("spec.cronSpec", "Required value")
    ]
    assert causes(admin.post(TABS, crontab("x") | {"kind": "Tab"})) == [
        ("kind", 'Invalid value: "Tab": must be CronTab')
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"apiVersion": "stable.example.com/v2", "kind": "CronTab", "metadata": {"name": "x"}},
            "the API version in the data (stable.example.com/v2) does not match the expected API version "
            "(stable.example.com/v1)",
        ),
        (
            {"metadata": {"name": "x"}},
            "the object provided is unrecognized (must be of type CronTab): Object 'Kind' is missing in "
            '\'{"metadata": {"name": "x"}}\' ({"metadata": {"name": "x"}})',
        ),
        (
            {**crontab("x"), "metadata": {"labels": {"a": 1}}},
            'CronTab in version "v1" cannot be handled as a CronTab: json: cannot unmarshal number into Go struct '
            "field ObjectMeta.labels of type string",
        ),
    ],
)
def test_bodies_that_are_none(api: ClusterApi, body: Any, message: str) -> None:
    reply = declare(api).post(TABS, body)
    assert (reply.status, reply.message) == (400, message)


def test_lists_with_keys_and_sets(api: ClusterApi) -> None:
    ports = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["port"],
        "items": {
            "type": "object",
            "required": ["port"],
            "properties": {"port": {"type": "integer"}, "name": TEXT},
        },
    }
    names = {"type": "array", "x-kubernetes-list-type": "set", "items": TEXT}
    admin = declare(
        api, plain_definition({"type": "object", "properties": {"ports": ports, "names": names}})
    )
    twice = tab({"ports": [{"port": 1}, {"port": 1, "name": "a"}], "names": ["a", "b", "a"]})
    assert causes(admin.post(TABS, twice)) == [
        ("spec.names[2]", 'Duplicate value: "a"'),
        ("spec.ports[1]", 'Duplicate value: {"port":1}'),
    ]
    mine = tab({"ports": [{"port": 1, "name": "a"}], "names": ["a"]})
    api.must(admin.call("PATCH", f"{TABS}/x?fieldManager=me", mine, headers=APPLY))
    theirs = tab({"ports": [{"port": 2}], "names": ["b"]})
    both = api.must(admin.call("PATCH", f"{TABS}/x?fieldManager=you", theirs, headers=APPLY))
    assert both["spec"] == {"names": ["a", "b"], "ports": [{"name": "a", "port": 1}, {"port": 2}]}
    owned = {
        each["manager"]: each["fieldsV1"]["f:spec"] for each in both["metadata"]["managedFields"]
    }
    assert owned["you"] == {
        "f:names": {'v:"b"': {}},
        "f:ports": {'k:{"port":2}': {".": {}, "f:port": {}}},
    }
    left = api.must(
        admin.call("PATCH", f"{TABS}/x?fieldManager=me", tab({"names": []}), headers=APPLY)
    )
    assert left["spec"] == {"names": ["b"], "ports": [{"port": 2}]}


def test_apply_conflicts_and_undeclared_fields(api: ClusterApi) -> None:
    admin = declare(api)
    made = admin.call("PATCH", f"{TABS}/x?fieldManager=me", crontab("x", replicas=1), headers=APPLY)
    assert (made.status, made.body["metadata"]["generation"]) == (201, 1)
    (entry,) = made.body["metadata"]["managedFields"]
    assert entry["fieldsV1"] == {"f:spec": {"f:cronSpec": {}, "f:replicas": {}}}
    refused = admin.call(
        "PATCH", f"{TABS}/x?fieldManager=you", crontab("x", replicas=2), headers=APPLY
    )
    assert (refused.status, refused.message) == (
        409,
        'Apply failed with 1 conflict: conflict with "me": .spec.replicas',
    )
    wrong = admin.call(
        "PATCH", f"{TABS}/x?fieldManager=me", crontab("x", colour="red"), headers=APPLY
    )
    assert (wrong.status, wrong.message) == (
        500,
        "failed to create typed patch object (/x; stable.example.com/v1, Kind=CronTab): .spec.colour: field not "
        "declared in schema",
    )


def test_fields_without_a_schema_have_owners_too(api: ClusterApi) -> None:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    admin = declare(api, plain_definition(schema))
    api.must(
        admin.call(
            "PATCH", f"{TABS}/x?fieldManager=me", tab({"a": {"b": 1}, "l": [1]}), headers=APPLY
        )
    )
    both = api.must(
        admin.call("PATCH", f"{TABS}/x?fieldManager=you", tab({"a": {"c": 2}}), headers=APPLY)
    )
    assert both["spec"] == {"a": {"b": 1, "c": 2}, "l": [1]}
    owned = {
        each["manager"]: each["fieldsV1"]["f:spec"] for each in both["metadata"]["managedFields"]
    }
    assert owned["me"] == {"f:a": {".": {}, "f:b": {}}, "f:l": {}}


def test_patches(api: ClusterApi) -> None:
    admin = declare(api)
    api.must(admin.post(TABS, crontab("x")))
    merged = api.must(
        admin.patch(f"{TABS}/x", {"spec": {"replicas": 2, "image": None, "colour": 1}})
    )
    assert merged["spec"] == {"cronSpec": "*/5 * * * *", "image": "busybox", "replicas": 2}
    operations = [{"op": "replace", "path": "/spec/replicas", "value": 3}]
    patched = api.must(admin.call("PATCH", f"{TABS}/x", operations, headers=JSON_PATCH))
    assert (patched["spec"]["replicas"], patched["metadata"]["generation"]) == (3, 3)
    strategic = {"content-type": "application/strategic-merge-patch+json"}
    refused = admin.call("PATCH", f"{TABS}/x", {}, headers=strategic)
    assert (refused.status, refused.message, refused.body["reason"]) == (
        415,
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
        "UnsupportedMediaType",
    )
    assert causes(admin.patch(f"{TABS}/x", {"kind": "Tab"})) == [
        ("kind", 'Invalid value: "Tab": must be CronTab')
    ]
    assert admin.patch(f"{TABS}/y", {}).status == 404


def test_an_update_names_its_revision_and_keeps_the_status(api: ClusterApi) -> None:
    admin = declare(api)
    made = api.must(admin.post(TABS, {**crontab("x"), "status": {"replicas": 5}}))
    assert "status" not in made
    assert causes(admin.put(f"{TABS}/x", crontab("x"))) == [
        ("metadata.resourceVersion", "Invalid value: 0: must be specified for an update")
    ]
    told = api.must(
        admin.put(
            f"{TABS}/x/status", {**made, "spec": {"cronSpec": "!"}, "status": {"replicas": 5}}
        )
    )
    assert (told["status"], told["spec"], told["metadata"]["generation"]) == (
        {"replicas": 5},
        made["spec"],
        1,
    )
    told["status"], told["metadata"]["labels"] = {"replicas": 6}, {"a": "b"}
    kept = api.must(admin.put(f"{TABS}/x", told))
    assert (kept["status"], kept["metadata"]["generation"]) == ({"replicas": 5}, 1)
    assert causes(admin.patch(f"{TABS}/x/status", {"status": {"replicas": "x"}})) == [
        (
            "status.replicas",
            'Invalid value: "string": replicas in body must be of type integer: "string"',
        ),
        (".status.replicas", "Invalid value: 0: .status.replicas accessor error: x is of the type string, expected "
                             "int64"),
    ]  # fmt: skip


def test_the_scale(api: ClusterApi) -> None:
    admin = declare(api)
    api.must(admin.post(TABS, crontab("x")))
    missing = admin.get(f"{TABS}/x/scale")
    assert (missing.status, missing.message) == (
        500,
        'Internal error occurred: the spec replicas field ".spec.replicas" does not exist',
    )
    empty = admin.patch(f"{TABS}/x/scale", {"metadata": {"labels": {}}})
    assert (empty.status, empty.message) == (
        400,
        'the spec replicas field ".spec.replicas" cannot be empty',
    )
    scaled = api.must(admin.patch(f"{TABS}/x/scale", {"spec": {"replicas": 4}}))
    assert (scaled["kind"], scaled["spec"], scaled["status"]) == (
        "Scale",
        {"replicas": 4},
        {"replicas": 0},
    )
    found = api.must(admin.get(f"{TABS}/x"))
    assert (found["spec"]["replicas"], found["metadata"]["generation"]) == (4, 2)
    api.must(
        admin.call(
            "PATCH", f"{TABS}/x/scale?fieldManager=me", {"spec": {"replicas": 6}}, headers=MERGE
        )
    )
    found = api.must(admin.get(f"{TABS}/x"))
    owned = {
        each["manager"]: each["fieldsV1"]["f:spec"] for each in found["metadata"]["managedFields"]
    }
    assert owned == {
        "me": {"f:replicas": {}},
        "unknown": {".": {}, "f:cronSpec": {}, "f:image": {}},
    }
    refused = admin.patch(f"{TABS}/x/scale", {"spec": {"replicas": 40}})
    assert "spec.replicas in body should be less than or equal to 10" in refused.message


def test_columns(api: ClusterApi) -> None:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    paths = {
        ".spec.text": "string",
        ".spec.count": "integer",
        ".spec.share": "number",
        ".spec.on": "boolean",
        ".spec.when": "date",
        '.spec.conditions[?(@.type=="Ready")].status': "string",
        ".spec.list[1]": "integer",
        ".spec.object": "string",
        ".spec.missing": "string",
        ".metadata.labels.a\\.b": "string",
    }
    columns = [{"name": path, "type": type_, "jsonPath": path} for path, type_ in paths.items()]
    admin = declare(api, plain_definition(schema, additionalPrinterColumns=columns))
    spec = {
        "text": "a",
        "count": 3,
        "share": 0.5,
        "on": False,
        "when": "2027-01-15T07:59:00Z",
        "conditions": [{"type": "Old", "status": "x"}, {"type": "Ready", "status": "True"}],
        "list": [1, 2],
        "object": {"b": 1, "a": [True]},
    }
    body = {**tab(spec), "metadata": {"name": "x", "labels": {"a.b": "c"}}}
    api.must(admin.post(TABS, body))
    table = api.must(admin.get(TABS, headers=TABLE))
    cells = ["x", "a", 3, 0.5, False, "60s", "True", 2, '{"a":[true],"b":1}', None, "c"]
    assert [row["cells"] for row in table["rows"]] == [cells]
    second = table["columnDefinitions"][1]
    assert (
        second["description"]
        == "Custom resource definition column (in JSONPath format): .spec.text"
    )
    whole = api.must(admin.get(f"{TABS}?includeObject=Object", headers=TABLE))
    assert list(whole["rows"][0]["object"]) == ["apiVersion", "kind", "metadata", "spec"]


@pytest.mark.parametrize(
    ("type_", "value", "cell"),
    [
        ("date", "2027-13-01T00:00:00Z", "<invalid>"),
        ("date", "2027-02-30T25:00:00Z", "<invalid>"),
        ("date", "", "<unknown>"),
        ("integer", 2**63, -(2**63)),
        ("integer", 1.9, 1),
        ("string", None, "<no value>"),
        ("string", {"b": "<&>", "a": 1}, '{"a":1,"b":"\\u003c\\u0026\\u003e"}'),
    ],
)
def test_columns_of_odd_values(api: ClusterApi, type_: str, value: Any, cell: Any) -> None:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    columns = [{"name": "a", "type": type_, "jsonPath": ".spec.a"}]
    columns.append({"name": "b", "type": "string", "jsonPath": f".spec.list[{'9' * 5000}]"})
    admin = declare(api, plain_definition(schema, additionalPrinterColumns=columns))
    api.must(admin.post(TABS, tab({"a": value, "list": [1]})))
    assert api.must(admin.get(TABS, headers=TABLE))["rows"][0]["cells"] == ["x", cell, None]


KEYED = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["k"],
    "items": {"type": "object", "required": ["k"], "properties": {"k": TEXT}},
}


WRONG_VALUES: list[Any] = [
    "x",
    ["x"],
    [1],
    {"a": "x"},
    {"a": ["x"]},
    [["x"]],
    5,
    True,
    [None],
    {},
    [],
]


@pytest.mark.parametrize(
    "schema",
    [
        KEYED,
        {"type": "array", "x-kubernetes-list-type": "set", "items": TEXT},
        {"type": "array", "items": {"type": "object", "properties": {"a": TEXT}}},
        {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": TEXT}}}},
        {"type": "object", "additionalProperties": {"type": "object", "properties": {"b": TEXT}}},
        {"type": "integer", "format": "int32"},
        {"type": "string", "format": "byte"},
    ],
)
def test_values_of_the_wrong_type_are_refused_and_not_stumbled_over(
    api: ClusterApi, schema: Any
) -> None:
    admin = declare(api, plain_definition({"type": "object", "properties": {"v": schema}}))
    api.must(admin.post(TABS, tab({}, "y")))
    found = set()
    for number, value in enumerate(WRONG_VALUES):
        operation = {"op": "add", "path": "/spec/v", "value": value}
        replies = [
            admin.post(TABS, tab({"v": value}, f"a{number}")),
            admin.post(TABS, tab(value, f"b{number}")),
            admin.patch(f"{TABS}/y", {"spec": {"v": value}}),
            admin.call("PATCH", f"{TABS}/y", [operation], headers=JSON_PATCH),
        ]
        found |= {reply.status for reply in replies}
    assert {422} < found <= {200, 201, 422}


def test_what_has_the_wrong_type_and_is_allowed_has_no_owners(api: ClusterApi) -> None:
    """A text with a format may be a list, of which server-side apply knows nothing."""
    schema = {"type": "object", "properties": {"v": {"type": "string", "format": "byte"}}}
    admin = declare(api, plain_definition(schema))
    assert "managedFields" in api.must(admin.post(TABS, tab({"v": "YQ=="})))["metadata"]
    assert "managedFields" not in api.must(admin.post(TABS, tab({"v": [1]}, "y")))["metadata"]


def test_the_scale_of_an_object_that_says_nothing(api: ClusterApi) -> None:
    body = plain_definition(
        {"type": "object", "nullable": True, "properties": {"replicas": {"type": "integer"}}}
    )
    scale = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    body["spec"]["versions"][0]["subresources"] = {"scale": scale}
    admin = declare(api, body)
    api.must(admin.post(TABS, crontab("x")))
    api.must(
        admin.call("PATCH", f"{TABS}/x", [{"op": "remove", "path": "/spec"}], headers=JSON_PATCH)
    )
    assert api.must(admin.patch(f"{TABS}/x/scale", {"spec": {"replicas": 2}}))["spec"] == {
        "replicas": 2
    }
    api.must(
        admin.call(
            "PATCH",
            f"{TABS}/x",
            [{"op": "replace", "path": "/spec", "value": None}],
            headers=JSON_PATCH,
        )
    )
    refused = admin.patch(f"{TABS}/x/scale", {"spec": {"replicas": 2}})
    assert (refused.status, refused.message) == (
        500,
        "value cannot be set because .spec is not a map[string]interface{}",
    )


def test_a_patched_object_is_shown_sorted(api: ClusterApi) -> None:
    admin = declare(api)
    api.must(admin.post(TABS, crontab("x")))
    refused = admin.patch(f"{TABS}/x?fieldValidation=Strict", {"spec": {"zebra": 1}})
    assert refused.status == 422
    assert refused.message.startswith(
        ' "" is invalid: patch: Invalid value: "{\\"apiVersion\\":\\"stable.example.com/v1\\",\\"kind\\":\\"CronTab\\",'
        '\\"metadata\\":{\\"creationTimestamp\\":'
    )


def test_defaults_cost_what_they_add(api: ClusterApi) -> None:
    item = {"type": "object", "properties": {"d": {**TEXT, "default": "x" * 10_000}}}
    admin = declare(api, plain_definition({"type": "array", "items": item}))
    body = tab([{}] * 1000)
    assert admin.post(f"{TABS}?dryRun=All", body).status == 201
    with limited(WorkBudget(250_000)):
        assert admin.post(f"{TABS}?dryRun=All", body).status == 429


def test_columns_by_default(api: ClusterApi) -> None:
    admin = declare(api, plain_definition({"type": "object"}))
    api.must(admin.post(TABS, tab({})))
    table = api.must(admin.get(TABS, headers=TABLE))
    assert [(each["name"], each["type"]) for each in table["columnDefinitions"]] == [
        ("Name", "string"),
        ("Age", "date"),
    ]
    assert table["rows"][0]["cells"] == ["x", "0s"]


def two_versions(old: Any = None) -> dict[str, Any]:
    """A definition that stores in v2; ``old`` are properties that only v1 has."""
    properties = {"a": TEXT, **(old or {})}
    body = plain_definition(
        {"type": "object", "properties": properties}, storage=False, deprecated=True
    )
    (first,) = body["spec"]["versions"]
    schema = {"type": "object", "properties": {"a": TEXT, "b": {**TEXT, "default": "new"}}}
    whole = {"openAPIV3Schema": {"type": "object", "properties": {"spec": schema}}}
    fields = [{"jsonPath": ".spec.b"}]
    new = {
        "name": "v2",
        "served": True,
        "storage": True,
        "schema": whole,
        "selectableFields": fields,
    }
    body["spec"]["versions"] = [first, new]
    return body


def test_several_versions(api: ClusterApi) -> None:
    admin = declare(api, two_versions())
    new = TABS.replace("v1", "v2")
    made = admin.post(TABS, tab({"a": "1"}))
    assert made.warnings == (
        "stable.example.com/v1 CronTab is deprecated; use stable.example.com/v2 CronTab",
    )
    assert (made.body["apiVersion"], made.body["spec"]) == ("stable.example.com/v1", {"a": "1"})
    seen = api.must(admin.get(f"{new}/x"))
    assert (seen["apiVersion"], seen["spec"]) == ("stable.example.com/v2", {"a": "1", "b": "new"})
    assert seen["metadata"]["resourceVersion"] == made.body["metadata"]["resourceVersion"]
    changed = api.must(admin.patch(f"{new}/x", {"spec": {"b": "2"}}))
    assert (
        "managedFields" not in changed["metadata"]
    )  # as v1, in which a manager has an entry, has no field b
    assert api.must(admin.get(f"{TABS}/x"))["spec"] == {"a": "1"}
    assert [
        each["metadata"]["name"]
        for each in admin.get(f"{new}?fieldSelector=spec.b=2").body["items"]
    ] == ["x"]
    assert admin.get(f"{new}?fieldSelector=spec.b!=2").body["items"] == []
    refused = admin.get(f"{TABS}?fieldSelector=spec.b=2")
    assert (refused.status, refused.message) == (400, "field label not supported: spec.b")
    group = api.must(admin.get("/apis/stable.example.com"))
    assert [each["version"] for each in group["versions"]] == ["v2", "v1"]
    assert group["preferredVersion"]["version"] == "v2"


def test_an_apply_in_another_version_than_the_stored_one(api: ClusterApi) -> None:
    """What the stored version does not have is not kept, but its manager owns it."""
    admin = declare(api, two_versions(old={"only": TEXT}))
    new = TABS.replace("v1", "v2")
    api.must(admin.post(new, {**tab({"a": "1"}), "apiVersion": "stable.example.com/v2"}))
    api.must(admin.patch(f"{TABS}/x", {"spec": {"only": "y"}}))
    applied = api.must(
        admin.call("PATCH", f"{TABS}/x?fieldManager=m", tab({"only": "z"}), headers=APPLY)
    )
    assert applied["spec"] == {"a": "1"}
    assert {each["manager"]: each["fieldsV1"] for each in applied["metadata"]["managedFields"]} == {
        "m": {"f:spec": {"f:only": {}}},
        "before-first-apply": {"f:spec": {".": {}, "f:a": {}}},
    }
    config = {**tab({"a": "2"}), "apiVersion": "stable.example.com/v2"}
    refused = admin.call("PATCH", f"{new}/x?fieldManager=m", config, headers=APPLY)
    assert (refused.status, refused.message) == (500, ".spec.b: field not declared in schema")


def test_an_update_without_a_change_stores_in_the_new_storage_version(api: ClusterApi) -> None:
    body = two_versions()
    old, new = body["spec"]["versions"]
    old["storage"], new["storage"] = True, False
    admin = declare(api, body)
    api.must(admin.post(TABS, tab({"a": "1"})))
    stored = api.must(admin.get(f"{TABS}/x"))
    assert (
        api.must(admin.put(f"{TABS}/x", stored))["metadata"]["resourceVersion"]
        == (stored["metadata"]["resourceVersion"])
    )
    old["storage"], new["storage"] = False, True
    api.must(admin.patch(f"{DEFINITIONS}/crontabs.stable.example.com", {"spec": body["spec"]}))
    moved = api.must(admin.put(f"{TABS}/x", stored))
    assert moved["metadata"]["resourceVersion"] != stored["metadata"]["resourceVersion"]
    assert moved["spec"] == {"a": "1"}
    assert api.must(admin.get(f"{TABS.replace('v1', 'v2')}/x"))["spec"] == {"a": "1", "b": "new"}


def events(reply: Any) -> list[Any]:
    return [json.loads(piece) for piece in reply.stream.read()]


def watch(api: ClusterApi, path: str) -> Any:
    from urllib.parse import parse_qs

    from kube_embedded.machinery.request import Request

    path, _, query = path.partition("?")
    return api.cluster.handle(
        Request(
            "GET", path, parse_qs(query), {"accept": "application/json"}, b"", api.admin.certificate
        )
    )


def test_watches(api: ClusterApi) -> None:
    admin = declare(api, two_versions())
    before = admin.get(TABS).body["metadata"]["resourceVersion"]
    made = api.must(admin.post(TABS, tab({"a": "1"})))
    api.must(admin.patch(f"{TABS}/x", {"spec": {"a": "2"}}))
    api.must(admin.delete(f"{TABS}/x"))
    found = events(
        watch(api, f"{ROOT.replace('v1', 'v2')}/crontabs?watch=1&resourceVersion={before}")
    )
    assert [
        (each["type"], each["object"]["apiVersion"], each["object"]["spec"]) for each in found
    ] == [
        ("ADDED", "stable.example.com/v2", {"a": "1", "b": "new"}),
        ("MODIFIED", "stable.example.com/v2", {"a": "2", "b": "new"}),
        ("DELETED", "stable.example.com/v2", {"a": "2", "b": "new"}),
    ]
    assert list(found[0]["object"]) == ["apiVersion", "kind", "metadata", "spec"]
    assert found[0]["object"]["metadata"]["uid"] == made["metadata"]["uid"]
    query = (
        "watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
    )
    (bookmark,) = events(watch(api, f"{TABS}?{query}"))
    assert bookmark["type"] == "BOOKMARK"
    assert list(bookmark["object"]) == ["apiVersion", "kind", "metadata"]


CRONTABS = f"{DEFINITIONS}/crontabs.stable.example.com"


@pytest.mark.parametrize(
    "change",
    [
        lambda spec: spec["names"].update(shortNames=["x"]),
        lambda spec: spec["versions"].append(
            {**spec["versions"][1], "name": "v3", "storage": False}
        ),
        lambda spec: [each.update(storage=not each["storage"]) for each in spec["versions"]],
        lambda spec: spec["versions"][0].update(
            additionalPrinterColumns=[{"name": "A", "type": "string", "jsonPath": ".spec.a"}]
        ),
        lambda spec: spec["versions"][0].update(served=False),
    ],
    ids=["names", "another version", "another storage version", "columns", "served no more"],
)
def test_a_watch_ends_when_the_spec_of_its_definition_changes(api: ClusterApi, change: Any) -> None:
    admin = declare(api, two_versions())
    api.must(admin.post(TABS, tab({"a": "1"})))
    stream = watch(api, f"{TABS}?watch=1").stream
    woken: list[bool] = []
    stream.on_ready(lambda: woken.append(True))
    assert len(stream.read()) == 1
    api.must(admin.patch(CRONTABS, {"metadata": {"labels": {"a": "b"}}}))
    assert (stream.read(), stream.closed) == ([], False)
    woken.clear()
    body = api.must(admin.get(CRONTABS))
    change(body["spec"])
    api.must(admin.put(CRONTABS, body))
    assert woken
    assert (stream.read(), stream.closed) == ([], True)


def test_a_watch_from_before_a_change_of_the_schema_reads_by_the_new_one(api: ClusterApi) -> None:
    body = plain_definition({"type": "object", "properties": {"a": TEXT}})
    admin = declare(api, body)
    since = f"watch=1&resourceVersion={admin.get(TABS).body['metadata']['resourceVersion']}"
    api.must(admin.post(TABS, tab({})))
    assert [each["object"]["spec"] for each in events(watch(api, f"{TABS}?{since}"))] == [{}]
    schema = body["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["properties"]["a"] = {**TEXT, "default": "late"}
    api.must(admin.patch(CRONTABS, {"spec": body["spec"]}))
    assert [each["object"]["spec"] for each in events(watch(api, f"{TABS}?{since}"))] == [
        {"a": "late"}
    ]


def test_what_watches_see_of_a_definition_that_is_deleted_with_its_objects(api: ClusterApi) -> None:
    admin = declare(api)
    for name in ("a", "b"):
        api.must(admin.post(TABS, crontab(name)))
    since = f"watch=1&resourceVersion={admin.get(TABS).body['metadata']['resourceVersion']}"
    objects, definitions = watch(api, f"{TABS}?{since}"), watch(api, f"{DEFINITIONS}?{since}")
    api.must(admin.delete(CRONTABS))
    gone = events(objects)
    assert [(each["type"], each["object"]["metadata"]["name"]) for each in gone] == [
        ("DELETED", "a"),
        ("DELETED", "b"),
    ]
    assert objects.stream.closed
    seen = events(definitions)
    assert [each["type"] for each in seen] == ["MODIFIED", "MODIFIED", "DELETED"]
    reasons = [each["object"]["status"]["conditions"][-1]["reason"] for each in seen]
    assert reasons == [
        "InstanceDeletionPending",
        "InstanceDeletionInProgress",
        "InstanceDeletionInProgress",
    ]
    assert seen[2]["object"]["metadata"]["finalizers"] == [
        "customresourcecleanup.apiextensions.k8s.io"
    ]
    revisions = [
        int(each["object"]["metadata"]["resourceVersion"]) for each in (*seen[:2], *gone, seen[2])
    ]
    assert revisions == list(range(revisions[0], revisions[0] + 5))


def test_a_watch_from_before_a_version_was_gone_is_expired(api: ClusterApi) -> None:
    body = two_versions()
    body["spec"]["versions"][0]["storage"], body["spec"]["versions"][1]["storage"] = True, False
    admin = declare(api, body)
    before = admin.get(TABS).body["metadata"]["resourceVersion"]
    api.must(admin.post(TABS, tab({"a": "1"})))
    body["spec"]["versions"][0]["storage"], body["spec"]["versions"][1]["storage"] = False, True
    api.must(admin.patch(CRONTABS, {"spec": body["spec"]}))
    api.must(admin.patch(f"{CRONTABS}/status", {"status": {"storedVersions": ["v2"]}}))
    api.must(admin.patch(CRONTABS, {"spec": {"versions": body["spec"]["versions"][1:]}}))
    new = TABS.replace("v1", "v2")
    for refused in (admin.get(f"{new}?watch=1"), admin.delete(new)):
        assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
    assert admin.get(f"{new}/x").status == admin.delete(f"{new}/x").status == 500
    api.cluster.registry.remove(next(iter(api.cluster.registry.custom.stored())), "lab", "x")
    (event,) = events(watch(api, f"{new}?watch=1&resourceVersion={before}"))
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)


def test_pages_and_collections(api: ClusterApi) -> None:
    admin = declare(api)
    for name in ("a", "b", "c"):
        api.must(admin.post(TABS, crontab(name)))
    first = api.must(admin.get(f"{TABS}?limit=2"))
    assert (len(first["items"]), first["metadata"]["remainingItemCount"]) == (2, 1)
    rest = api.must(admin.get(f"{TABS}?limit=2&continue={first['metadata']['continue']}"))
    assert [each["metadata"]["name"] for each in rest["items"]] == ["c"]
    assert rest["metadata"]["continue"] == ""
    gone = api.must(admin.delete(f"{TABS}?fieldSelector=metadata.name=a"))
    assert [each["metadata"]["name"] for each in gone["items"]] == ["a"]
    assert len(api.must(admin.delete(TABS))["items"]) == 2
    assert api.must(admin.get(f"{ROOT}/crontabs"))["items"] == []


def test_paths_that_are_none(api: ClusterApi) -> None:
    admin = declare(api)

    def answer(reply: Reply) -> tuple[int, Any]:
        return reply.status, reply.body if isinstance(reply.body, bytes) else reply.body["message"]

    page = (404, b"404 page not found\n")
    assert answer(admin.get(f"{ROOT}/others")) == page
    assert answer(admin.get(f"{ROOT.replace('v1', 'v3')}/crontabs")) == page
    assert answer(admin.get("/apis/stable.example.com/v3")) == page
    assert answer(admin.post(f"{ROOT}/crontabs", crontab("x"))) == page
    missing = 'crontabs.stable.example.com "x" not found'
    assert answer(admin.get(f"{TABS}/x")) == answer(admin.get(f"{TABS}/x/log")) == (404, missing)
    no_method = 'create is not supported on resources of kind "crontabs.stable.example.com"'
    assert answer(admin.post(f"{TABS}/x/status", {})) == (405, no_method)


def test_forms(api: ClusterApi) -> None:
    admin = declare(api)
    api.must(admin.post(TABS, crontab("x")))
    protobuf = admin.get(f"{TABS}/x", headers={"accept": "application/vnd.kubernetes.protobuf"})
    assert protobuf.status == 406
    assert (
        b"object *unstructured.Unstructured does not implement the protobuf marshalling interface and cannot be "
        b"encoded to a protobuf message"
    ) in protobuf.body
    text = admin.get(f"{TABS}/x", headers={"accept": "application/yaml"}).body.decode()
    assert text.startswith(
        "apiVersion: stable.example.com/v1\nkind: CronTab\nmetadata:\n  creationTimestamp: "
    )
    pretty = admin.get(f"{TABS}/x?pretty=1").body
    assert pretty["spec"]["image"] == "busybox"
    partial = {"accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}
    listed = api.must(admin.get(TABS, headers=partial))
    assert listed["items"][0]["kind"] == "PartialObjectMetadata"
    assert list(listed["items"][0]["metadata"])[:2] == ["name", "namespace"]


def test_finalizers_without_a_domain_get_a_warning(api: ClusterApi) -> None:
    admin = declare(api)
    reply = admin.post(
        TABS, {**crontab("x"), "metadata": {"name": "x", "finalizers": ["mine", "a.b"]}}
    )
    more = "to avoid accidental conflicts with other finalizer writers"
    assert reply.warnings == (
        f'metadata.finalizers: "a.b": prefer a domain-qualified finalizer name including a path (/) {more}',
        f'metadata.finalizers: "mine": prefer a domain-qualified finalizer name {more}',
    )


def test_embedded_objects(api: ClusterApi) -> None:
    template = {
        "type": "object",
        "x-kubernetes-embedded-resource": True,
        "x-kubernetes-preserve-unknown-fields": True,
    }
    admin = declare(api, plain_definition({"type": "object", "properties": {"template": template}}))
    # Neither its metadata nor that it has a kind is checked.
    for number, pod in enumerate(({"metadata": {"name": "p", "labels": 1}}, {"metadata": "p"}, {})):
        reply = admin.post(TABS, tab({"template": pod}, f"tab-{number}"))
        assert (reply.status, reply.warnings, reply.body["spec"]["template"]) == (201, (), pod)
        patch = {"spec": {"template": {"metadata": {"name": "q"}}}}
        reply = admin.patch(f"{TABS}/tab-{number}", patch)
        assert reply.body["spec"]["template"]["metadata"]["name"] == "q"


def test_an_embedded_object_without_other_fields(api: ClusterApi) -> None:
    template = {
        "type": "object",
        "x-kubernetes-embedded-resource": True,
        "properties": {"data": {"type": "object", "additionalProperties": {"type": "string"}}},
    }
    admin = declare(api, plain_definition({"type": "object", "properties": {"template": template}}))
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": ""}}
    reply = admin.post(TABS, tab({"template": {**config, "other": 1}}))
    assert reply.warnings == ('unknown field "spec.template.other"',)
    assert reply.body["spec"]["template"] == config


@pytest.mark.parametrize(
    ("scope", "used"), [("Namespaced", {"count/crontabs.stable.example.com": "0"}), ("Cluster", {})]
)
def test_quotas_count_only_what_a_namespace_has(
    api: ClusterApi, scope: str, used: dict[str, str]
) -> None:
    body = definition()
    body["spec"]["scope"] = scope
    admin = declare(api, body)
    quotas = "/api/v1/namespaces/lab/resourcequotas"
    hard = {"count/crontabs.stable.example.com": "1", "pods": "1"}
    api.must(admin.post(quotas, {"metadata": {"name": "q"}, "spec": {"hard": hard}}))
    status = api.must(admin.get(f"{quotas}/q"))["status"]
    assert status == {"hard": hard, "used": {**used, "pods": "0"}}


def test_roles(api: ClusterApi) -> None:
    admin = declare(api)
    api.must(admin.post(TABS, crontab("x")))
    user = api.user("eva")
    refused = user.get(f"{TABS}/x")
    assert refused.message == (
        'crontabs.stable.example.com "x" is forbidden: User "eva" cannot get resource "crontabs" in API group '
        '"stable.example.com" in the namespace "lab"'
    )
    labels = {"rbac.authorization.k8s.io/aggregate-to-view": "true"}
    api.role("tabs", rule("get list watch", "crontabs", "stable.example.com"), labels=labels)
    roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/lab/rolebindings"
    api.must(admin.post(roles, binding("eva", "ClusterRole/view", "User/eva")))
    assert user.get(f"{TABS}/x").status == 200
    assert user.get(f"{TABS}/x/status").status == 403
    assert user.delete(f"{TABS}/x").status == 403


def test_discovery_and_openapi(api: ClusterApi) -> None:
    admin = declare(api)
    groups = api.must(admin.get("/apis"))["groups"]
    assert groups[-1]["name"] == "stable.example.com"
    aggregated = {"accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
    (found,) = api.must(admin.get("/apis", headers=aggregated))["items"][-1]["versions"]
    (resource,) = found["resources"]
    assert resource["responseKind"] == {
        "group": "stable.example.com",
        "version": "v1",
        "kind": "CronTab",
    }
    assert resource["verbs"] == [
        "delete",
        "deletecollection",
        "get",
        "list",
        "patch",
        "create",
        "update",
        "watch",
    ]
    assert [each["subresource"] for each in resource["subresources"]] == ["status", "scale"]
    index = api.must(admin.get("/openapi/v3"))["paths"]
    path = index["apis/stable.example.com/v1"]["serverRelativeURL"]
    model = api.must(admin.get(path))["components"]["schemas"]["com.example.stable.v1.CronTab"]
    assert model["properties"]["spec"]["required"] == ["cronSpec"]
    assert model["x-kubernetes-group-version-kind"] == [
        {"group": "stable.example.com", "kind": "CronTab", "version": "v1"}
    ]
    metadata = model["properties"]["metadata"]
    assert metadata["allOf"][0]["$ref"].endswith("v1.ObjectMeta")
    assert metadata["description"] == (
        "Standard object's metadata. More info: "
        "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
    )
    older = api.must(admin.get("/openapi/v2"))
    assert "com.example.stable.v1.CronTabList" in older["definitions"]
    assert f"{ROOT}/namespaces/{{namespace}}/crontabs/{{name}}/scale" in older["paths"]
    # What was made is kept, but not longer than its definition.
    assert api.must(admin.get("/openapi/v2")) == older
    api.must(admin.delete(f"{DEFINITIONS}/crontabs.stable.example.com"))
    assert (
        "com.example.stable.v1.CronTabList" not in api.must(admin.get("/openapi/v2"))["definitions"]
    )
    assert "apis/stable.example.com/v1" not in api.must(admin.get("/openapi/v3"))["paths"]


def test_openapi_describes_what_can_be_asked(api: ClusterApi) -> None:
    admin = declare(api)
    index = api.must(admin.get("/openapi/v3"))["paths"]
    found = api.must(admin.get(index["apis/stable.example.com/v1"]["serverRelativeURL"]))["paths"]
    collection = f"{ROOT}/namespaces/{{namespace}}/crontabs"
    one = f"{collection}/{{name}}"
    assert list(found) == [f"{ROOT}/crontabs", collection, one, f"{one}/scale", f"{one}/status"]
    assert found[collection]["get"]["description"] == "list objects of kind CronTab"
    assert "requestBody" not in found[collection]["delete"]
    assert list(found[collection]["post"]["requestBody"]["content"]) == [
        "application/json",
        "application/yaml",
    ]
    patch = found[one]["patch"]
    assert "application/strategic-merge-patch+json" not in patch["requestBody"]["content"]
    assert "201" not in patch["responses"]
    assert "force" not in [each["name"] for each in patch["parameters"]]
    assert found[f"{one}/scale"]["get"]["x-kubernetes-group-version-kind"]["kind"] == "CronTab"
    older = api.must(admin.get("/openapi/v2"))
    assert older["paths"][collection]["get"]["consumes"] == ["application/json", "application/yaml"]
    listed = {
        each["$ref"].rpartition("/")[2]
        for each in older["paths"][collection]["parameters"]
        if "$ref" in each
    }
    assert listed
    assert listed <= set(older["parameters"])
