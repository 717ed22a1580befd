"""Evidence from the audit log and the journal: requests, commands in pods, and the time from which they count."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.client.request_info import read_call
from labkit.lessons.evidence import Asked, PodCommand, gather

Event = dict[str, Any]


def at(second: int) -> str:
    """Return a time in an audit event."""
    return f"1970-01-01T00:00:{second:02}Z"


def event(audit: str, received: int = 10, stage: int | None = None, **more: Any) -> Event:
    """Return an audit event of a request by curl."""
    return {
        "auditID": audit,
        "userAgent": "curl/8",
        "user": {"username": "ann"},
        "verb": "list",
        "requestURI": "/api/v1/namespaces/kikai/services",
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": at(received),
        "stageTimestamp": at(stage if stage is not None else received),
        **more,
    }


def exec_event(words: str, received: int = 10, stage: int = 20, **more: Any) -> Event:
    """Return an audit event of a command in the pod ``default/curl``."""
    query = "&".join(f"command={word}" for word in words.split())
    return event(
        f"exec-{words}",
        received,
        stage,
        requestURI=f"/api/v1/namespaces/default/pods/curl/exec?{query}&stdout=true",
        objectRef={"subresource": "exec", "namespace": "default", "name": "curl"},
        **more,
    )


# -- since when it counts --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("received", "stage", "counts"),
    [(10, 10, True), (9, 10, False), (9, 11, False), (9, 9, False), (11, 12, True)],
)
def test_a_request_counts_if_it_came_after_the_reset(
    received: int, stage: int, counts: bool
) -> None:
    assert bool(gather([event("1", received, stage)], [], 10).asked) is counts


def test_the_log_is_read_no_further_back_than_to_the_reset() -> None:
    read: list[str] = []

    def newest_first() -> Any:
        for each in (event("3", 12), event("2", 9, 11), event("1", 8, 9), event("0", 12)):
            read.append(each["auditID"])
            yield each

    assert len(gather(newest_first(), [], 10).asked) == 1
    assert read == ["3", "2", "1"]


def test_of_a_request_s_events_the_last_one_counts() -> None:
    stages = [event("1", responseStatus={"code": 403}), event("1", responseStatus={"code": 100})]
    assert [each.status for each in gather(stages, [], 0).asked] == [403]


def test_an_event_without_a_time_was_before_every_reset() -> None:
    broken = {**event("1"), "stageTimestamp": "yesterday", "requestReceivedTimestamp": None}
    assert [each.at for each in gather([broken], [], 0).asked] == [0.0]
    assert gather([broken], [], 1).asked == []


def test_without_a_log_only_the_journal_speaks() -> None:
    fact = {"kind": "token", "subject": "ann"}
    found = gather(None, [fact], 0)
    assert (found.asked, found.ran, found.facts, found.logged) == ([], [], [fact], False)
    assert gather([], [], 0).logged


# -- requests ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({}, "list services in kikai"),
        ({"verb": "get", "requestURI": "/api"}, "get /api"),
        ({"verb": "get", "requestURI": "/api/v1/namespaces/a/pods/b"}, "get pods in a"),
        ({"verb": "create"}, "create services in kikai"),
        ({"verb": "deletecollection"}, "deletecollection services in kikai"),
        ({"verb": "delete", "requestURI": "/api/v1/nodes/a"}, "delete nodes"),
        (
            {"verb": "patch", "requestURI": "/apis/apps/v1/namespaces/a/deployments/b/scale"},
            "patch deployments/scale in a",
        ),
        ({"verb": "update", "requestURI": "/api/v1/namespaces/a/pods/b"}, "update pods in a"),
        ({"verb": "watch", "requestURI": "/api/v1/pods?watch=1"}, "watch pods"),
        (
            {"verb": "list", "requestURI": "/api/v1/namespaces/kik%61i/services"},
            "list services in kikai",
        ),
    ],
)
def test_a_request_is_known_by_its_verb_and_path(more: Event, text: str) -> None:
    (asked,) = gather([event("1", **more)], [], 0).asked
    assert asked.text == text
    assert asked.reads is (text.split()[0] in ("get", "list", "watch"))


@pytest.mark.parametrize(
    ("path", "said"), [("/", "/"), ("/api/", "/api"), ("/api/v1/pods?limit=1", "/api/v1/pods")]
)
def test_a_path_has_no_query_and_no_last_slash(path: str, said: str) -> None:
    assert Asked("ann", read_call("GET", path), 200, 1.0).path == said


def test_an_event_becomes_a_request() -> None:
    refusal = {"code": 403, "message": "No."}
    (asked,) = gather(
        [event("1", responseStatus=refusal, impersonatedUser={"username": "bob"})], [], 0
    ).asked
    assert (asked.user, asked.asker, asked.status, asked.at) == ("bob", "ann", 403, 10.0)
    assert (asked.agent, asked.message, asked.proxied, asked.bare) == (
        "curl/8",
        "No.",
        False,
        False,
    )


@pytest.mark.parametrize(
    ("more", "user", "bare"),
    [
        ({"responseStatus": {"code": 401, "message": "invalid bearer token"}}, "", False),
        ({"responseStatus": {"code": 401, "message": "no credentials provided"}}, "", True),
        ({"user": None, "responseStatus": None}, "", False),
        ({"user": None, "impersonatedUser": {"username": "bob"}}, "bob", False),
        ({"user": {"username": "system:anonymous"}}, "system:anonymous", False),
    ],
)
def test_a_refused_credential_is_nobody(more: Event, user: str, bare: bool) -> None:
    (asked,) = gather([event("1", **more)], [], 0).asked
    assert (asked.user, asked.bare, asked.asker) == (user, bare, "")
    assert asked.message == (more.get("responseStatus") or {}).get("message", "")


@pytest.mark.parametrize(
    ("agent", "user", "counts"),
    [
        ("curl/8", "ann", True),
        ("labkit/1.0 (lab)", "ann", False),
        ("labkit/1.0", "ann", True),
        ("labkit-check", "ann", False),
        ("curl labkit-check", "ann", True),
        ("kube", "system:apiserver", False),
        ("kube", "system:kube-scheduler", False),
        ("kube", "system:node:a", False),
        ("kube", "system:serviceaccount:kube-system:job-controller", False),
        ("kube", "system:serviceaccount:kikai:default", True),
    ],
)
def test_the_lab_and_the_machinery_are_no_learners(agent: str, user: str, counts: bool) -> None:
    found = gather([event("1", userAgent=agent, user={"username": user})], [], 0)
    assert bool(found.asked) is counts
    assert [each.by_labkit for each in found.asked] == [agent == "labkit/1.0"] * counts


def test_a_journal_s_answer_becomes_a_request() -> None:
    answer = {
        "kind": "answer", "as_user": "ann", "method": "POST", "path": "/api/v1/namespaces/a/pods", "status": 403,
        "at": 7, "message": "No.", "server": "http://127.0.0.1:8001", "who": "anonymous",
    }  # fmt: skip
    (asked,) = gather(None, [answer], 0).asked
    assert (asked.user, asked.text, asked.status, asked.at) == ("ann", "create pods in a", 403, 7.0)
    assert (asked.message, asked.proxied, asked.bare, asked.by_labkit) == ("No.", True, True, True)
    (least,) = gather(None, [{"kind": "answer", "path": "/api"}], 0).asked
    assert (least.user, least.text, least.status, least.at) == ("", "get /api", 0, 0.0)
    assert (least.message, least.proxied, least.bare) == ("", False, False)
    assert gather(None, [{"kind": "answer", "status": 0}], 0).asked == [], "it got no answer"


def test_both_witnesses_make_one_request_and_each_alone_another() -> None:
    journal = [
        {"kind": "answer", "audit_id": "b", "path": "/api", "at": 30, "who": "anonymous"},
        {"kind": "answer", "path": "/apis", "at": 5},
        {"kind": "answer", "path": "/version", "at": 40},
    ]
    found = gather([event("a", 20), event("b", 10)], journal, 0)
    assert [(each.at, each.path, each.bare) for each in found.asked] == [
        (5.0, "/apis", False),
        (10.0, "/api/v1/namespaces/kikai/services", True),
        (20.0, "/api/v1/namespaces/kikai/services", False),
        (40.0, "/version", False),
    ]


# -- commands in pods -------------------------------------------------------------------------


def test_a_command_in_the_log_has_no_exit_code() -> None:
    (ran,) = gather([exec_event("curl -s https://kubernetes")], [], 0).ran
    assert ran == PodCommand("default/curl", "curl -s https://kubernetes", None, "", 10.0, 20.0)
    assert [ran.covers(second) for second in (9.9, 10, 15, 20, 20.1)] == [
        False,
        True,
        True,
        True,
        False,
    ]


def test_a_command_in_the_journal_has_its_exit_code_and_what_it_printed() -> None:
    entry = {
        "kind": "exec", "who": "default/curl", "command": "curl x", "returncode": 6, "stdout": "a", "stderr": "b",
        "at": 20, "seconds": 3,
    }  # fmt: skip
    assert gather(None, [entry], 0).ran == [
        PodCommand("default/curl", "curl x", 6, "a\nb", 17.0, 20.0)
    ]
    assert gather(None, [{"kind": "exec"}], 0).ran == [PodCommand("", "", 0, "\n", 0.0, 0.0)]


def test_a_command_that_both_saw_counts_once() -> None:
    entry = {"kind": "exec", "who": "default/curl", "command": "curl x", "at": 20}
    assert [each.returncode for each in gather([exec_event("curl x")], [entry], 0).ran] == [0]
    for other in ({"command": "curl y"}, {"who": "default/other"}):
        ran = gather([exec_event("curl x")], [{**entry, **other}], 0).ran
        assert [each.returncode for each in ran] == [None, 0]
    ran = gather([exec_event("curl x"), exec_event("curl x", auditID="2")], [], 0).ran
    assert [each.returncode for each in ran] == [None, None]


def test_a_check_s_own_commands_are_left_out() -> None:
    assert gather([exec_event("curl x", userAgent="labkit-check")], [], 0).ran == []
    assert gather([exec_event("curl x", userAgent="labkit/1.0 (lab)")], [], 0).ran == []


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("curl -s x", "curl -s x"),
        ("sh -c curl%20x", "curl x"),
        ("bash -l -c curl%20x", "curl x"),
        ("bash -lc curl%20x more", "curl x"),
        ("/bin/sh -ec curl%20x", "curl x"),
        ("sh -c", "sh -c"),
        ("sh script.sh -c", "sh script.sh -c"),
        ("sh -x script.sh", "sh -x script.sh"),
        ("python -c curl", "python -c curl"),
        ("echo a%20b", "echo 'a b'"),
        ("", ""),
    ],
)
def test_what_a_shell_is_given_to_run_is_the_command(words: str, command: str) -> None:
    (ran,) = gather([exec_event(words)], [], 0).ran
    assert ran.command == command


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("sh -c 'curl x'", "curl x"),
        ("curl 'a b'", "curl 'a b'"),
        ("echo 'open", "echo 'open"),
        ("", ""),
        ("  ", "  "),
    ],
)
def test_a_line_of_the_journal_is_the_command_or_the_script_in_it(line: str, command: str) -> None:
    assert gather(None, [{"kind": "exec", "command": line}], 0).ran[0].command == command


@pytest.mark.parametrize(
    ("command", "interactive"),
    [
        ("bash", True),
        ("/bin/sh -l", True),
        ("sh -c 'curl x'", False),
        ("bash -lc 'curl x'", False),
        ("bash --rcfile x", True),
        ("curl bash", False),
        ("", False),
    ],
)
def test_a_shell_without_a_script_is_interactive(command: str, interactive: bool) -> None:
    assert PodCommand("a/b", command, 0, "", 0, 0).interactive is interactive


@pytest.mark.parametrize(
    ("command", "calls"),
    [
        ("curl x", [["curl", "x"]]),
        (
            "cd /tmp && curl x; wget y | cat",
            [["cd", "/tmp"], ["curl", "x"], ["wget", "y"], ["cat"]],
        ),
        ("echo $(curl x)", [["echo"], ["curl", "x"]]),
        (
            "if true; then curl x; else curl y; fi",
            [["if", "true"], ["curl", "x"], ["curl", "y"], ["fi"]],
        ),
        ("A=1 B=2 curl x", [["curl", "x"]]),
        ("env A=1 time curl x", [["curl", "x"]]),
        ("timeout -k 3 9 curl x", [["curl", "x"]]),
        ("timeout 9 /usr/bin/curl x", [["/usr/bin/curl", "x"]]),
        ("nohup exec command curl x", [["curl", "x"]]),
        ("A=1", []),
        ("curl x # wget y", [["curl", "x"]]),
        ("# curl x\nwget y", [["wget", "y"]]),
        ("curl a#b", [["curl", "a#b"]]),
        ("echo 'a; curl x'", [["echo", "'a"], ["curl", "x'"]]),
    ],
)
def test_a_line_is_taken_apart_into_its_calls(command: str, calls: list[list[str]]) -> None:
    assert PodCommand("a/b", command, 0, "", 0, 0).calls == calls


def test_a_program_is_known_by_its_name_wherever_it_lies() -> None:
    ran = PodCommand("a/b", "/usr/bin/curl x; wget y; echo curl", 0, "", 0, 0)
    assert ran.runs("curl") == [["/usr/bin/curl", "x"]]
    assert ran.runs("curl", "wget") == [["/usr/bin/curl", "x"], ["wget", "y"]]
