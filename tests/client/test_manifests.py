from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from labkit.client import manifests
from labkit.client.client import Client
from labkit.client.discovery import Resources
from labkit.client.manifests import from_python, parse
from labkit.core.errors import ApiFailure, UsageError
from tests.client.fake import Fake, Reply, Request, fake_api, status


def test_documents_and_lists_are_taken_apart() -> None:
    text = """
kind: ConfigMap
apiVersion: v1
metadata: {name: a}
---
---
kind: List
apiVersion: v1
items:
- {kind: Secret, apiVersion: v1, metadata: {name: b}}
"""
    assert [(entry["kind"], entry["metadata"]["name"]) for entry in parse(text)] == [
        ("ConfigMap", "a"),
        ("Secret", "b"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "not YAML"),
        ("just words", "no Kubernetes object"),
        ("kind: Pod\nmetadata: {name: x}", "no Kubernetes object"),
        ("kind: Pod\napiVersion: v1", "no Kubernetes object"),
        ("kind: Pod\napiVersion: v1\nmetadata: {}", "without a name"),
    ],
)
def test_what_is_no_manifest_is_said(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse(text)


INDENTED = "kind: Role\nmetadata:\n\tname: reader\n"


@pytest.mark.parametrize(
    "text", [INDENTED, f"\n{INDENTED}", f"\n\n{INDENTED}", INDENTED.rstrip("\n")]
)
def test_a_tab_is_named_with_the_line_as_one_counts_them(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert caught.value.why == 'line 3, "name: reader", has a tab, and YAML is indented with spaces'
    assert caught.value.todo == "Put spaces in place of the tab: two for each level."


def test_lines_of_a_file_are_counted_from_its_first() -> None:
    with pytest.raises(UsageError, match=r"^mine\.yaml is not YAML") as caught:
        parse(f"\n{INDENTED}", "mine.yaml")
    assert caught.value.why.startswith("line 4, ")


def test_what_is_wrong_in_a_line_is_said_with_the_line() -> None:
    with pytest.raises(UsageError) as caught:
        parse("kind: Role\n  name: a: b\n")
    assert caught.value.why == 'mapping values are not allowed here: line 2, "name: a: b"'
    with pytest.raises(UsageError) as caught:
        parse("a: [\rb: c: d")  # YAML ends lines at a carriage return, too
    assert caught.value.why.endswith('line 2, ""')
    for odd in ("[" * 5000, "a: \x07"):
        with pytest.raises(UsageError, match="not YAML") as caught:
            parse(odd)
        assert caught.value.todo == "Look for a bracket that is not closed."
        assert re.match("maximum recursion|unacceptable character #x0007", caught.value.why)


def test_a_date_is_text_as_for_kubernetes() -> None:
    (entry,) = parse(
        "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata: {since: 2024-01-01}"
    )
    assert entry["data"] == {"since": "2024-01-01"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("metadata: {name: 5}", "its name is 5, which is no text"),
        ("metadata: {name: a, namespace: [b]}", "its namespace is a value of the type list"),
        ("metadata: {name: a}\ndata: {b: !!binary aGk=}", "not JSON serializable"),
        ("metadata: &m {name: a, labels: *m}", "Circular reference"),
    ],
)
def test_what_no_object_can_hold_is_said(more: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(f"kind: ConfigMap\napiVersion: v1\n{more}")
    assert said in caught.value.why
    assert caught.value.todo


@pytest.mark.parametrize("what", [5, [5], {"kind": "Pod"}, [{"kind": "Pod"}]])
def test_what_is_no_object_is_said(what: object) -> None:
    with pytest.raises(
        UsageError, match="The argument holds something that is no Kubernetes object"
    ):
        from_python(what)


def test_differences_are_told_by_path() -> None:
    before = {"spec": {"containers": [{"image": "ubuntu"}], "x": 1}}
    after = {"spec": {"containers": [{"image": "lab", "imagePullPolicy": "IfNotPresent"}], "x": 1}}
    assert manifests.differences(before, after) == [
        "spec.containers[0].image: ubuntu → lab",
        "spec.containers[0].imagePullPolicy: IfNotPresent",
    ]
    assert manifests.differences(before, before) == []


class Cluster:
    """A cluster that serves Roles and Namespaces."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.refuse = False

    def answer(self, request: Request) -> Reply:
        import json

        path, _, query = request.path.partition("?")
        assert (query == "fieldValidation=Strict") == (request.method in ("POST", "PATCH"))
        if path == "/apis":
            return Reply(
                200,
                {
                    "groups": [
                        {"preferredVersion": {"groupVersion": "rbac.authorization.k8s.io/v1"}}
                    ]
                },
            )
        if path == "/apis/rbac.authorization.k8s.io/v1":
            return Reply(
                200, {"resources": [{"kind": "Role", "name": "roles", "namespaced": True}]}
            )
        if path == "/api/v1":
            found = [{"kind": "Namespace", "name": "namespaces", "namespaced": False}]
            return Reply(
                200,
                {
                    "resources": [
                        *found,
                        {"kind": "Eviction", "name": "pods/eviction", "namespaced": True},
                    ]
                },
            )
        if path.count("/") == 3 and path.startswith("/apis/"):
            return status(404, "NotFound", "no")
        if self.refuse:
            return status(422, "Invalid", "it is wrong")
        if request.method == "POST":
            body = json.loads(request.body)
            key = f"{path}/{body['metadata']['name']}"
            if key in self.objects:
                return status(409, "AlreadyExists", "there")
            self.objects[key] = {**body, "metadata": {**body["metadata"], "resourceVersion": "1"}}
            return Reply(201, self.objects[key])
        if path not in self.objects:
            return status(404, "NotFound", "not there")
        if request.method == "PATCH":
            assert request.headers["content-type"] == "application/strategic-merge-patch+json"
            old = self.objects[path]
            new = {**old, **{k: v for k, v in json.loads(request.body).items() if k != "metadata"}}
            changed = str(int(old["metadata"]["resourceVersion"]) + (new != old))
            self.objects[path] = {
                **new,
                "metadata": {**old["metadata"], "resourceVersion": changed},
            }
        elif request.method == "DELETE":
            return Reply(200, self.objects.pop(path))
        return Reply(200, self.objects[path])


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def api(cluster: Cluster) -> Iterator[Fake]:
    with fake_api(cluster.answer) as fake:
        yield fake


ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "r", "namespace": "kikai"},
    "rules": [],
}


def applied(
    api: Fake, *objects: dict[str, Any], adapt: Any = lambda entry: entry
) -> manifests.Applied:
    client = Client(api.endpoint)
    return manifests.apply(client, Resources(client), objects, adapt)


def test_applying_creates_then_changes_then_leaves(api: Fake) -> None:
    outcomes = [
        applied(api, ROLE).objects[0].outcome,
        applied(api, {**ROLE, "rules": [{"verbs": ["get"]}]}).objects[0].outcome,
        applied(api, {**ROLE, "rules": [{"verbs": ["get"]}]}).objects[0].outcome,
    ]
    assert outcomes == ["created", "changed", "unchanged"]


def test_what_a_backend_changes_is_shown(api: Fake) -> None:
    done = applied(api, ROLE, adapt=lambda entry: {**entry, "extra": 1})
    assert done.objects[0].adapted == ("extra: 1",)
    assert "on this cluster: extra: 1" in repr(done)
    assert "1 object applied" in repr(done)


def test_what_the_server_refuses_is_said_in_its_words(api: Fake, cluster: Cluster) -> None:
    cluster.refuse = True
    with pytest.raises(ApiFailure, match="Role kikai/r was not accepted"):
        applied(api, ROLE)


NO_ACCOUNT = status(
    403, "Forbidden", "pods is forbidden: error looking up service account x/default"
)
NO_TOKEN = status(
    500, "ServerTimeout", 'No API token found for service account "kikai", retry after …'
)


@pytest.mark.parametrize("not_yet", [NO_ACCOUNT, NO_TOKEN], ids=["account", "token, up to 1.23"])
def test_a_new_account_is_waited_for_where_the_cluster_is_slow(not_yet: Reply) -> None:
    answers = [not_yet] * 2
    found = {"resources": [{"kind": "Pod", "name": "pods", "namespaced": True}]}

    def answer(request: Request) -> Reply:
        if request.method == "GET":
            return Reply(200, found)
        return answers.pop() if answers else Reply(201, {"metadata": {}})

    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    with fake_api(answer) as api:
        client = Client(api.endpoint)
        with pytest.raises(ApiFailure, match="Pod p was not accepted"):
            manifests.apply(client, Resources(client), [pod], lambda entry: entry)
        done = manifests.apply(
            client, Resources(client), [pod], lambda entry: entry, patience_seconds=5
        )
    assert done.objects[0].outcome == "created"


def test_a_token_secret_is_filled_in_before_it_is_used() -> None:
    secret: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "type": manifests.TOKEN_SECRET}
    secret["metadata"] = {"name": "s"}
    later: list[dict[str, str]] = [{}, {}, {"token": "eA=="}]
    asked: list[str] = []

    def answer(request: Request) -> Reply:
        if request.method == "GET" and request.path.endswith("/s"):
            asked.append(request.path)
            return Reply(200, {"kind": "Secret", "data": later[len(asked) - 1]})
        found = {"resources": [{"kind": "Secret", "name": "secrets", "namespaced": True}]}
        return Reply(200, found) if request.method == "GET" else Reply(201, {"metadata": {}})

    with fake_api(answer) as api:
        client = Client(api.endpoint)
        manifests.apply(client, Resources(client), [secret], lambda entry: entry)
        assert asked == []  # the embedded cluster fills it in at once
        manifests.apply(
            client, Resources(client), [secret], lambda entry: entry, patience_seconds=5
        )
    assert len(asked) == 3


def test_kinds_the_cluster_lacks_are_said(api: Fake) -> None:
    with pytest.raises(UsageError, match="serves no Roll"):
        applied(api, {**ROLE, "kind": "Roll"})
    with pytest.raises(UsageError, match="does not serve nope/v1"):
        applied(api, {**ROLE, "apiVersion": "nope/v1"})


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("v1", "The cluster serves no Role in v1."),
        (
            "rbac.authorization.k8s.io/v1beta1",
            "The cluster does not serve rbac.authorization.k8s.io/v1beta1.",
        ),
    ],
)
def test_a_kind_in_the_wrong_group_or_version_is_shown_its_own(
    api: Fake, version: str, said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        applied(api, {**ROLE, "apiVersion": version})
    assert caught.value.what == said
    right = "rbac.authorization.k8s.io/v1"
    assert caught.value.todo == f"Role is served in {right}: write apiVersion: {right}."
