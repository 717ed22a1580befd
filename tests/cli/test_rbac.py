"""``labkit rbac``: its answers, its exit codes, and what it cannot read."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from click.testing import CliRunner, Result

from labkit.cli import cli
from labkit.core.errors import LabkitError
from tests.rbac.testing.support import OBJECTS, READ, account, bind, role
from tests.support.server import running_server

QUESTIONS = """
namespaces: [darbo]
questions:
- who: kikai/default
  may: [list services in kikai, get services in kikai]
  may not: [delete services in kikai, list services in darbo, list pods in kikai]
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    folder = tmp_path / "manifests"
    (folder / "deep").mkdir(parents=True)
    (folder / "values.yaml").write_text("replicas: 3\n")
    (folder / "deep" / "rbac.yaml").write_text(yaml.safe_dump_all(OBJECTS))
    return folder


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.yaml"
    path.write_text(QUESTIONS)
    return path


def labkit(*words: object) -> Result:
    return CliRunner().invoke(cli, ["rbac", *map(str, words)])


def test_the_answers_and_their_exit_codes(policy: Path, questions: Path, tmp_path: Path) -> None:
    right = labkit("test", policy, questions)
    assert (right.exit_code, right.stdout.splitlines()[-1]) == (0, "5 of 5 answers are as expected.")
    wider = tmp_path / "wider.yaml"
    wider.write_text(yaml.safe_dump_all([role([{**READ[0], "verbs": ["*"]}]), OBJECTS[1]]))
    report = tmp_path / "junit.xml"
    wrong = labkit("test", wider, questions, "--junit", report)
    assert wrong.exit_code == 1
    assert "✘ kikai/default may not: delete services in kikai\n    It is allowed. RoleBinding" in wrong.stdout
    suite = ElementTree.parse(report).getroot()
    assert (suite.get("tests"), suite.get("failures"), len(suite.findall("testcase/failure"))) == ("5", "1", 1)
    assert json.loads(labkit("test", wider, questions, "--json").stdout)["wrong"] == 1
    changed = labkit("diff", policy, wider)
    assert changed.exit_code == 1
    assert "+ ServiceAccount kikai/default: * · services in kikai" in changed.stdout
    assert labkit("diff", policy, policy).exit_code == 0


def test_wrong_policies_that_pass_are_listed(policy: Path, questions: Path, tmp_path: Path) -> None:
    found = labkit("mutate", policy, questions)
    assert found.exit_code == 1
    assert "passes: Role kikai/service-reader lets them watch\n" in found.stdout
    assert json.loads(labkit("mutate", policy, questions, "--json").stdout)["policies"] > 30
    questions.write_text("questions: [{who: kikai/default, may: list pods in kikai}]")
    assert labkit("mutate", policy, questions).exit_code == 2


def test_a_report_counts_what_it_cannot_read_and_shows_no_token(policy: Path, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    user = {"username": "system:serviceaccount:kikai:default", "extra": {"token": ["eyJhbGciOiJSUzI1NiJ9.e30.x"]}}
    pods = {"resource": "pods", "namespace": "kikai"}
    event = {"stage": "ResponseComplete", "verb": "list", "user": user, "objectRef": pods}
    log.write_text("\n".join([json.dumps(event), "{", "[1]", "", "x" * (2 << 20), json.dumps(event)]))
    found = labkit("report", policy, "--audit-log", log, "--account", "kikai/default")
    assert found.exit_code == 1
    assert "made 2 requests" in found.stdout
    assert "lines are no events" in found.stdout
    assert "It lacked:\n  list · pods in kikai\n" in found.stdout
    assert "It never used:\n  get · services in kikai\n  list · services in kikai\n" in found.stdout
    assert "eyJ" not in found.stdout
    token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwcyJ9.c2lnbmF0dXJl"
    path = {key: value for key, value in event.items() if key != "objectRef"} | {"requestURI": f"/x/{token}"}
    log.write_text(json.dumps(path))
    for form in ((), ("--json",)):
        shown = labkit("report", policy, "--audit-log", log, "--account", "kikai/default", *form).stdout
        assert token not in shown
        assert "/x/" in shown
    least = list(yaml.safe_load_all(found.stdout.partition("# The least policy:\n")[2]))
    assert least[0]["rules"] == [{"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: Role\nmetadata: {name: {{ .Values.name }}}", "is a template"),
        (yaml.safe_dump(bind(account("{{ACCOUNT}}"))), "is a template"),
        ("a: [", "is not YAML"),
        ("\x00", "is not YAML"),
        (yaml.safe_dump(bind(account("a"), ref=("Role", "x")) | {"roleRef": {"kind": "Role"}}), "no roleRef"),
        (yaml.safe_dump(role([{"verbs": "get"}])), "rules that are none"),
        (yaml.safe_dump_all([role(READ), role(READ)]), "is there twice"),
        (yaml.safe_dump(bind({"name": ""})), "subjects that are none"),
    ],
)
def test_what_is_no_policy_is_an_error(text: str, said: str, questions: Path, tmp_path: Path) -> None:
    file = tmp_path / "odd.yaml"
    file.write_text(text)
    found = labkit("test", file, questions)
    assert isinstance(found.exception, LabkitError)
    assert found.exception.exit_code == 2
    assert said in found.exception.what


def test_a_group_with_a_version_is_a_note(questions: Path, tmp_path: Path) -> None:
    rules = [*READ, {"verbs": ["get"], "apiGroups": ["apps/v1"], "resources": ["deployments"]}]
    (tmp_path / "odd.yaml").write_text(yaml.safe_dump_all([role(rules), OBJECTS[1]]))
    found = labkit("test", tmp_path / "odd.yaml", questions)
    assert "no request matches the API group apps/v1, which has a version. Write apps." in found.stderr


def test_a_yaml_bomb_costs_nothing(questions: Path, tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    rule = "kind: Role\napiVersion: rbac.authorization.k8s.io/v1\nmetadata: {name: b}\nrules: *a11"
    (tmp_path / "bomb.yaml").write_text("\n".join([*lines, rule]))
    found = labkit("test", tmp_path / "bomb.yaml", questions)
    assert isinstance(found.exception, LabkitError)
    assert "rules that are none" in found.exception.what


def test_the_policy_of_a_cluster_is_read_and_nothing_is_written(questions: Path, tmp_path: Path) -> None:
    with running_server(tmp_path / "server" / "home", node=False) as server:
        for name in ("kikai", "darbo"):
            assert server.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}}).status == 201
        before = server.call("GET", "/api/v1/namespaces").json()["metadata"]["resourceVersion"]
        found = labkit("test", questions, "--kubeconfig", server.kubeconfig)
        after = server.call("GET", "/api/v1/namespaces").json()["metadata"]["resourceVersion"]
        assert before == after
    assert found.exit_code == 1
    assert "3 of 5 answers are as expected." in found.stdout
