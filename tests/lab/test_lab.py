"""The lab itself, on a real embedded server."""

from __future__ import annotations

import shutil
import sys
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kube_embedded.tests.support.until import SECONDS, until
from labkit import Lab, exercise, expect_forbidden, predict
from labkit.classroom import joining
from labkit.core.errors import (
    ApiFailure,
    ExecFailed,
    ExpectedForbidden,
    LabkitError,
    NotRunning,
    TokenError,
    UsageError,
)
from labkit.core.home import JOINED, read_json
from labkit.lab import current, words
from labkit.lessons.base import Outcome
from labkit.ui import XRay
from tests.classroom.room import Room
from tests.support.languages import speaking

SERVICES = "/api/v1/namespaces/kikai/services"


def quiet(_line: str) -> None:
    pass


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab("embedded", home=tmp_path_factory.mktemp("lab") / "home", say=quiet)
    yield lab
    lab.stop()


@pytest.fixture
def lab(shared: Lab) -> Lab:
    current.use(shared)
    shared.reset()
    shared.progress.forget()
    return shared


def test_a_pod_asks_with_its_own_token_and_the_answer_says_as_whom(lab: Lab) -> None:
    lab.rewind("W17")
    me = lab.as_pod("kikai/test")
    with expect_forbidden(verb="list", resource="services"):
        answer = me.get(SERVICES)
    assert answer.who == "kikai/test"
    assert answer.as_user == "system:serviceaccount:kikai:default"
    assert answer.event is not None
    assert "system:serviceaccount:kikai:default" in repr(answer)
    lab.apply("04-roles/W17-rolebinding-test")
    allowed = me.get(SERVICES)
    assert allowed.status == 200
    assert 'RoleBinding "test/kikai"' in allowed.decision
    with pytest.raises(ExpectedForbidden), expect_forbidden(verb="list"):
        me.get(SERVICES)


def test_a_pods_caller_survives_a_rewind(lab: Lab) -> None:
    lab.rewind("W17")
    me = lab.as_pod("kikai/test")
    assert me.get("/api").ok
    lab.rewind("W17")
    assert me.get("/api").ok


def test_what_the_learner_asks_is_evidence_and_outlives_the_kernel(lab: Lab) -> None:
    lab.rewind("W15")
    me = lab.as_pod("kikai/test")
    me.get(SERVICES)
    lab.exec("kikai/test", f"curl -s localhost:8001{SERVICES}")
    seen = Lab(home=lab.home, say=lambda _line: None).evidence()
    assert [(each.user, each.text, each.status) for each in seen.asked] == [
        ("system:serviceaccount:kikai:default", "list services in kikai", 403)
    ] * 2
    assert [(each.pod, each.returncode) for each in seen.ran] == [("kikai/test", 0)]
    lab.reset()
    assert not lab.evidence().asked


def test_what_the_lab_does_itself_is_no_evidence(lab: Lab) -> None:
    lab.reset()
    lab.prepare("04-roles/W14-namespaces")
    lab.as_service_account("kikai/default")
    lab.token("kikai/default")
    assert not lab.evidence().asked


def test_what_a_learner_applies_is_evidence(lab: Lab) -> None:
    lab.reset()
    lab.apply("04-roles/W14-namespaces")
    assert [(request.text, request.name) for request in lab.evidence().asked if request.wrote] == [
        ("create namespaces", "kikai"),
        ("create namespaces", "darbo"),
    ]


