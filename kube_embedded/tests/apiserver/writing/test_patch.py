from __future__ import annotations

import json
from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi, Reply

LAB = "/api/v1/namespaces/lab"
JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def patch(api: ClusterApi, path: str, body: Any, form: str) -> Reply:
    return api.admin.call("PATCH", f"{LAB}/{path}", body, headers={"content-type": form})


def apply(api: ClusterApi, manager: str, data: Any, query: str = "") -> Reply:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data}
    return patch(api, f"configmaps/c?fieldManager={manager}{query}", body, APPLY)


def managers(body: Any) -> list[tuple[str, str]]:
    return [
        (entry["manager"], entry["operation"])
        for entry in body["metadata"].get("managedFields", [])
    ]


@pytest.fixture
def config(api: ClusterApi) -> ClusterApi:
    body = {"metadata": {"name": "c", "labels": {"a": "1"}}, "data": {"x": "1"}}
    api.must(api.admin.post(f"{LAB}/configmaps", body))
    return api


def test_json_patch(config: ClusterApi) -> None:
    operations = [
        {"op": "replace", "path": "/data/x", "value": "2"},
        {"op": "add", "path": "/data/y", "value": "3"},
        {"op": "remove", "path": "/metadata/labels"},
    ]
    made = config.must(patch(config, "configmaps/c", operations, JSON_PATCH))
    assert made["data"] == {"x": "2", "y": "3"}
    assert "labels" not in made["metadata"]


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ([{"op": "test", "path": "/data/x", "value": "no"}], 422,
         "the server rejected our request due to an error in our request"),
        ([{"op": "remove", "path": "/data/zzz"}], 422,
         "the server rejected our request due to an error in our request"),
        ({"not": "a list"}, 400,
         "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"),
        ([1], 400, "error decoding patch: json: cannot unmarshal number into Go value of type handlers.jsonPatchOp"),
        ([{"op": 1}], 400,
         "error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string"),
    ],
)  # fmt: skip
def test_bad_json_patches(config: ClusterApi, body: Any, code: int, message: str) -> None:
    reply = patch(config, "configmaps/c", body, JSON_PATCH)
    assert (reply.status, reply.message) == (code, message)


def test_a_patch_that_makes_nonsense(config: ClusterApi) -> None:
    reply = patch(config, "configmaps/c", {"data": {"x": 1}}, MERGE)
    assert reply.status == 422
    assert reply.message.startswith(' "" is invalid: patch: Invalid value: "{')
    assert reply.message.endswith(
        ": json: cannot unmarshal number into Go struct field ConfigMap.data of type string"
    )
    reply = patch(config, "configmaps/c?fieldValidation=Strict", {"foo": 1}, MERGE)
    assert reply.message.endswith('strict decoding error: unknown field "foo"')
    assert patch(config, "configmaps/c", [1], MERGE).message == (
        "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"
    )
    assert patch(config, "configmaps/c", {}, "application/json").status == 415


def test_a_patch_that_changes_nothing_leaves_the_version(config: ClusterApi) -> None:
    before = config.admin.get(f"{LAB}/configmaps/c").body
    config.clock.now += 60
    for form in (MERGE, STRATEGIC):
        assert config.must(patch(config, "configmaps/c", {"data": {"x": "1"}}, form)) == before


SERVICE = {
    "metadata": {"name": "s"},
    "spec": {"ports": [{"name": "a", "port": 1}, {"name": "b", "port": 2}], "selector": {"x": "1"}},
}


def ports(api: ClusterApi, body: Any) -> list[tuple[str, int]]:
    made = api.must(patch(api, "services/s", {"spec": body}, STRATEGIC))
    return [(port["name"], port["port"]) for port in made["spec"]["ports"]]


