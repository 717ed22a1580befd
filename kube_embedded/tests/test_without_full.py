"""A server whose process has none of the libraries of the extra ``full``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kube_embedded.tests.support.server import Reply, Server, start_server
from kube_embedded.tests.support.until import SECONDS, until

WITHOUT = """\
import sys
sys.modules.update(dict.fromkeys(("google.protobuf", "regex", "uvloop", "yaml")))
"""
"""Imports of these modules fail, and ``find_spec`` does not find them."""

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
WAY_OUT = "is not installed: pip install 'kube-embedded[full]'"
UNREAD_YAML = f"the body of the request cannot be read: the library PyYAML {WAY_OUT}"
UNREAD_PROTOBUF = f"the body of the request cannot be read: the library protobuf {WAY_OUT}"


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of such a process."""
    folder = tmp_path_factory.mktemp("without")
    # Python imports this module at each start.
    (folder / "sitecustomize.py").write_text(WITHOUT)
    return {"PYTHONPATH": str(folder)}


@pytest.fixture(scope="module")
def server(variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("server") / "home"
    server = start_server(home, environment=variables)
    yield server
    server.stop()


def config_map(name: str, **data: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def send(
    server: Server,
    media_type: str,
    body: bytes | str,
    method: str = "POST",
    path: str = CONFIG_MAPS,
) -> Reply:
    return server.call(method, path, body, headers={"Content-Type": media_type})


def test_no_library_of_the_extra_can_be_imported(variables: dict[str, str]) -> None:
    for name in ("google.protobuf", "regex", "uvloop", "yaml"):
        done = subprocess.run(
            [sys.executable, "-c", f"import {name}"],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
        )
        assert "ModuleNotFoundError" in done.stderr, name


def test_json_is_read_in_the_media_type_of_yaml(server: Server) -> None:
    made = send(server, YAML, json.dumps(config_map("as-yaml", a="é\n")))
    assert made.status == 201
    assert made.json()["data"] == {"a": "é\n"}
    path = f"{CONFIG_MAPS}/applied?fieldManager=tests"
    applied = send(
        server,
        "application/apply-patch+yaml",
        json.dumps(config_map("applied", a="1")),
        "PATCH",
        path,
    )
    assert applied.status == 201
    assert applied.json()["data"] == {"a": "1"}


@pytest.mark.parametrize("media_type", [YAML, "application/apply-patch+yaml"])
def test_a_repeated_field_of_such_json_is_noted(server: Server, media_type: str) -> None:
    body = json.dumps(config_map("repeated", a="1")).replace('"a": "1"', '"a": "1", "a": "2"')
    applies = media_type != YAML
    path = f"{CONFIG_MAPS}/repeated?fieldManager=tests&" if applies else f"{CONFIG_MAPS}?"
    method = "PATCH" if applies else "POST"
    refused = send(server, media_type, body, method, f"{path}fieldValidation=Strict")
    assert refused.status == 400
    assert 'duplicate field "data.a"' in refused.json()["message"]
    assert "duplicate field" in send(server, media_type, body, method, path).headers["Warning"]


@pytest.mark.parametrize(
    ("media_type", "method", "path"),
    [
        (YAML, "POST", CONFIG_MAPS),
        (YAML, "POST", DEFINITIONS),
        (YAML, "DELETE", f"{CONFIG_MAPS}/any"),
        ("application/apply-patch+yaml", "PATCH", f"{CONFIG_MAPS}/any?fieldManager=tests"),
    ],
)
def test_other_yaml_is_415_with_the_way_out(
    server: Server, media_type: str, method: str, path: str
) -> None:
    refused = send(server, media_type, "kind: ConfigMap\n", method, path)
    assert (refused.status, refused.json()["reason"]) == (415, "UnsupportedMediaType")
    assert refused.json()["message"] == UNREAD_YAML


@pytest.mark.parametrize(
    ("method", "path"), [("POST", CONFIG_MAPS), ("DELETE", f"{CONFIG_MAPS}/any")]
)
def test_protobuf_is_415_with_the_way_out(server: Server, method: str, path: str) -> None:
    refused = send(server, PROTOBUF, b"k8s\x00", method, path)
    assert (refused.status, refused.json()["reason"]) == (415, "UnsupportedMediaType")
    assert refused.json()["message"] == UNREAD_PROTOBUF


@pytest.mark.parametrize(
    "path", [CONFIG_MAPS, f"{CONFIG_MAPS}?watch=1&timeoutSeconds=1", "/api/v1", "/apis/apps"]
)
@pytest.mark.parametrize("form", [PROTOBUF, YAML])
def test_an_answer_in_another_form_alone_is_406(server: Server, path: str, form: str) -> None:
    refused = server.call("GET", path, headers={"Accept": form})
    assert refused.status == 406
    assert refused.headers["Content-Type"] == "application/json"
    assert form not in refused.json()["message"]


def test_a_caller_who_accepts_json_as_well_gets_json(server: Server) -> None:
    # client-go's header.
    for form in (PROTOBUF, f"{YAML};as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io"):
        for path in (CONFIG_MAPS, "/apis"):
            answer = server.call("GET", path, headers={"Accept": f"{form},application/json"})
            assert answer.status == 200
            assert answer.headers["Content-Type"] == "application/json"
            assert answer.json()["kind"] in ("ConfigMapList", "APIGroupList")


def test_kubectls_openapi_document_is_served(server: Server) -> None:
    form = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
    answer = server.call("GET", "/openapi/v2", headers={"Accept": form})
    assert (answer.status, answer.headers["Content-Type"]) == (200, form)
    assert b"io.k8s.api.core.v1.Pod" in answer.body


def test_a_large_object_is_weighed_as_json(server: Server) -> None:
    body = json.dumps(config_map("large", a="a" * 1_040_000))
    assert send(server, "application/json", body).status == 201
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "large", "annotations": {"a": "a" * 200_000}},
        "data": {"a": "YWFh" * 349_000},
    }
    refused = server.call("POST", "/api/v1/namespaces/default/secrets", secret)
    assert (refused.status, refused.json()["message"]) == (500, "etcdserver: request is too large")