def test_in_korean_a_caller_has_a_korean_name(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    with speaking():
        with expect_forbidden():
            for caller in (lab.as_service_account("default/default"), lab.as_anonymous()):
                answer = caller.get("/api/v1/pods")
        assert "익명 호출자 (서버가 인식한 사용자: system:anonymous)" in repr(answer)
        token = lab.token("default/default").raw
        assert "토큰 소지자 (서버가" in repr(lab.as_token(token).get("/api"))
    said = "✔ forbidden (예상대로): 서비스 어카운트 default/default: /api/v1/pods; 익명 호출자: /api/v1/pods\n"
    assert capsys.readouterr().out == said


def test_commands_go_through_a_shell_or_past_it(lab: Lab) -> None:
    lab.apply("02-inside-a-pod")
    assert lab.exec("curl", "echo $HOME | tr a-z A-Z").stdout == "/ROOT\n"
    assert lab.exec("default/curl", ["echo", "$HOME"]).stdout == "$HOME\n"
    assert lab.exec("default/curl", "nosuchcommand").returncode == 127


def test_a_pod_that_was_made_anew_may_have_another_shell(lab: Lab) -> None:
    for image in ("debian", "alpine", "debian"):
        container = {"name": "main", "image": image, "command": ["sleep", "99"]}
        lab.apply(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "p"},
                "spec": {"containers": [container]},
            }
        )
        assert lab.exec("p", "echo hello").stdout == "hello\n"
        assert lab.admin.delete("/api/v1/namespaces/default/pods/p").ok


def test_yaml_text_and_objects_apply_too(lab: Lab) -> None:
    text = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: mine\n"
    assert lab.apply(text).objects[0].outcome == "created"
    other = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}}
    assert lab.apply(other).objects[0].name == "other"
    assert len(lab.apply([other, other]).objects) == 2
    assert lab.apply("01-api-server").objects == ()


def test_rewinding_says_where_the_cluster_is(lab: Lab) -> None:
    assert repr(lab.rewind("W1")) == "✔ The cluster is as W1 begins."
    assert repr(lab.rewind("w6")) == "✔ The cluster is as W6 begins.\n  created  Pod curl"
    assert repr(lab.rewind("end")).startswith("✔ The cluster is as the walkthrough ends.\n")


@pytest.mark.parametrize("name", ["", "/", "a/b/c", "/x", "kikai/"])
def test_a_name_must_be_one(lab: Lab, name: str) -> None:
    with pytest.raises(UsageError, match="no name"):
        lab.exec(name, "ls")


def test_what_is_not_there_is_said(lab: Lab) -> None:
    with pytest.raises(ExecFailed, match="The token of kikai/ghost cannot be read"):
        lab.as_pod("kikai/ghost")
    with pytest.raises(ApiFailure, match="no token of kikai/ghost"):
        lab.as_service_account("kikai/ghost")
    with pytest.raises(ApiFailure, match="has no log"):
        lab.logs("default/ghost")
    with pytest.raises(ApiFailure, match="not ready"):
        lab.wait("default/ghost")
    with pytest.raises(UsageError, match='no lesson "99"'):
        lab.apply("99")
    with pytest.raises(UsageError, match="no step"):
        lab.rewind("W99")
    with pytest.raises(UsageError, match=r'no file "nope\.yaml" here'):
        lab.apply("nope.yaml")


POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "own"}}


def test_a_field_that_is_none_is_said_and_nothing_is_made(lab: Lab) -> None:
    typo = {"containers": [{"name": "main", "image": "ubuntu", "comand": ["sleep", "9"]}]}
    with pytest.raises(ApiFailure, match="was not accepted") as caught:
        lab.apply({**POD, "spec": typo})
    assert 'unknown field "spec.containers[0].comand"' in caught.value.why
    assert lab.admin.get("/api/v1/namespaces/default/pods/own").status == 404


def test_what_cannot_be_changed_in_place_is_to_be_made_anew(lab: Lab) -> None:
    container = {"name": "main", "image": "ubuntu"}
    lab.apply({**POD, "spec": {"containers": [{**container, "command": ["sleep", "8"]}]}})
    anew = {**POD, "spec": {"containers": [{**container, "command": ["sleep", "9999999"]}]}}
    path = "/api/v1/namespaces/default/pods/own"
    way_out = f'What is there cannot be changed so. Delete it, lab.admin.delete("{path}"), and apply again.'
    with pytest.raises(ApiFailure) as caught:
        lab.apply(anew)
    assert caught.value.todo == way_out
    lab.admin.delete(path)
    lab.apply(anew)
    assert repr(lab.wait("own")) == (
        "✔ The pod default/own is ready\n  containers  main (ubuntu)\n  runs as     default"
    )


