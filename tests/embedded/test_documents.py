import inspect
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kube_embedded.apiserver.handlers.nonresource.openapi import OpenApiHandler
from kube_embedded.apiserver.openapi import descriptions as described
from kube_embedded.apiserver.openapi.components import DISCOVERY
from kube_embedded.apiserver.openapi.documents import document_v2, document_v3, index_v3, names
from kube_embedded.machinery.request import Request
from kube_embedded.tests.support.some import some

DATA = Path(__file__).parents[1] / "parity" / "data"
REAL = json.loads((DATA / "schemas.json").read_text())["schemas"]
for more in ("schemas-more.json", "schemas-extensions.json"):
    REAL.update(json.loads((DATA / more).read_text()))
LEFT_OUT = {
    "x-kubernetes-unions",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
    "default",
    "enum",
}
"""Facts that the server's own tables do not keep everywhere."""


def document(name: str) -> Any:
    data = document_v3(name)
    assert data is not None
    return json.loads(data)


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def shape(schema: Any) -> Any:
    """A schema without prose and without what is left out, references bare."""
    if not isinstance(schema, dict):
        return schema
    if list(schema.get("allOf", ())) and "$ref" in schema["allOf"][0]:
        return schema["allOf"][0]
    kept = {
        key: value
        for key, value in schema.items()
        if key not in LEFT_OUT and not (key == "description" and isinstance(value, str))
    }
    if isinstance(kept.get("required"), list):
        kept["required"] = sorted(kept["required"])
    return {
        key: {name: shape(each) for name, each in value.items()}
        if key == "properties"
        else shape(value)
        for key, value in kept.items()
    }


@pytest.mark.parametrize("name", names())
def test_components_are_shaped_as_the_real_ones(name: str) -> None:
    for component, schema in some(document(name)["components"]["schemas"].items()):
        if component not in DISCOVERY:
            assert shape(schema) == shape(REAL[component]), component


@pytest.mark.parametrize("name", names())
def test_every_reference_leads_somewhere(name: str) -> None:
    whole = document(name)
    known = {f"#/components/schemas/{component}" for component in whole["components"]["schemas"]}
    assert references(whole) <= known


def test_operations_say_what_they_are_for() -> None:
    paths = document("apis/rbac.authorization.k8s.io/v1")["paths"]
    patch = paths["/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles/{name}"]["patch"]
    assert patch["x-kubernetes-group-version-kind"] == {
        "group": "rbac.authorization.k8s.io",
        "version": "v1",
        "kind": "Role",
    }
    assert {"fieldValidation", "dryRun", "fieldManager"} <= {
        each["name"] for each in patch["parameters"]
    }
    assert "/apis/rbac.authorization.k8s.io/v1/roles" in paths
    assert "post" not in paths["/apis/rbac.authorization.k8s.io/v1/roles"]


@pytest.mark.parametrize("name", names())
def test_every_patch_of_a_kind_can_be_validated(name: str) -> None:
    # kubectl looks at any one of them, whichever comes first.
    for path, item in some(document(name)["paths"].items()):
        patch = item.get("patch")
        if patch is None or patch["x-kubernetes-group-version-kind"]["kind"].endswith("Options"):
            continue
        assert {"fieldValidation", "dryRun"} <= {each["name"] for each in patch["parameters"]}, path


@pytest.mark.parametrize("name", names())
def test_only_a_patch_has_forms_of_its_own(name: str) -> None:
    forms = (
        "apply-patch+yaml",
        "json-patch+json",
        "merge-patch+json",
        "strategic-merge-patch+json",
    )
    patches = [f"application/{form}" for form in forms]
    for path, item in some(document(name)["paths"].items()):
        for method, operation in item.items():
            if method != "parameters" and "requestBody" in operation:
                expected = patches if method == "patch" else ["*/*"]
                assert sorted(operation["requestBody"]["content"]) == expected, (path, method)


