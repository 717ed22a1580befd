"""``labkit rbac``: its answers, its exit codes, and unreadable files."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from click.testing import CliRunner, Result

from kube_embedded.tests.support.server import running_server
from labkit.cli import cli
from labkit.core.errors import LabkitError
from tests.client.fake import Reply, Request, fake_api, status
from tests.rbac.testing.support import OBJECTS, READ, account, bind, role

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


def refused(*words: object) -> str:
    """Return the message of a run that ends with an error, not with an answer."""
    error = labkit(*words).exception
    assert isinstance(error, LabkitError)
    assert error.exit_code == 2
    return error.what


def test_the_answers_and_their_exit_codes(policy: Path, questions: Path, tmp_path: Path) -> None:
    right = labkit("test", policy, questions)
    assert (right.exit_code, right.stdout.splitlines()[-1]) == (
        0,
        "5 of 5 answers are as expected.",
    )
    wider = tmp_path / "wider.yaml"
    wider.write_text(yaml.safe_dump_all([role([{**READ[0], "verbs": ["*"]}]), OBJECTS[1]]))
    report = tmp_path / "junit.xml"
    wrong = labkit("test", wider, questions, "--junit", report)
    assert wrong.exit_code == 1
    assert (
        "✘ kikai/default may not: delete services in kikai\n    It is allowed. RoleBinding"
        in wrong.stdout
    )
    suite = ElementTree.parse(report).getroot()
    assert (suite.get("tests"), suite.get("failures"), len(suite.findall("testcase/failure"))) == (
        "5",
        "1",
        1,
    )
    assert json.loads(labkit("test", wider, questions, "--json").stdout)["wrong"] == 1
    changed = labkit("diff", policy, wider)
    assert changed.exit_code == 1
    assert "+ ServiceAccount kikai/default: * · services in kikai" in changed.stdout
    assert labkit("diff", policy, policy).exit_code == 0


def test_wrong_policies_that_pass_are_listed(policy: Path, questions: Path, tmp_path: Path) -> None:
    found = labkit("mutate", policy, questions)
    assert found.exit_code == 1
    assert "passes: Role kikai/service-reader lets them watch\n" in found.stdout
    assert "rejected: " not in found.stdout
    by = "    by kikai/default may not: delete services in kikai\n"
    assert (
        f"rejected: Role kikai/service-reader lets them delete\n{by}"
        in labkit("mutate", policy, questions, "--rejected").stdout
    )
    every = json.loads(labkit("mutate", policy, questions, "--json").stdout)
    assert every["policies"] == len(every["passing"]) + len(every["rejected"]) > 30
    assert {each["by"] for each in every["rejected"]} == {
        *(f"kikai/default may: {verb} services in kikai" for verb in ("get", "list")),
        *(
            f"kikai/default may not: {what}"
            for what in ("delete services in kikai", "list services in darbo")
        ),
        "kikai/default may not: list pods in kikai",
    }
    questions.write_text("questions: [{who: kikai/default, may: list pods in kikai}]")
    assert "answers otherwise" in refused("mutate", policy, questions)


CUSTOM = """
- {apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: w, namespace: kikai},
   rules: [{apiGroups: [example.com], resources: [widgets], verbs: [get%s]}]}
- {apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: w, namespace: kikai},
   roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: w},
   subjects: [{kind: ServiceAccount, name: default, namespace: kikai}]}
"""
DEFINITION = """
- {apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: gadgets.example.com},
   spec: {group: example.com, scope: Cluster, names: {plural: gadgets}}}