def test_a_command_is_dated_by_its_end_and_not_by_when_the_journal_was_free(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.rewind("W7")
    monkeypatch.setattr(
        lab.journal, "_clock", lambda: time.time() + 3600
    )  # another program held the lock in the meantime
    lab.exec("default/curl", "echo first")
    lab.note_command("default/curl", "echo second", 0, time.time())
    assert [
        (ran.command, ran.covers(time.time() + 1), ran.ended <= time.time())
        for ran in lab.evidence().ran
    ] == [("echo first", False, True), ("echo second", False, True)]


def test_a_binding_keeps_its_role(lab: Lab) -> None:
    lab.rewind("W18")
    other = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "roleRef": other,
    }
    with pytest.raises(ApiFailure) as caught:
        lab.apply({**binding, "metadata": {"namespace": "kikai", "name": "test"}})
    assert "cannot change roleRef" in caught.value.why
    assert "rolebindings/test" in caught.value.todo


def test_a_home_may_be_named_as_text(lab: Lab) -> None:
    assert Lab(home=str(lab.home)).home == lab.home


def test_a_manifest_of_ones_own_is_applied_by_its_name(lab: Lab, tmp_path: Path) -> None:
    own = tmp_path / "mine.yaml"
    own.write_text("{apiVersion: v1, kind: Namespace, metadata: {name: mine}}")
    assert [entry.name for entry in lab.apply(str(own)).objects] == ["mine"]
    own.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"mine\.yaml cannot be read"):
        lab.apply(str(own))


def test_steps_are_named_in_any_way_and_wrong_ones_are_said(lab: Lab) -> None:
    predict(15, "forbidden")  # type: ignore[arg-type] # possible in a notebook
    assert lab.progress.prediction("W15") == "forbidden"
    lab.record("w12", {"sub", "iss"})
    assert lab.progress.records("W12")[-1]["value"] == ["iss", "sub"]
    for act in (lab.predict, lab.record, predict):
        with pytest.raises(UsageError, match='no step "W99"'):
            act("W99", "forbidden")
    with pytest.raises(UsageError, match="cannot be kept"):
        lab.record("W15", object())
    for say in (lab.predict, predict):
        with pytest.raises(UsageError, match="no possible answer"):
            say("W15", object())


@pytest.mark.parametrize(
    ("text", "said"), [("", "empty"), ("a\nb", "cannot be sent"), ("토큰", "cannot be sent")]
)
def test_what_is_no_token_is_said(lab: Lab, text: str, said: str) -> None:
    with pytest.raises(TokenError, match=said):
        lab.as_token(text).get("/api")


def test_a_pod_whose_image_is_not_to_be_had_is_not_waited_for(lab: Lab) -> None:
    pod = {
        "metadata": {"name": "typo"},
        "spec": {"containers": [{"name": "main", "image": "ubunto"}]},
    }
    lab.apply({"apiVersion": "v1", "kind": "Pod", **pod})
    with pytest.raises(ApiFailure, match="typo is not ready") as caught:
        lab.wait("typo")
    assert "Pull" in caught.value.why


def test_an_image_that_is_not_to_be_had_is_named_with_what_the_events_say(lab: Lab) -> None:
    container = {"name": "main", "image": "ubunto", "command": ["sleep", "9999999"]}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "typo"},
        "spec": {"containers": [container]},
    }
    lab.apply(pod)
    with pytest.raises(ApiFailure) as caught:
        lab.wait("typo")
    assert caught.value.why.startswith(
        "its phase is Pending; container main: ImagePullBackOff; "
        'its events say: Failed to pull image "ubunto": failed to pull and unpack image'
    )
    assert caught.value.todo == (
        "Is the image's name spelt right, ubunto, and can this cluster reach its registry? "
        'Delete the pod, lab.admin.delete("/api/v1/namespaces/default/pods/typo"), and apply it with the right one.'
    )
    lab.admin.delete("/api/v1/namespaces/default/pods/typo")
    lab.apply({**pod, "spec": {"containers": [{**container, "image": "ubuntu"}]}})
    assert "is ready" in repr(lab.wait("typo"))