def operations(whole: Any) -> list[tuple[str, str, Any, list[Any]]]:
    """Each operation of a document: path, method, itself, all of its parameters without references."""
    shared = whole.get("parameters", {})
    found = []
    for path, item in whole["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                parameters = [*item.get("parameters", ()), *operation.get("parameters", ())]
                resolved = [
                    shared[each["$ref"].rpartition("/")[2]] if "$ref" in each else each
                    for each in parameters
                ]
                found.append((path, method, operation, resolved))
    return found


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for _, _, operation, _ in operations(json.loads(document_v2()))]
    assert len(ids) == len(set(ids)) > 600
    assert {
        "listCoreV1NamespacedPod",
        "listCoreV1PodForAllNamespaces",
        "watchCoreV1NamespacedPodList",
        "deleteCoreV1CollectionNamespacedPod",
        "patchAppsV1NamespacedDeploymentScale",
        "createCoreV1NamespacedServiceAccountToken",
        "connectCoreV1PostNamespacedPodPortforward",
        "connectCoreV1HeadNodeProxyWithPath",
        "listRbacAuthorizationV1ClusterRole",
        "replaceFlowcontrolApiserverV1FlowSchemaStatus",
        "getAPIVersions",
        "getCoreAPIVersions",
        "getAppsAPIGroup",
        "getAppsV1APIResources",
    } <= set(ids)


def test_the_newer_documents_have_the_same_operations() -> None:
    older = {
        (path, method): each["operationId"]
        for path, method, each, _ in operations(json.loads(document_v2()))
    }
    newer = {
        (path, method): each["operationId"]
        for name in names()
        for path, method, each, _ in operations(document(name))
    }
    assert newer == older


def snake(words: str) -> str:
    """A name as the generator of the Python client writes it."""
    for pattern in described.WORDS:
        words = pattern.sub(r"\1_\2", words)
    return "_continue" if words == "continue" else words.lower()


@pytest.mark.slow
def test_operations_are_those_that_the_python_client_was_made_from() -> None:
    # Its methods are the operations' ids without group and version, its arguments their parameters.
    import kubernetes.client

    compared = 0
    for path, _, operation, parameters in operations(json.loads(document_v2())):
        tag = "".join(word[:1].upper() + word[1:] for word in operation["tags"][0].split("_"))
        name = snake(operation["operationId"].replace(tag, "", 1))
        if "/watch/" in path:
            # The client has these as arguments of its lists.
            continue
        method = getattr(getattr(kubernetes.client, f"{tag}Api"), name)
        theirs = set(inspect.signature(method).parameters) - {"self", "async_req"}
        # The generator numbers the second argument named path.
        theirs = {each for each in theirs if each == "_continue" or not each.startswith("_")} - {
            "path2"
        }
        assert {snake(each["name"]) for each in parameters} == theirs, operation["operationId"]
        compared += 1
    assert compared > 500


def test_the_older_document_is_valid() -> None:
    from schemathesis.specs.openapi.definitions import SWAGGER_20_VALIDATOR

    whole = json.loads(document_v2())
    SWAGGER_20_VALIDATOR.validate(whole)
    placed = [
        (path, method, each["name"], each["in"])
        for path, method, _, parameters in operations(whole)
        for each in parameters
    ]
    assert len(placed) == len(set(placed))
    for path, _, operation, parameters in operations(whole):
        assert set(re.findall(r"\{(\w+)\}", path)) == {
            each["name"] for each in parameters if each["in"] == "path"
        }
        assert operation["schemes"] == ["https"]


def test_an_operation_of_the_older_document() -> None:
    paths = json.loads(document_v2())["paths"]
    create = paths["/api/v1/namespaces/{namespace}/configmaps"]["post"]
    assert (create["description"], create["x-kubernetes-action"]) == ("create a ConfigMap", "post")
    assert (create["consumes"], create["tags"]) == (["*/*"], ["core_v1"])
    assert create["produces"] == [
        "application/json",
        "application/yaml",
        "application/vnd.kubernetes.protobuf",
    ]
    configmap = {"$ref": "#/definitions/io.k8s.api.core.v1.ConfigMap"}
    assert create["parameters"][0] == {
        "name": "body",
        "in": "body",
        "required": True,
        "schema": configmap,
    }
    names_of = [each.get("name") or each["$ref"].partition("-")[0] for each in create["parameters"]]
    assert names_of == ["body", "dryRun", "#/parameters/fieldManager", "fieldValidation"]
    assert create["parameters"][1] | {"description": ""} == {
        "name": "dryRun", "in": "query", "description": "", "type": "string", "uniqueItems": True
    }  # fmt: skip
    assert list(create["responses"]) == ["200", "201", "202", "401"]
    patch = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"]["patch"]
    # The one parameter without text has the real name, whose end is a hash.
    assert {"$ref": "#/parameters/body-78PwaGsr"} in patch["parameters"]
    assert patch["consumes"][-1] == "application/apply-patch+yaml"
    assert patch["x-kubernetes-group-version-kind"] == {
        "group": "autoscaling",
        "version": "v1",
        "kind": "Scale",
    }
    assert patch["description"] == "partially update scale of the specified Deployment"
    watch = paths["/api/v1/watch/nodes"]["get"]
    assert (watch["x-kubernetes-action"], watch["produces"][-1]) == (
        "watchlist",
        "application/vnd.kubernetes.protobuf;stream=watch",
    )
    deleted = [
        paths[f"/api/v1/namespaces/{{namespace}}/{plural}/{{name}}"]["delete"]["responses"]["200"][
            "schema"
        ]["$ref"]
        for plural in ("pods", "secrets")
    ]
    assert [each.rpartition(".")[2] for each in deleted] == ["Pod", "Status"]
    assert (
        paths["/apis/networking.k8s.io/v1/ingressclasses"]["post"]["description"]
        == "create an IngressClass"
    )
    assert (
        paths["/api/v1/namespaces/{namespace}/endpoints"]["post"]["description"]
        == "create Endpoints"
    )


