import json
from pathlib import Path
from typing import Any

import pytest

from labkit.embedded.apiserver.handlers.nonresource.openapi import OpenApiHandler
from labkit.embedded.apiserver.openapi import descriptions as described
from labkit.embedded.apiserver.openapi.documents import document_v2, document_v3, index_v3, names
from labkit.embedded.machinery.request import Request

DATA = Path(__file__).parents[3] / "parity" / "data"
REAL = json.loads((DATA / "schemas.json").read_text())["schemas"]
REAL.update(json.loads((DATA / "schemas-more.json").read_text()))
LEFT_OUT = {"x-kubernetes-unions", "x-kubernetes-list-type", "x-kubernetes-map-type", "default", "enum"}
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
        key: {name: shape(each) for name, each in value.items()} if key == "properties" else shape(value)
        for key, value in kept.items()
    }


@pytest.mark.parametrize("name", names())
def test_components_are_shaped_as_the_real_ones(name: str) -> None:
    for component, schema in document(name)["components"]["schemas"].items():
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
    assert {"fieldValidation", "dryRun", "fieldManager"} <= {each["name"] for each in patch["parameters"]}
    assert "/apis/rbac.authorization.k8s.io/v1/roles" in paths
    assert "post" not in paths["/apis/rbac.authorization.k8s.io/v1/roles"]


@pytest.mark.parametrize("name", names())
def test_every_patch_of_a_kind_can_be_validated(name: str) -> None:
    # kubectl looks at any one of them, whichever comes first.
    for path, item in document(name)["paths"].items():
        patch = item.get("patch")
        if patch is None or patch["x-kubernetes-group-version-kind"]["kind"].endswith("Options"):
            continue
        assert {"fieldValidation", "dryRun"} <= {each["name"] for each in patch["parameters"]}, path


def test_operation_ids_are_unique() -> None:
    for name in names():
        ids = [
            (operation["operationId"], path)
            for path, item in document(name)["paths"].items()
            for method, operation in item.items()
            if method != "parameters"
        ]
        seen: dict[str, str] = {}
        for one, path in ids:
            # A list of one namespace and one of all share their operation.
            assert seen.setdefault(one, path) == path or "{namespace}" in seen[one] or "{namespace}" in path


def test_the_index_names_every_document() -> None:
    paths = json.loads(index_v3())["paths"]
    assert list(paths) == names()
    for name, entry in paths.items():
        url, _, tag = entry["serverRelativeURL"].partition("?hash=")
        assert url == f"/openapi/v3/{name}"
        assert len(tag) == 128


@pytest.mark.parametrize("data", [document_v2(), document_v3("api/v1")], ids=["v2", "v3"])
def test_documents_tell_the_release(data: bytes) -> None:
    assert json.loads(data)["info"] == {"title": "Kubernetes", "version": "1.36"}


def test_the_older_document_holds_everything() -> None:
    whole = json.loads(document_v2())
    assert whole["swagger"] == "2.0"
    known = {f"#/definitions/{name}" for name in whole["definitions"]}
    assert references(whole) <= known
    assert "/api/v1/namespaces/{namespace}/pods/{name}" in whole["paths"]


def test_descriptions_come_from_the_installed_client() -> None:
    role = document("apis/rbac.authorization.k8s.io/v1")["components"]["schemas"]["io.k8s.api.rbac.v1.PolicyRule"]
    assert role["description"].startswith("PolicyRule holds information")
    assert role["properties"]["nonResourceURLs"]["description"].startswith("nonResourceURLs is a set of partial urls")
    assert described.describe("core.v1.Event").text.startswith("Event is a report of an event")


def test_without_the_client_there_are_no_descriptions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(described, "models", lambda: None)
    assert described.describe("core.v1.Pod") == described.NOTHING


def test_a_models_source_is_read_as_text() -> None:
    source = (
        'class V1Thing(BaseModel):\n    """\n    A thing.\n\n    Attributes:\n      x\n    """\n'
        '    a_b: Optional[str] = Field(default=None, serialization_alias="aB", description="It\'s \\"b\\".")\n'
        "    c: Optional[V1Other] = None\n"
    )
    found = described.read(source)
    assert (found.text, found.fields) == ("A thing.", {"aB": 'It\'s "b".'})


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
    assert ask("/openapi/v3/api/v1", "application/com.github.proto-openapi.spec.v3@v1.0+protobuf").status == 406
    assert ask("/openapi/v2", "application/json").status == 200
    assert ask("/openapi/v3").headers["Content-Type"] == "text/plain; charset=utf-8"
    assert ask("/other") is None