def test_a_misspelt_account_is_compared_with_those_there_are(lab: Lab) -> None:
    lab.rewind("W15")
    meant = 'There is no service account kikai/defualt. Did you mean "kikai/default"?'
    for act in (lab.as_service_account, lab.token):
        with pytest.raises(ApiFailure, match="no token of kikai/defualt") as caught:
            act("kikai/defualt")
        assert caught.value.todo == meant
        with pytest.raises(ApiFailure) as caught:
            act("kikia/default")
        assert caught.value.todo == 'There is no namespace kikia. Did you mean "kikai"?'
        with pytest.raises(ApiFailure) as caught:
            act("sa/default")
        assert "kubectl's" in caught.value.todo


def test_whoever_asks_as_an_account_that_is_not_there_is_told(lab: Lab) -> None:
    lab.rewind("W15")
    answer = lab.admin.request(
        "GET", SERVICES, headers={"impersonate-user": "system:serviceaccount:kikai:defualt"}
    )
    assert (
        'note      There is no service account kikai/defualt. Did you mean "kikai/default"?'
        in repr(answer)
    )
    assert ["note", answer.note] in XRay(answer, lab).data["stages"][1]["facts"]
    there = lab.admin.request(
        "GET", SERVICES, headers={"Impersonate-User": "system:serviceaccount:kikai:default"}
    )
    assert there.forbidden
    assert "note" not in repr(there)
    assert not any(each.call.resource == "serviceaccounts" for each in lab.evidence().asked)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_as_an_account_that_is_not_there_is_told(lab: Lab) -> None:
    lab.rewind("W15")
    ran = lab.kubectl("get services -n kikai --as system:serviceaccount:kikai:defualt")
    assert ran.note == 'There is no service account kikai/defualt. Did you mean "kikai/default"?'
    assert ran.note in repr(ran)
    assert not lab.kubectl("get services -n kikai --as=system:serviceaccount:kikai:default").note


@pytest.mark.parametrize(
    ("line", "waits"),
    [
        ("create rolebinding r --role=x", True),
        ("delete role x", True),
        ("get roles -n kikai", False),
        ("describe role create-things", False),
    ],
)
def test_after_a_write_of_kubectl_a_real_clusters_authorizer_gets_its_time(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, line: str, waits: bool
) -> None:
    slept: list[float] = []
    clock = SimpleNamespace(time=time.time, sleep=slept.append)
    monkeypatch.setattr("labkit.lab.cluster.time", clock)
    monkeypatch.setattr("shutil.which", lambda _name: None)
    for patience, expected in ((0.0, False), (1.0, waits)):
        monkeypatch.setattr(lab, "patience_seconds", patience)
        lab.kubectl(line)
        assert bool(slept) is expected