def test_the_older_document_has_no_defaults() -> None:
    definitions = json.loads(document_v2())["definitions"]
    limits = definitions["io.k8s.api.core.v1.LimitRangeItem"]["properties"]
    assert limits["default"]["type"] == "object"
    assert (
        "default" not in definitions["io.k8s.api.core.v1.ContainerPort"]["properties"]["protocol"]
    )
    assert document("api/v1")["components"]["schemas"]["io.k8s.api.core.v1.ContainerPort"]["properties"]["protocol"][
        "default"
    ] == "TCP"  # fmt: skip


def test_the_index_names_every_document() -> None:
    paths = json.loads(index_v3())["paths"]
    assert list(paths) == names()
    for name, entry in some(paths.items()):
        url, _, tag = entry["serverRelativeURL"].partition("?hash=")
        assert url == f"/openapi/v3/{name}"
        assert len(tag) == 128


@pytest.mark.parametrize("data", [document_v2(), document_v3("api/v1")], ids=["v2", "v3"])
def test_documents_tell_the_release(data: bytes) -> None:
    assert json.loads(data)["info"] == {"title": "Kubernetes", "version": "1.36"}


def test_the_older_document_holds_everything() -> None:
    whole = json.loads(document_v2())
    assert whole["swagger"] == "2.0"
    known = {f"#/{part}/{name}" for part in ("definitions", "parameters") for name in whole[part]}
    assert references(whole) <= known
    assert "/api/v1/namespaces/{namespace}/pods/{name}" in whole["paths"]


def test_descriptions_come_from_the_installed_client() -> None:
    role = document("apis/rbac.authorization.k8s.io/v1")["components"]["schemas"][
        "io.k8s.api.rbac.v1.PolicyRule"
    ]
    assert role["description"].startswith("PolicyRule holds information")
    assert role["properties"]["nonResourceURLs"]["description"].startswith(
        "NonResourceURLs is a set of partial urls"
    )
    assert described.describe("core.v1.Event").text.startswith("Event is a report of an event")


def test_without_the_client_there_are_no_descriptions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(described, "models", lambda: None)
    assert described.describe("core.v1.Pod") == described.NOTHING


@pytest.mark.parametrize(
    ("places", "found"),
    [(None, False), ([], False), (["nowhere"], False), (["client"], True), (["client", "x"], True)],
)
def test_the_client_is_found_where_it_has_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, places: list[str] | None, found: bool
) -> None:
    folder = tmp_path / "client" / "client" / "models"
    folder.mkdir(parents=True)
    paths = [str(tmp_path / place) for place in places or ()]
    spec = SimpleNamespace(submodule_search_locations=paths) if places is not None else None
    monkeypatch.setattr(described, "find_spec", lambda name: spec)
    assert described.models.__wrapped__() == (folder if found else None)


def test_a_models_source_is_read_as_text() -> None:
    source = (
        'class V1Thing(BaseModel):\n    """\n    A thing.\n\n    Attributes:\n      x\n    """\n'
        '    a_b: Optional[str] = Field(default=None, serialization_alias="aB", description="It\'s \\"b\\".")\n'
        "    c: Optional[V1Other] = None\n"
    )
    found = described.read(source)
    assert (found.text, found.fields) == ("A thing.", {"aB": 'It\'s "b".'})


def properties(name: str, component: str) -> Any:
    return document(name)["components"]["schemas"][component]["properties"]