def test_strategic_merge_of_keyed_lists(api: ClusterApi) -> None:
    api.must(api.admin.post(f"{LAB}/services", SERVICE))
    assert ports(api, {"ports": [{"port": 3, "name": "c"}]}) == [("c", 3), ("a", 1), ("b", 2)]
    assert ports(api, {"ports": [{"port": 1, "$patch": "delete"}]}) == [("c", 3), ("b", 2)]
    order = {
        "$setElementOrder/ports": [{"port": 2}, {"port": 3}],
        "ports": [{"port": 3, "name": "cc"}],
    }
    assert ports(api, order) == [("b", 2), ("cc", 3)]
    assert ports(api, {"ports": [{"$patch": "replace"}, {"port": 9, "name": "z"}]}) == [("z", 9)]
    reply = patch(api, "services/s", {"spec": {"ports": [{"name": "x"}]}}, STRATEGIC)
    assert reply.message == "map: map[name:x] does not contain declared merge key: port"


def test_strategic_merge_of_sets_and_maps(config: ClusterApi) -> None:
    path = "configmaps/c"
    made = config.must(
        patch(config, path, {"metadata": {"finalizers": ["a.io/1", "a.io/2"]}}, STRATEGIC)
    )
    body = {
        "metadata": {
            "$deleteFromPrimitiveList/finalizers": ["a.io/1"],
            "labels": {"a": None, "b": "2"},
        }
    }
    made = config.must(patch(config, path, body, STRATEGIC))
    assert made["metadata"]["finalizers"] == ["a.io/2"]
    assert made["metadata"]["labels"] == {"b": "2"}
    made = config.must(patch(config, path, {"data": {"$patch": "replace", "only": "1"}}, STRATEGIC))
    assert made["data"] == {"only": "1"}


def test_retain_keys(api: ClusterApi) -> None:
    spec = {
        "selector": {"matchLabels": {"a": "b"}},
        "template": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "m", "image": "i"}]},
        },
    }
    path = "/apis/apps/v1/namespaces/lab/deployments"
    api.must(api.admin.post(path, {"metadata": {"name": "d"}, "spec": spec}))
    body = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    made = api.must(api.admin.call("PATCH", f"{path}/d", body, headers={"content-type": STRATEGIC}))
    assert made["spec"]["strategy"] == {"type": "Recreate"}


def test_who_owns_what_after_writes(config: ClusterApi) -> None:
    config.must(patch(config, "configmaps/c?fieldManager=other", {"data": {"y": "2"}}, MERGE))
    made = config.admin.get(f"{LAB}/configmaps/c").body
    fields = {entry["manager"]: entry["fieldsV1"] for entry in made["metadata"]["managedFields"]}
    assert fields == {
        "unknown": {
            "f:data": {".": {}, "f:x": {}},
            "f:metadata": {"f:labels": {".": {}, "f:a": {}}},
        },
        "other": {"f:data": {"f:y": {}}},
    }
    config.must(patch(config, "configmaps/c?fieldManager=other", {"data": {"x": "9"}}, MERGE))
    made = config.admin.get(f"{LAB}/configmaps/c").body
    fields = {entry["manager"]: entry["fieldsV1"] for entry in made["metadata"]["managedFields"]}
    assert fields["other"] == {"f:data": {"f:x": {}, "f:y": {}}}
    assert fields["unknown"]["f:data"] == {}


def test_the_fields_of_a_pod_as_a_real_server_lists_them(api: ClusterApi) -> None:
    body = {
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "main", "image": "ubuntu"}]},
    }
    made = api.must(api.admin.post(f"{LAB}/pods", body))
    assert made["metadata"]["managedFields"][0]["fieldsV1"] == {
        "f:spec": {
            "f:containers": {
                'k:{"name":"main"}': {
                    ".": {},
                    "f:image": {},
                    "f:imagePullPolicy": {},
                    "f:name": {},
                    "f:resources": {},
                    "f:terminationMessagePath": {},
                    "f:terminationMessagePolicy": {},
                }
            },
            "f:dnsPolicy": {},
            "f:enableServiceLinks": {},
            "f:restartPolicy": {},
            "f:schedulerName": {},
            "f:securityContext": {},
            "f:terminationGracePeriodSeconds": {},
        }
    }


