"""Whatever is sent, the answer is a refusal or a success, never a failure of the server."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_embedded.machinery.kinds import KINDS, Kind
from kube_embedded.machinery.schema import Struct, Type, schemas
from kube_embedded.tests.support.cluster import ClusterApi
from kube_embedded.tests.support.properties import examples

STORED = [kind for kind in KINDS if "update" in kind.verbs]
PATCHES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)
JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        0,
        -1,
        True,
        "",
        "x",
        "A_b",
        "a/b",
        [],
        {},
        [None],
        [[]],
        {"a": {"b": 1}},
        "1Gi",
        10**30,
        "25%",
        "\ud800",
    ]
)
DIRECTIVES = st.sampled_from(
    [
        "$patch",
        "$retainKeys",
        "$setElementOrder/ports",
        "$deleteFromPrimitiveList/finalizers",
        "nonsense",
    ]
)


def of_type(type_: Type, depth: int) -> st.SearchStrategy[Any]:
    """Mostly what the schema wants, sometimes something else."""
    form = type_.form
    if form == "struct":
        good = of_struct(type_.struct, depth + 1) if depth < 6 else st.just({})
    elif form == "list":
        good = st.lists(of_type(type_.item, depth + 1), max_size=2)
    elif form == "map":
        good = st.dictionaries(
            st.sampled_from(["a", "b c", "x.io/y"]), of_type(type_.item, depth + 1), max_size=2
        )
    elif form in ("int32", "int64"):
        good = st.sampled_from([0, 1, 80, -1, 2**31])
    elif form == "bool":
        good = st.booleans()
    elif form == "intstr":
        good = st.sampled_from([80, "http", "25%", 0])
    elif form == "quantity":
        good = st.sampled_from(["1", "1Gi", "500m", "-1"])
    elif form in ("time", "microtime"):
        good = st.sampled_from(["2020-01-01T00:00:00Z", "2020-01-01T00:00:00.000000Z"])
    elif form == "bytes":
        good = st.sampled_from(["", "YQ==", "!"])
    else:
        good = st.sampled_from(["a", "b", "None", "TCP", "v1", ""])
    return st.one_of(good, good, good, good, good, good, good, JUNK)


def of_struct(struct: Struct, depth: int = 0) -> st.SearchStrategy[Any]:
    """Some of a struct's fields."""

    def later(name: str) -> st.SearchStrategy[Any]:
        return st.deferred(lambda: of_type(struct.fields[name].type, depth))

    def build(names: list[str]) -> st.SearchStrategy[Any]:
        return st.fixed_dictionaries({name: later(name) for name in names})

    fields = sorted(
        set(struct.fields) - {"kind", "apiVersion", "resourceVersion", "deletionTimestamp"}
    )
    return st.lists(st.sampled_from(fields), unique=True, max_size=5).flatmap(build)


@st.composite
def bodies(draw: st.DrawFn, kind: Kind) -> Any:
    struct = schemas().of_kind(kind.group, kind.version, kind.kind)
    assert struct is not None
    body = draw(of_struct(struct))
    body["metadata"] = {
        "name": draw(st.sampled_from(["a", "b"])),
        **draw(st.sampled_from([{}, {"labels": {"x": "y"}}])),
    }
    if draw(st.booleans()):
        body[draw(DIRECTIVES)] = draw(JUNK)
    return {**body, "kind": kind.kind, "apiVersion": kind.group_version}


BLAMES_ITSELF = re.compile(
    "failed to (create typed (patch|live)|convert new) object |failed to create manager for existing fields: |"
    "unknown patch type: |expected a |unable to find api field |"
    "The order in patch list|merging lists cannot|map: .* does not contain declared merge key|strconv.ParseUint: |"
    "resourceVersion should not be set on objects to be created"
)
"""What the real server says with a 500: patches that make no sense or do not fit, resourceVersions that are none."""


@pytest.fixture(scope="module")
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    return made


def path_of(kind: Kind) -> str:
    base = f"/apis/{kind.group}/{kind.version}" if kind.group else "/api/v1"
    return base + ("/namespaces/lab/" if kind.namespaced else "/") + kind.plural


@settings(max_examples=examples(250))
@given(data=st.data())
def test_no_body_breaks_the_server(api: ClusterApi, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(STORED))
    body = data.draw(bodies(kind))
    path = path_of(kind)
    name = body["metadata"]["name"]
    replies = [api.admin.post(path, body), api.admin.put(f"{path}/{name}", body)]
    if "status" in kind.subresources:
        replies.append(api.admin.put(f"{path}/{name}/status", body))
    for form in PATCHES[1:]:
        headers = {"content-type": form}
        replies.append(
            api.admin.call("PATCH", f"{path}/{name}?fieldManager=m", body, headers=headers)
        )
    for reply in replies:
        assert reply.status < 500 or BLAMES_ITSELF.match(reply.message), (kind, body, reply)
    if data.draw(st.booleans()):
        assert api.admin.delete(f"{path}/{name}").status < 500


@settings(max_examples=examples(150))
@given(
    operations=st.lists(
        st.fixed_dictionaries(
            {"op": st.sampled_from(["add", "replace", "remove", "test", "move", "copy", "x"])},
            optional={
                "path": st.sampled_from(
                    ["", "/", "/metadata", "/metadata/labels/-", "/data/a", "/spec/0", "x", "/~2"]
                ),
                "from": st.sampled_from(["", "/metadata", "/nothing"]),
                "value": JUNK,
            },
        ),
        max_size=3,
    )
)
def test_no_json_patch_breaks_the_server(api: ClusterApi, operations: list[Any]) -> None:
    api.admin.post(
        "/api/v1/namespaces/lab/configmaps", {"metadata": {"name": "jp"}, "data": {"a": "b"}}
    )
    path = "/api/v1/namespaces/lab/configmaps/jp"
    reply = api.admin.call("PATCH", path, operations, headers={"content-type": PATCHES[0]})
    assert reply.status < 500, (operations, reply)


@settings(max_examples=examples(150))
@given(
    body=st.binary(max_size=60),
    form=st.sampled_from(["application/json", "application/yaml", *PATCHES]),
)
def test_no_bytes_break_the_server(api: ClusterApi, body: bytes, form: str) -> None:
    text = body.decode("latin-1")
    method = "PATCH" if "patch" in form else "POST"
    path = "/api/v1/namespaces/lab/configmaps" + ("/jp?fieldManager=m" if method == "PATCH" else "")
    assert api.admin.call(method, path, text, headers={"content-type": form}).status < 500


def test_a_stored_object_can_always_be_shown_again(api: ClusterApi) -> None:
    for kind in STORED:
        reply = api.admin.get(path_of(kind))
        assert reply.status == 200, kind
        json.dumps(reply.body)