def test_descriptions_have_their_lines_again() -> None:
    # The generator of the client's models made one line of each.
    meta = properties("api/v1", "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
    assert "PUT operations.\n\nPopulated by" in meta["uid"]["description"]
    # Elsewhere two spaces are two spaces, here and in the real text.
    rule = properties("apis/rbac.authorization.k8s.io/v1", "io.k8s.api.rbac.v1.PolicyRule")
    assert "the resources.  If multiple" in rule["apiGroups"]["description"]
    profile = properties("api/v1", "io.k8s.api.core.v1.AppArmorProfile")
    assert "options are:\n  Localhost - " in profile["type"]["description"]
    # An item of a list, after a line of the item before.
    policy = properties("apis/batch/v1", "io.k8s.api.batch.v1.PodFailurePolicyRule")
    assert "terminated.\n- FailIndex" in policy["action"]["description"]
    # A table stays a line.
    spread = properties("api/v1", "io.k8s.api.core.v1.TopologySpreadConstraint")
    assert "\n" not in spread["maxSkew"]["description"]


def test_descriptions_begin_with_the_names_of_this_release() -> None:
    roles = properties("apis/rbac.authorization.k8s.io/v1", "io.k8s.api.rbac.v1.PolicyRule")
    assert roles["nonResourceURLs"]["description"].startswith(
        "NonResourceURLs is a set of partial urls"
    )
    assert roles["verbs"]["description"].startswith("Verbs is a list of Verbs")
    pods = properties("api/v1", "io.k8s.api.core.v1.PodSecurityContext")
    assert pods["seLinuxChangePolicy"]["description"].startswith("seLinuxChangePolicy defines")


def test_an_enumeration_tells_its_values() -> None:
    policy = properties("api/v1", "io.k8s.api.core.v1.PodSpec")["restartPolicy"]
    assert policy["description"].endswith(
        '\n\nPossible enum values:\n - `"Always"`\n - `"Never"`\n - `"OnFailure"`'
    )
    for name in some(names()):
        for component, schema in document(name)["components"]["schemas"].items():
            for field, mine in schema.get("properties", {}).items():
                if component in REAL:
                    assert enums(mine) == enums(REAL[component]["properties"][field]), (
                        component,
                        field,
                    )


def enums(schema: Any) -> Any:
    """The values of a field, and of its elements."""
    inner = [schema.get(part) or {} for part in ("items", "additionalProperties")]
    return schema.get("enum"), [each.get("enum") for each in inner if isinstance(each, dict)]


def test_a_reference_is_described_although_the_client_has_no_text_of_its_own() -> None:
    binding = properties("apis/rbac.authorization.k8s.io/v1", "io.k8s.api.rbac.v1.RoleBinding")
    assert binding["metadata"]["description"].startswith("The object's name, namespace, labels")
    assert binding["metadata"]["allOf"][0]["$ref"].endswith(".ObjectMeta")
    assert binding["roleRef"]["description"].startswith(
        "RoleRef contains information that points to the role"
    )
    older = json.loads(document_v2())["definitions"]["io.k8s.api.rbac.v1.RoleBinding"][
        "properties"
    ]["roleRef"]
    assert older == {
        "$ref": "#/definitions/io.k8s.api.rbac.v1.RoleRef",
        "description": binding["roleRef"]["description"],
    }


def ask(path: str, accept: str = "", tag: str = "", **headers: str) -> Any:
    query = {"hash": [tag]} if tag else {}
    return OpenApiHandler()(Request("GET", path, query, {"accept": accept, **headers}))


def test_documents_are_kept_by_their_hash() -> None:
    url = json.loads(index_v3())["paths"]["apis/apps/v1"]["serverRelativeURL"]
    path, _, tag = url.partition("?hash=")
    fresh = ask(path, "application/json", tag)
    assert (fresh.status, fresh.headers["Content-Type"]) == (200, "application/json")
    assert fresh.headers["Cache-Control"] == "public, immutable"
    assert "Cache-Control" not in ask(path).headers
    moved = ask(path, tag="old")
    assert (moved.status, moved.headers["Location"]) == (301, url)
    assert ask(path, **{"if-none-match": fresh.headers["Etag"]}).status == 304


def test_the_newer_documents_are_not_to_be_had_in_protobuf() -> None:
    assert (
        ask(
            "/openapi/v3/api/v1", "application/com.github.proto-openapi.spec.v3@v1.0+protobuf"
        ).status
        == 406
    )
    assert ask("/openapi/v2", "application/json").status == 200
    assert ask("/openapi/v3").headers["Content-Type"] == "text/plain; charset=utf-8"
    assert ask("/other") is None