def test_a_probe_is_no_evidence_and_has_a_minute(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.rewind("W6")
    limits: list[float] = []
    real = lab.pods.exec

    def exec_(*words: Any, timeout_seconds: float, **more: Any) -> Any:
        limits.append(timeout_seconds)
        return real(*words, timeout_seconds=timeout_seconds, **more)

    monkeypatch.setattr(lab.pods, "exec", exec_)
    before = len(lab.journal.entries())
    assert lab.probe("default/curl", "echo probed").stdout == "probed\n"
    assert len(lab.journal.entries()) == before
    assert lab.exec("default/curl", "true").returncode == 0
    assert len(lab.journal.entries()) == before + 1
    assert limits == [60.0, 120.0]


def test_a_secrets_token_that_was_not_decoded_is_said_and_never_shown(lab: Lab) -> None:
    lab.rewind("W15")
    raw = lab.token("kikai/default").raw
    encoded = b64encode(raw.encode()).decode()
    for act in (lab.token, lab.as_token):
        with pytest.raises(TokenError, match="This is base64 of a token") as caught:
            act(encoded)
        assert encoded[:30] not in str(caught.value)
        with pytest.raises(UsageError, match="bytes") as refused:
            act(b64decode(encoded))  # type: ignore[arg-type] # possible in a notebook
        assert refused.value.todo.startswith("Make text of the bytes: add .decode().")
    calls: list[Callable[[str], object]] = [
        lab.apply,
        lab.as_pod,
        lab.as_service_account,
        lab.wait,
        lab.rewind,
    ]
    calls += [
        lambda text: lab.exec(text, "ls"),
        lambda text: predict("W15", text),
        lambda text: predict(text, "no"),
    ]
    for call in calls:
        for secret in (raw, encoded, f"default/{encoded}"):
            with pytest.raises(LabkitError) as failed:
                call(secret)
            assert raw[-40:] not in str(failed.value)
            assert encoded[-40:] not in str(failed.value)
    lab.record("W12", raw)
    assert raw not in (lab.home / "progress.json").read_text(encoding="utf-8")


def test_without_an_audit_log_a_service_account_has_its_groups(lab: Lab) -> None:
    lab.rewind("W15")
    for caller in (lab.as_pod("kikai/test"), lab.as_service_account("kikai/default")):
        answer = replace(caller.get(SERVICES), find_event=lambda _audit_id: None)
        assert answer.event is None
        assert answer.identity.groups == (
            "system:serviceaccounts",
            "system:serviceaccounts:kikai",
            "system:authenticated",
        )
        facts = XRay(answer, lab).data["stages"][1]["facts"]
        assert ["groups", ", ".join(answer.identity.groups)] in facts


def test_a_container_cannot_be_added_and_the_pod_is_to_be_made_anew(lab: Lab) -> None:
    first, second = (
        {"name": name, "image": "ubuntu", "command": ["sleep", "9999999"]}
        for name in ("main", "more")
    )
    lab.apply({**POD, "spec": {"containers": [first]}})
    with pytest.raises(ApiFailure, match="was not accepted") as caught:
        lab.apply({**POD, "spec": {"containers": [first, second]}})
    assert "may not add or remove containers" in caught.value.why
    assert 'Delete it, lab.admin.delete("/api/v1/namespaces/default/pods/own")' in caught.value.todo


def test_words_called_wrongly_show_the_right_call(lab: Lab) -> None:
    with pytest.raises(UsageError, match=r"missing a required argument: 'step'") as caught:
        words.check()  # type: ignore[call-arg] # possible in a notebook
    assert caught.value.todo == 'Write check("W15").'
    with pytest.raises(UsageError, match="too many positional arguments") as caught:
        predict("W19", "a", "b")  # type: ignore[call-arg] # possible in a notebook
    assert 'predict("W19", {"kikai": "…", "darbo": "…"})' in caught.value.todo


def test_the_proxy_needs_no_credentials(lab: Lab) -> None:
    import http.client

    with lab.proxy() as proxy:
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=SECONDS)
        connection.request("GET", "/api/v1/namespaces")
        assert connection.getresponse().status == 200
        connection.close()


def test_a_watch_through_the_proxy_streams(lab: Lab) -> None:
    import http.client
    import json

    with lab.proxy() as proxy:
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=SECONDS)
        connection.request("GET", "/api/v1/namespaces?watch=1&timeoutSeconds=60")
        response = connection.getresponse()
        lab.apply("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: seen\n")
        while True:
            event = json.loads(response.readline())
            if event["object"]["metadata"]["name"] == "seen":
                break
        assert event["type"] == "ADDED"
        response.close()
        connection.close()


def test_a_watch_of_the_client(lab: Lab) -> None:
    events = lab.admin.watch("/api/v1/namespaces", timeout_seconds=1)
    names = {event["object"]["metadata"]["name"] for event in events}
    assert "default" in names