def test_apply_creates_conflicts_and_takes_over(api: ClusterApi) -> None:
    assert apply(api, "", {}).message == (
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'
    )
    assert apply(api, "alice", {"k": "1"}).status == 201
    before = api.admin.get(f"{LAB}/configmaps/c").body
    api.clock.now += 60
    assert api.must(apply(api, "alice", {"k": "1"})) == before
    reply = apply(api, "bob", {"k": "2", "l": "1"})
    assert reply.status == 409
    assert reply.message == 'Apply failed with 1 conflict: conflict with "alice": .data.k'
    made = api.must(apply(api, "bob", {"k": "2", "l": "1"}, "&force=true"))
    assert managers(made) == [("bob", "Apply")]
    made = api.must(apply(api, "bob", {"l": "1"}))
    assert made["data"] == {"l": "1"}, "what bob no longer names goes"


def test_apply_prunes_only_what_nobody_else_owns(api: ClusterApi) -> None:
    api.must(apply(api, "alice", {"a": "1", "both": "1"}))
    api.must(apply(api, "bob", {"both": "1"}))
    assert api.must(apply(api, "alice", {"a": "1"}))["data"] == {"a": "1", "both": "1"}
    assert api.must(apply(api, "bob", {}))["data"] == {"a": "1"}


def test_apply_conflicts_with_updates(config: ClusterApi) -> None:
    config.must(
        patch(config, "configmaps/c?fieldManager=editor", {"data": {"p": "1", "q": "1"}}, MERGE)
    )
    reply = apply(config, "alice", {"p": "2", "q": "2", "x": "2"})
    assert reply.message == (
        'Apply failed with 3 conflicts: conflicts with "editor" using v1:\n- .data.p\n- .data.q\n'
        'conflicts with "unknown" using v1:\n- .data.x'
    )


def test_apply_merges_keyed_lists_and_prunes_their_items(api: ClusterApi) -> None:
    def service(manager: str, *numbers: int) -> list[int]:
        body = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "s"},
            "spec": {"ports": [{"name": f"p{number}", "port": number} for number in numbers]},
        }
        made = api.must(patch(api, f"services/s?fieldManager={manager}", body, APPLY))
        return [port["port"] for port in made["spec"]["ports"]]

    assert service("alice", 1, 2) == [1, 2]
    assert service("bob", 3) == [1, 2, 3]
    assert service("alice", 2) == [2, 3]


CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        ({"dota": {}}, ".dota: field not declared in schema"),
        ({"data": {"a": 1}}, ".data.a: expected string, got &value.valueUnstructured{Value:1}"),
        ({"data": "x"}, ".data: expected map, got &{x}"),
        ({"immutable": {"a": [1, None]}}, ".immutable: expected boolean, got &{map[a:[1 <nil>]]}"),
        (
            {"metadata": {"name": "c", "generation": "x"}},
            ".metadata.generation: expected numeric (int or float), got string",
        ),
        (
            {"metadata": {"name": "c", "finalizers": "x"}},
            ".metadata.finalizers: expected list, got &{x}",
        ),
        (
            {"metadata": {"name": "c", "finalizers": ["a.b/c", "a.b/c"]}},
            '.metadata.finalizers: duplicate entries for key [="a.b/c"]',
        ),
        (
            {"metadata": {"name": "c", "finalizers": [None]}},
            ".metadata.finalizers: element 0: associative list without keys has an element that's an explicit null",
        ),
        (
            {"metadata": {"name": "c", "ownerReferences": [3]}},
            ".metadata.ownerReferences: element 0: associative list with keys may not have non-map elements",
        ),
    ],
)
def test_apply_knows_the_schema(api: ClusterApi, part: dict[str, Any], problem: str) -> None:
    reply = patch(api, "configmaps/c?fieldManager=a", {**CONFIG, **part}, APPLY)
    assert (reply.status, "reason" in reply.body) == (500, False)
    assert (
        reply.message == f"failed to create typed patch object (/c; /v1, Kind=ConfigMap): {problem}"
    )


def test_managers_stand_in_the_order_of_their_last_writes(api: ClusterApi) -> None:
    def applies(manager: str) -> Reply:
        config = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "c"},
            "data": {manager: "x"},
        }
        return patch(api, f"configmaps/c?fieldManager={manager}", config, APPLY)

    api.must(applies("bob"))
    assert managers(api.must(applies("alice"))) == [
        ("alice", "Apply"),
        ("bob", "Apply"),
    ]  # in one second, by name
    api.clock.now += 1
    assert managers(api.must(applies("aaron"))) == [
        ("alice", "Apply"),
        ("bob", "Apply"),
        ("aaron", "Apply"),
    ]