def definition(plural: str, pattern: str) -> dict[str, object]:
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {
            "openAPIV3Schema": {
                "type": "object",
                "properties": {
                    "spec": {
                        "type": "object",
                        "properties": {"text": {"type": "string", "pattern": pattern}},
                    }
                },
            }
        },
    }
    names = {
        "plural": plural,
        "singular": plural[:-1],
        "kind": plural[:-1].title(),
        "listKind": f"{plural[:-1].title()}List",
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": names,
            "versions": [version],
        },
    }


def test_patterns_of_schemas_are_pythons(server: Server) -> None:
    assert server.call("POST", DEFINITIONS, definition("words", r"^[[a-z--]\d{2}$")).status == 201
    path = "/apis/example.com/v1/namespaces/default/words"
    until(lambda: server.call("GET", path).status == 200)
    for text, status in (
        ("b12", 201),
        ("[12", 201),
        ("-12", 201),
        ("b1", 422),
        ("b12\n", 422),
        ("b١٢", 422),
    ):
        word = {
            "apiVersion": "example.com/v1",
            "kind": "Word",
            "metadata": {"generateName": "word-"},
            "spec": {"text": text},
        }
        assert server.call("POST", path, word).status == status, text


@pytest.mark.parametrize("pattern", ["[[:alpha:]]", r"\pL", r"\x{41}"])
def test_a_pattern_that_only_regex_reads_is_refused(server: Server, pattern: str) -> None:
    refused = server.call("POST", DEFINITIONS, definition("others", pattern))
    assert refused.status == 422
    assert WAY_OUT in refused.json()["message"]


PROGRAMS = {
    "echo b | grep b": f"grep: the library regex {WAY_OUT}\n",
    "echo b | sed s/b/c/": f"sed: -e expression #1, char 6: the library regex {WAY_OUT}\n",
    "kubectl proxy": f"error: the library regex {WAY_OUT}\n",
    "echo b | sed -n 1p": "b\n",
}


def test_programs_of_pods_refuse_what_needs_regex(server: Server) -> None:
    containers = [
        {"name": f"c{number}", "image": "labkit/pod:0.1.0", "command": ["sh", "-c", command]}
        for number, command in enumerate(PROGRAMS)
    ]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "programs"},
        "spec": {"restartPolicy": "Never", "containers": containers},
    }
    assert server.call("POST", "/api/v1/namespaces/default/pods", pod).status == 201
    path = "/api/v1/namespaces/default/pods/programs"
    until(lambda: server.call("GET", path).json()["status"]["phase"] in ("Failed", "Succeeded"))
    logs = [
        server.call("GET", f"{path}/log?container=c{number}").body.decode()
        for number in range(len(containers))
    ]
    assert logs == list(PROGRAMS.values())


TESTING = """
from kube_embedded.testing import LocalCluster

role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "r"}, "rules": []}
with LocalCluster(node=False) as cluster:
    account = cluster.account("shop/web", manifests=[role])
    print(account.user.name)
    try:
        cluster.apply("kind: Role\\n")
    except AssertionError as error:
        print(error)
"""


def test_a_local_cluster_applies_dicts(variables: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TESTING],
        env={**os.environ, **variables},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"system:serviceaccount:shop:web\nthe library PyYAML {WAY_OUT}\n"