def test_finding_only_starts_nothing(tmp_path: Path) -> None:
    lab = Lab("embedded", home=tmp_path / "home", start=False, say=quiet)
    assert not lab.status().running
    assert "does not run" in repr(lab.status())
    with pytest.raises(NotRunning):
        _ = lab.kubeconfig
    assert "embedded" in repr(lab)


@pytest.mark.parametrize(
    "named", [{"backend": 5}, {"home": 5}, {"kubeconfig": b"x"}, {"prefix": 5}, {"home": "\0"}]
)
def test_a_lab_of_something_else_is_said(named: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="Lab cannot take") as caught:
        Lab(**named)
    assert 'Write Lab("embedded").' in caught.value.todo


def test_an_unknown_backend_is_suggested(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        Lab("embeded", home=tmp_path / "home")
    assert caught.value.todo == 'Did you mean "embedded"?'


def test_before_the_first_lab_none_is_current(monkeypatch: pytest.MonkeyPatch, lab: Lab) -> None:
    monkeypatch.setattr(current, "_labs", [])
    assert current.current() is None
    other: Any = object()
    current.use(lab)
    current.use(other)
    assert current.current() is other


def test_options_reach_the_backend_that_is_chosen(tmp_path: Path) -> None:
    for options in ({"prefix": "me"}, {"context": "x"}, {"image": "y"}, {"kubeconfig": "z"}):
        (name,) = options
        named: dict[str, Any] = options
        with pytest.raises(UsageError, match=f'embedded has no option "{name}"'):
            Lab("embedded", home=tmp_path / "home", start=False, **named)


def test_stopping_a_lab_stops_its_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Lab("embedded", home=tmp_path / "home", start=False, say=quiet)
    stopped: list[Any] = []
    monkeypatch.setattr(type(found.backend), "stop", lambda _backend, say: stopped.append(say))
    found.stop()
    assert stopped == [quiet]


def test_where_a_grader_runs_a_notebook_an_exercise_is_sealed(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "labkit.grading.exercises.exercise", None)
    sealed = exercise(lab, "ex4-roles")
    assert repr(sealed) == "• ex4-roles is judged when the notebook has ended."
    for same in (sealed.start(), sealed.show("4.1"), sealed.check("4.1"), sealed.score()):
        assert same is sealed
    assert (sealed.hint("4.1"), sealed.board(), sealed.points("4.1")) == (sealed, sealed, 0.0)
    odd: Any = "ex4-roles"
    with pytest.raises(UsageError, match="cannot take"):
        exercise(odd, "ex4-roles")


def test_the_words_act_on_the_lab_made_last(lab: Lab) -> None:
    assert words.current() is lab
    assert words.context(lab).admin.get("/api").status == 200


def test_the_lab_shows_itself_without_secrets(lab: Lab) -> None:
    assert "PRIVATE" not in repr(lab) + repr(vars(lab))
    assert "labkit on the embedded cluster" in lab._repr_html_()


def test_what_waits_for_a_class_is_sent_when_the_lab_is_opened_again(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def states() -> dict[str, str]:
        return {
            row["step"]: row["state"]
            for row in room.teach("GET", "everything")
            if row["what"] == "outcome"
        }

    with Room(tmp_path / "class.db") as room:
        lab.join(room.address, room.store.code)
        until(lambda: not read_json(lab.home / JOINED)["waiting"])
        with monkeypatch.context() as patch:
            patch.setattr(
                joining, "send_soon", lambda _home: None
            )  # as if the kernel had ended before it could
            lab.report_to_class(Outcome("passed", "seen", step="W1"))
        assert read_json(lab.home / JOINED)["waiting"]
        assert "W1" not in states()
        Lab(home=lab.home, say=quiet)
        until(lambda: states().get("W1") == "passed")
        until(lambda: not read_json(lab.home / JOINED)["waiting"])
        lab.leave()
        Lab(home=lab.home, say=quiet)
        assert not (lab.home / JOINED).exists()