def test_apply_to_what_nobody_can_own(api: ClusterApi) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "keyless"}}
    who = "(lab/keyless; /v1, Kind=ServiceAccount)"
    problem = (
        '.secrets: element 0: associative list with keys has an element that omits all key fields ["name"] '
        "(and doesn't have default values for any key fields)"
    )
    api.must(api.admin.post(f"{LAB}/serviceaccounts", {**account, "secrets": [{"name": ""}]}))
    assert patch(api, "serviceaccounts/keyless?fieldManager=a", account, APPLY).message == (
        f"failed to create manager for existing fields: failed to convert new object {who} to smd typed: {problem}"
    )


def test_apply_of_what_cannot_be_decoded(api: ClusterApi) -> None:
    for part, problem in (
        (
            {"binaryData": {"a": "!!"}},
            "error decoding from json: illegal base64 data at input byte 0",
        ),
        ({"metadata": {"name": "c", "generation": 1.5}}, "cannot convert float64 to int64"),
    ):
        reply = patch(api, "configmaps/c?fieldManager=a", {**CONFIG, **part}, APPLY)
        assert reply.status == 500
        assert reply.message == (
            "failed to convert new object (/c; /v1, Kind=ConfigMap) to proper version: "
            f"unable to convert unstructured object to /v1, Kind=ConfigMap: {problem}"
        )


def test_apply_of_another_kind(api: ClusterApi) -> None:
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "c"}}
    assert (
        patch(api, "configmaps/c?fieldManager=a", body, APPLY).message
        == "invalid object type: /v1, Kind=Pod"
    )


def test_an_apply_that_changes_nothing_has_no_time(api: ClusterApi) -> None:
    api.must(apply(api, "alice", {"a": "1"}))
    made = api.must(apply(api, "bob", {"a": "1"}))
    assert [(entry["manager"], "time" in entry) for entry in made["metadata"]["managedFields"]] == [
        ("bob", False),
        ("alice", True),
    ]


def test_null_empties_no_map_but_owns_it(api: ClusterApi) -> None:
    api.must(apply(api, "alice", {"a": "1"}))
    made = api.must(apply(api, "bob", None))
    assert made["data"] == {"a": "1"}
    assert [
        entry["fieldsV1"]
        for entry in made["metadata"]["managedFields"]
        if entry["manager"] == "bob"
    ] == [{"f:data": {}}]


def test_applied_items_come_in_the_order_of_the_configuration(api: ClusterApi) -> None:
    def ports(*names: str) -> Any:
        body = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "order"},
            "spec": {"ports": [{"name": name, "port": ord(name)} for name in names]},
        }
        made = api.must(patch(api, f"services/order?fieldManager={names[0]}", body, APPLY))
        return "".join(port["name"] for port in made["spec"]["ports"])

    assert ports("a", "b", "c", "d") == "abcd"
    assert ports("d", "b", "e") == "acdbe"


def test_a_manager_that_sends_an_empty_list_of_managers_resets_it(api: ClusterApi) -> None:
    made = api.must(apply(api, "alice", {"a": "1"}))
    made["metadata"]["managedFields"] = []
    assert (
        managers(api.must(api.admin.put(f"{LAB}/configmaps/{made['metadata']['name']}", made)))
        == []
    )


def test_the_oldest_of_many_managers_become_one(api: ClusterApi) -> None:
    api.must(
        api.admin.post(
            f"{LAB}/configmaps?fieldManager=m00", {"metadata": {"name": "many"}, "data": {"k": "x"}}
        )
    )
    for number in range(1, 12):
        made = api.must(
            patch(
                api,
                f"configmaps/many?fieldManager=m{number:02}",
                {"data": {f"k{number}": "x"}},
                MERGE,
            )
        )
    names = [entry["manager"] for entry in made["metadata"]["managedFields"]]
    assert len(names) == 10
    assert "ancient-changes" in names