"""


def listed(path: Path, items: str) -> Path:
    path.write_text(f"apiVersion: v1\nkind: List\nitems:{items}")
    return path


def test_custom_resources_are_compared_changed_and_asked_about(
    questions: Path, tmp_path: Path
) -> None:
    base = listed(tmp_path / "base.yaml", CUSTOM % "" + DEFINITION.lstrip("\n"))
    head = listed(tmp_path / "head.yaml", CUSTOM % ", delete")
    assert (
        "+ ServiceAccount kikai/default: delete · widgets.example.com in kikai"
        in labkit("diff", base, head).stdout
    )
    may = "{who: kikai/default, may: get widgets.example.com in kikai, may not: list gadgets.example.com}"
    questions.write_text(f"questions: [{may}]")
    assert labkit("test", base, questions).exit_code == 0
    assert "passes: Role kikai/w lets them list" in labkit("mutate", base, questions).stdout
    questions.write_text(
        f"questions: [{may.replace('gadgets.example.com', 'gadgets.example.com in kikai')}]"
    )
    assert "lie in no namespace" in refused("test", base, questions)


RULE = "{apiGroups: [''], resources: [pods], verbs: [get]}"
BINDING = "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}"


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ("", "holds no role and no binding"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}", "holds no role and no binding"),
        (f"kind: Roles\nrules: [{RULE}]", "There is no kind Roles"),
        (f"kind: Role\nrules: [{RULE.replace('verbs', 'verb')}]", "has the field verb"),
        (
            "kind: RoleBinding\n" + BINDING.replace("rbac.authorization.k8s.io", "rbac"),
            "API group rbac",
        ),
        (
            f"kind: ClusterRoleBinding\n{BINDING}\nsubjects: [{{kind: ServiceAccount, name: a}}]",
            "without a namespace",
        ),
        (
            "apiVersion: rbac.authorization.k8s.io/v1beta1\nkind: Role",
            "no kind Role in rbac.authorization.k8s.io/v",
        ),
        (
            "apiVersion: rbac.authorisation.k8s.io/v1\nkind: Role",
            "no API group rbac.authorisation.k8s.io",
        ),
    ],
)
def test_manifests_that_the_server_would_refuse(
    manifest: str, said: str, questions: Path, tmp_path: Path
) -> None:
    head = (
        ""
        if not manifest or "apiVersion" in manifest
        else "apiVersion: rbac.authorization.k8s.io/v1\n"
    )
    file = tmp_path / "policy.yaml"
    file.write_text(
        f"{head}{manifest}"
        + ("\nmetadata: {name: r}" if manifest and "metadata" not in manifest else "")
    )
    assert said in refused("test", file, questions)


def test_what_no_request_has_is_noted(questions: Path, tmp_path: Path) -> None:
    rule = "{apiGroups: [''], resources: [pod, pods], verbs: [gte, get]}"
    file = tmp_path / "policy.yaml"
    file.write_text(
        f"apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: r}}\nrules: [{rule}]"
    )
    questions.write_text(
        "namespaces: [kikai]\nquestions: [{who: kikai/default, may not: get pods in kikai}]"
    )
    found = labkit("test", file, questions)
    assert found.exit_code == 0
    assert "Note: ClusterRole r: no request has the verb gte.\n" in found.stderr
    assert "Note: ClusterRole r: no request has the resource pod.\n" in found.stderr
    assert len(json.loads(labkit("test", file, questions, "--json").stdout)["notes"]) == 2


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("may not: get pods in kikai\n  may not: list pods in kikai", "is not YAML"),
        ("may: create secrets mine in kikai", "names no object"),
        ("may: list namespaces in kikai", "lie in no namespace"),
    ],
)
def test_questions_that_nobody_could_ask(
    entry: str, said: str, policy: Path, questions: Path
) -> None:
    questions.write_text(f"questions:\n- who: kikai/default\n  {entry}\n")
    assert said in refused("test", policy, questions)


def test_questions_that_contradict_each_other_are_an_error(policy: Path, questions: Path) -> None:
    both = "users: {jane: [team-a]}\nquestions: [{who: {group: team-a}, may: list pods}, {who: jane, may not: list pods}]"
    questions.write_text(both)
    for command in ("test", "mutate"):
        assert refused(command, policy, questions) == "Questions 1 and 2 contradict each other."


def test_what_cannot_be_told_is_an_error_and_no_answer(
    policy: Path, questions: Path, tmp_path: Path
) -> None:
    assert "cannot use" in refused(
        "test", policy, questions, "--junit", tmp_path / "nowhere" / "report.xml"
    )
    (tmp_path / "audit.log").write_text("")
    assert "made no request" in refused(
        "report", policy, "--audit-log", tmp_path / "audit.log", "--account", "kikai/a"
    )


def test_a_report_counts_what_it_cannot_read_and_shows_no_token(
    policy: Path, tmp_path: Path
) -> None:
    log = tmp_path / "audit.log"
    user = {
        "username": "system:serviceaccount:kikai:default",
        "extra": {"token": ["eyJhbGciOiJSUzI1NiJ9.e30.x"]},
    }
    pods = {"resource": "pods", "namespace": "kikai"}
    event = {"stage": "ResponseComplete", "verb": "list", "user": user, "objectRef": pods}
    log.write_text(
        "\n".join([json.dumps(event), "{", "[1]", "", "x" * (2 << 20), json.dumps(event)])
    )
    found = labkit("report", policy, "--audit-log", log, "--account", "kikai/default")
    assert found.exit_code == 1
    assert "made 2 requests" in found.stdout
    assert "lines are no events" in found.stdout
    assert "It lacked:\n  list · pods in kikai\n" in found.stdout
    assert "It never used:\n  get · services in kikai\n  list · services in kikai\n" in found.stdout
    assert "eyJ" not in found.stdout
    rotated = tmp_path / "rotated"
    rotated.mkdir()
    assert "holds no audit log" in refused(
        "report", policy, "--audit-log", rotated, "--account", "kikai/default"
    )
    for name in ("audit-2026-12-01T00-00-00.000.log", "audit.log"):
        (rotated / name).write_text(json.dumps(event))
    found = labkit("report", policy, "--audit-log", rotated, "--account", "kikai/default")
    assert "made 2 requests" in found.stdout
    token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwcyJ9.c2lnbmF0dXJl"
    path = {key: value for key, value in event.items() if key != "objectRef"} | {
        "requestURI": f"/x/{token}"
    }
    log.write_text(json.dumps(path))
    for form in ((), ("--json",)):
        shown = labkit(
            "report", policy, "--audit-log", log, "--account", "kikai/default", *form
        ).stdout
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
        ("kind: !!bool maybe", "is not YAML"),
        ("kind: !!timestamp x", "is not YAML"),
        (
            yaml.safe_dump(bind(account("a"), ref=("Role", "x")) | {"roleRef": {"kind": "Role"}}),
            "no roleRef",
        ),
        (yaml.safe_dump(role([{"verbs": "get"}])), "rules that are none"),
        (yaml.safe_dump_all([role(READ), role(READ)]), "is there twice"),
        (yaml.safe_dump(bind({"name": ""})), "subjects that are none"),
    ],
)
def test_what_is_no_policy_is_an_error(
    text: str, said: str, questions: Path, tmp_path: Path
) -> None:
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
    assert (
        "no request matches the API group apps/v1, which has a version. Write apps." in found.stderr
    )


def test_a_yaml_bomb_costs_nothing(questions: Path, tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    rule = "kind: Role\napiVersion: rbac.authorization.k8s.io/v1\nmetadata: {name: b}\nrules: *a11"
    (tmp_path / "bomb.yaml").write_text("\n".join([*lines, rule]))
    found = labkit("test", tmp_path / "bomb.yaml", questions)
    assert isinstance(found.exception, LabkitError)
    assert "rules that are none" in found.exception.what


def test_the_policy_of_a_cluster_is_read_and_nothing_is_written(
    questions: Path, tmp_path: Path
) -> None:
    with running_server(tmp_path / "server" / "home", node=False) as server:
        for name in ("kikai", "darbo"):
            assert (
                server.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}}).status
                == 201
            )
        before = server.call("GET", "/api/v1/namespaces").json()["metadata"]["resourceVersion"]
        found = labkit("test", questions, "--kubeconfig", server.kubeconfig)
        after = server.call("GET", "/api/v1/namespaces").json()["metadata"]["resourceVersion"]
        assert before == after
    assert found.exit_code == 1
    assert "3 of 5 answers are as expected." in found.stdout


def kubeconfig(path: Path, server: str) -> Path:
    """Write a kubeconfig without a credential."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.mark.parametrize("hidden", ["/api/v1/namespaces", "/api/v1/serviceaccounts"])