def test_kubectl_takes_over_what_client_side_apply_left(api: ClusterApi) -> None:
    config = {**CONFIG, "metadata": {"name": "csa"}, "data": {"a": "1", "b": "1"}}
    note = {"annotations": {LAST_APPLIED: json.dumps(config)}}
    made = {**config, "metadata": {"name": "csa", **note}}
    api.must(api.admin.post(f"{LAB}/configmaps?fieldManager=kubectl-client-side-apply", made))
    new = {**config, "data": {"a": "2"}}
    assert patch(api, "configmaps/csa?fieldManager=other", new, APPLY).status == 409
    changed = api.must(patch(api, "configmaps/csa?fieldManager=kubectl", new, APPLY))
    assert changed["data"] == {"a": "2", "b": "1"}
    assert json.loads(changed["metadata"]["annotations"][LAST_APPLIED]) == new


@pytest.mark.parametrize(
    "note",
    [
        "{",
        "[]",
        "null",
        json.dumps({**CONFIG, "apiVersion": "v2", "data": {"a": "1"}}),
        json.dumps({**CONFIG, "data": 1}),
        json.dumps({**CONFIG, "data": {"b": "1"}}),
    ],
)
def test_kubectl_takes_over_nothing_by_a_note_that_does_not_fit(api: ClusterApi, note: str) -> None:
    made = {**CONFIG, "metadata": {"name": "csa", "annotations": {LAST_APPLIED: note}}}
    made["data"] = {"a": "1", "b": "1"}
    api.must(api.admin.post(f"{LAB}/configmaps?fieldManager=kubectl-client-side-apply", made))
    new = {**CONFIG, "data": {"a": "2"}}
    refused = patch(api, "configmaps/csa?fieldManager=kubectl", new, APPLY)
    assert refused.status == 409
    assert 'conflict with "kubectl-client-side-apply" using v1: .data.a' in refused.message


def test_kubectl_renews_the_note_of_client_side_apply_even_if_nothing_else_changes(
    api: ClusterApi,
) -> None:
    config = {**CONFIG, "metadata": {"name": "csa"}, "data": {"a": "1"}}
    note = {LAST_APPLIED: json.dumps({**config, "metadata": {"annotations": {}, "name": "csa"}})}
    made = {**config, "metadata": {"name": "csa", "annotations": note}}
    api.must(api.admin.post(f"{LAB}/configmaps?fieldManager=kubectl-client-side-apply", made))
    assert (
        api.must(patch(api, "configmaps/csa?fieldManager=other", config, APPLY))["metadata"][
            "annotations"
        ]
        == note
    )
    renewed = api.must(patch(api, "configmaps/csa?fieldManager=kubectl", config, APPLY))
    assert json.loads(renewed["metadata"]["annotations"][LAST_APPLIED]) == config


def test_a_refused_strategic_merge_shows_what_merging_left_of_the_patch(api: ClusterApi) -> None:
    api.must(api.admin.post(f"{LAB}/services", SERVICE))
    spec = {
        "$setElementOrder/ports": [{"port": 80}],
        "ports": [{"port": 80, "name": "x"}],
        "type": 1,
    }
    refused = patch(api, "services/s", {"spec": spec}, STRATEGIC)
    assert refused.message.startswith(
        ' "" is invalid: patch: Invalid value: "map[spec:map[type:1]]": '
    )


def test_a_label_selectors_map_has_one_owner(api: ClusterApi) -> None:
    api.must(api.admin.post(f"{LAB}/services", SERVICE))
    body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s"},
        "spec": {"selector": {"y": "2"}},
    }
    made = api.must(patch(api, "services/s?fieldManager=a&force=true", body, APPLY))
    assert made["spec"]["selector"] == {"y": "2"}


def test_objects_without_managers_stay_without(api: ClusterApi) -> None:
    made = api.must(
        patch(api, "serviceaccounts/default", {"metadata": {"labels": {"a": "b"}}}, MERGE)
    )
    assert managers(made) == []
    reset: dict[str, Any] = {"metadata": {"managedFields": [{}]}}
    api.must(api.admin.post(f"{LAB}/configmaps", {"metadata": {"name": "c"}, "data": {"a": "b"}}))
    assert managers(api.must(patch(api, "configmaps/c", reset, MERGE))) == []


def test_copies_add_so_much_and_no_more(api: ClusterApi) -> None:
    api.admin.post(
        f"{LAB}/configmaps", {"metadata": {"name": "copied"}, "data": {"a": "b" * 100_000}}
    )
    doubling = [{"op": "copy", "from": "/data", "path": f"/data/x{number}"} for number in range(60)]
    assert patch(api, "configmaps/copied", doubling, JSON_PATCH).status == 422
    a_few = [{"op": "copy", "from": "/data/a", "path": f"/data/x{number}"} for number in range(5)]
    assert patch(api, "configmaps/copied", a_few, JSON_PATCH).status == 200


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"terminationGracePeriodSeconds": "x"}, "unrecognized type: int64"),
        ({"terminationGracePeriodSeconds": 1.5}, "cannot convert float64 to int64"),
        ({"hostNetwork": 1}, "unrecognized type: bool"),
        ({"containers": [{"name": "c", "image": 3}]}, "cannot convert int64 to string"),
        (
            {"containers": [{"name": "c", "imagePullPolicy": 3}]},
            "cannot convert int64 to v1.PullPolicy",
        ),
        ({"containers": [{"name": "c", "args": "x"}]}, "cannot restore slice from string"),
        ({"securityContext": "x"}, "cannot restore struct from: string"),
        ({"nodeSelector": "x"}, "cannot restore map from string"),
        (
            {"containers": [{"name": "c", "livenessProbe": {"httpGet": {"port": True}}}]},
            "json: cannot unmarshal bool into Go value of type int32",
        ),
    ],
)
def test_a_strategic_patch_with_values_of_the_wrong_type(
    api: ClusterApi, spec: dict[str, Any], problem: str
) -> None:
    template = {"spec": {"containers": [{"name": "c", "image": "x"}]}}
    api.must(
        api.admin.post(f"{LAB}/podtemplates", {"metadata": {"name": "t"}, "template": template})
    )
    reply = patch(api, "podtemplates/t", {"template": {"spec": spec}}, STRATEGIC)
    assert reply.status == 422
    assert reply.message.endswith(f": {problem}")


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        (
            {"$patch": "merge", "hostNetwork": True},
            "unknown patch type: merge in map: map[$patch:merge hostNetwork:true]",
        ),
        ({"$setElementOrder/containers": "x"}, "expected a []interface {}, but received a string"),
        (
            {"$setElementOrder/nope": []},
            'unable to find api field in struct PodSpec for the json field "nope"',
        ),
        (
            {"containers": [{"image": "x"}]},
            "map: map[image:x] does not contain declared merge key: name",
        ),
        (
            {"containers": [{"$patch": "merge"}]},
            "merging lists cannot yet be specified in the patch",
        ),
    ],
)
def test_a_strategic_patch_that_makes_no_sense(
    api: ClusterApi, spec: dict[str, Any], problem: str
) -> None:
    template = {"spec": {"containers": [{"name": "c", "image": "x"}]}}
    api.must(
        api.admin.post(f"{LAB}/podtemplates", {"metadata": {"name": "t"}, "template": template})
    )
    reply = patch(api, "podtemplates/t", {"template": {"spec": spec}}, STRATEGIC)
    assert (reply.status, "reason" in reply.body, reply.message) == (500, False, problem)


def test_a_merge_patch_is_shown_as_it_was_merged(api: ClusterApi) -> None:
    pod = {
        "metadata": {"name": "p", "labels": {"b": "1", "a": "2"}},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }
    api.must(api.admin.post(f"{LAB}/pods", pod))
    sent = {
        "spec": {"containers": [{"name": "c", "image": 5, "args": [None, {"z": 1, "a": None}]}]}
    }
    text = patch(api, "pods/p", sent, MERGE).message
    assert '\\"labels\\":{\\"a\\":\\"2\\",\\"b\\":\\"1\\"}' in text
    assert (
        '\\"containers\\":[{\\"args\\":[null,{\\"z\\":1}],\\"image\\":5,\\"name\\":\\"c\\"}],\\"dnsPolicy\\"'
        in text
    )