def test_a_cluster_s_names_are_known_as_far_as_they_may_be_read(
    hidden: str, questions: Path, tmp_path: Path
) -> None:
    pods = {"name": "pods", "kind": "Pod", "namespaced": True, "verbs": ["list"]}
    bodies = {
        "/api/v1": {"resources": [pods]},
        "/apis": {"groups": []},
        "/api/v1/namespaces": {"items": [{"metadata": {"name": "team"}}]},
        "/api/v1/serviceaccounts": {"items": [{"metadata": {"name": "bot", "namespace": "crew"}}]},
    }

    def answer(request: Request) -> Reply:
        path = request.path.partition("?")[0]
        return (
            status(403, "Forbidden", "no")
            if path == hidden
            else Reply(200, bodies.get(path, {"items": []}))
        )

    with fake_api(answer) as fake:
        config = kubeconfig(tmp_path / "config", fake.endpoint.server)
        for who, place in (("team/default", "team"), ("crew/bot", "crew")):
            questions.write_text(f"questions: [{{who: {who}, may not: list pods in {place}}}]")
            if hidden.endswith("namespaces") is (place == "team"):
                assert f"There is no namespace {place}" in refused(
                    "test", questions, "--kubeconfig", config
                )
            else:
                found = labkit("test", questions, "--kubeconfig", config)
                assert (found.exit_code, found.stdout.splitlines()[-1]) == (
                    0,
                    "1 of 1 answers are as expected.",
                )