def test_an_object_with_items_without_keys_has_no_managers(api: ClusterApi) -> None:
    account = {"metadata": {"name": "a"}, "secrets": [{"name": "x"}, {"kind": "Secret"}]}
    made = api.must(api.admin.post(f"{LAB}/serviceaccounts", account))
    assert "managedFields" not in made["metadata"]


def test_a_struct_that_nobody_holds_any_more_goes_as_a_whole(api: ClusterApi) -> None:
    path = "/apis/networking.k8s.io/v1/namespaces/lab/ingresses/i?fieldManager={}"
    service = {"service": {"name": "s", "port": {"number": 80}}}
    body: dict[str, Any] = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "i"},
    }
    rules = [{"host": "a.b"}]
    first = {**body, "spec": {"defaultBackend": service, "rules": rules}}
    headers = {"content-type": "application/apply-patch+yaml"}
    api.must(api.admin.call("PATCH", path.format("one"), first, headers=headers))
    api.must(
        api.admin.call(
            "PATCH", path.format("two"), {**body, "spec": {"rules": rules}}, headers=headers
        )
    )
    left = api.must(
        api.admin.call(
            "PATCH", path.format("one"), {**body, "spec": {"rules": rules}}, headers=headers
        )
    )
    assert left["spec"] == {"rules": rules}
    left = api.must(api.admin.call("PATCH", path.format("one"), body, headers=headers))
    assert (left["metadata"]["name"], left["spec"]) == ("i", {"rules": rules})


def test_an_item_goes_with_its_owner_though_another_holds_a_field_of_it(api: ClusterApi) -> None:
    path = f"{LAB}/services/s?fieldManager="
    apply = {"content-type": "application/apply-patch+yaml"}
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}}
    first = {**body, "spec": {"ports": [{"port": 443, "name": "c", "targetPort": "x"}]}}
    api.must(api.admin.call("PATCH", path + "one", first, headers=apply))
    changed = {"spec": {"ports": [{"port": 443, "name": "c", "targetPort": "xx"}]}}
    api.must(api.admin.patch(path + "two", changed))
    other = {**body, "spec": {"ports": [{"port": 82, "name": "b"}]}}
    made = api.must(api.admin.call("PATCH", path + "one", other, headers=apply))
    assert [port["port"] for port in made["spec"]["ports"]] == [82]


def test_a_claim_reference_has_an_owner_for_each_field(api: ClusterApi) -> None:
    def volume(manager: str, **reference: str) -> Any:
        spec = {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": "/x"},
        }
        body = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v"}}
        path = f"/api/v1/persistentvolumes/v?fieldManager={manager}"
        sent = body | {"spec": spec | {"claimRef": reference}}
        return api.must(api.admin.call("PATCH", path, sent, headers={"content-type": APPLY}))

    volume("a", name="c", namespace="lab")
    made = volume("b", uid="u")
    assert {field: made["spec"]["claimRef"][field] for field in ("name", "uid")} == {
        "name": "c",
        "uid": "u",
    }
    applied = [
        one["fieldsV1"] for one in made["metadata"]["managedFields"] if one["operation"] == "Apply"
    ]
    owned = [fields["f:spec"]["f:claimRef"] for fields in applied]
    assert owned == [{"f:name": {}, "f:namespace": {}}, {"f:uid": {}}]


def test_keys_of_lists_are_written_as_go_writes_json(api: ClusterApi) -> None:
    env = [{"name": "<a>", "value": "1"}]
    pod = {
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "i", "env": env}]},
    }
    made = api.must(api.admin.post(f"{LAB}/pods", pod))
    (entry,) = made["metadata"]["managedFields"]
    fields = entry["fieldsV1"]["f:spec"]["f:containers"]['k:{"name":"c"}']["f:env"]
    assert list(fields) == [".", 'k:{"name":"\\u003ca\\u003e"}']


def test_conflicts_quote_managers(config: ClusterApi) -> None:
    config.must(apply(config, "a%22b", {"x": "2"}, "&force=true"))
    assert apply(config, "other", {"x": "3"}).message == (
        r'Apply failed with 1 conflict: conflict with "a\"b": .data.x'
    )
