"""Each kind of check, on a cluster of a few written objects: what it sees, and what it says of it."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from labkit.core.errors import ApiFailure
from labkit.grading.tasks.checks import (
    AUDIT,
    PODS,
    Check,
    Finding,
    GradedCluster,
    absent,
    called_from,
    config_map_says,
    exists,
    may,
    may_not,
    token_in_secret,
    was_read,
)
from labkit.grading.tasks.task import Object, role
from tests.grading.desk import Desk
from tests.grading.fixed_cluster import context_of

NO_LOG = "not judged: this cluster keeps no audit log that can be read from end to end"
NO_PODS = "not judged: no pod runs on this cluster, since none of its nodes is ready"


@pytest.mark.parametrize(
    ("needs", "audited", "pods", "why"),
    [
        ((), False, False, ""),
        (("audit",), True, False, ""),
        (("audit",), False, True, NO_LOG),
        (("pods",), False, True, ""),
        (("pods",), True, False, NO_PODS),
        (("audit", "pods"), True, True, ""),
        (("audit", "pods"), False, False, NO_LOG),
    ],
)
def test_what_a_cluster_lacks_for_a_check(
    needs: tuple[str, ...], audited: bool, pods: bool, why: str
) -> None:
    assert context_of(events=[] if audited else None, pods=pods).lacks(frozenset(needs)) == why


def test_a_cluster_has_pods_and_no_log_unless_it_is_said() -> None:
    context = context_of()
    bare = GradedCluster(
        context.admin, context.admin, context.decide, context.policy, context.before
    )
    assert (bare.pods, bare.audited, list(bare.events()), list(bare.allowances)) == (
        True,
        False,
        [],
        [],
    )


@pytest.mark.parametrize("body", ["text", None, [1]])
def test_an_answer_that_is_no_object_is_refused(body: Any) -> None:
    with pytest.raises(ApiFailure, match="could not be asked for /a"):
        context_of({"/a": body}).find("/a")
    assert context_of({"/a": {"b": 1}}).find("/a") == {"b": 1}
    assert context_of({"/a": {}}).find("/b") is None


@pytest.mark.parametrize(
    ("obj", "value"),
    [
        ({"data": {"k": " v\n"}}, "v"),
        ({"data": {"k": ""}, "binaryData": {"k": "dg=="}}, ""),
        ({"data": {"other": "v"}}, ""),
        ({"data": None, "binaryData": None}, ""),
        ({"binaryData": {"k": base64.b64encode(b"v\n").decode()}}, "v"),
        ({"binaryData": {"k": base64.b64encode(b"\xffv").decode()}}, "\ufffdv"),
        ({"binaryData": {"k": "v"}}, ""),  # no base64
        ({"binaryData": {"other": "dg=="}}, ""),
    ],
)
def test_a_config_maps_value_is_text_or_binary(obj: Object, value: str) -> None:
    context = context_of({"/api/v1/namespaces/s/configmaps/m": obj})
    assert context.config_map_value("s", "m", "k") == value
    assert context.config_map_value("s", "other", "k") == ""


@pytest.mark.parametrize(
    ("data", "ok", "seen"),
    [
        ({"k": "v"}, True, "The config map m says v of k."),
        ({"k": "w"}, False, "The config map m says w of k."),
        ({}, False, "The config map m says nothing of k."),
    ],
)
def test_a_config_map_is_to_say_something(data: dict[str, str], ok: bool, seen: str) -> None:
    check = config_map_says("s", "m", "k", "It says v.", lambda _context: "v")
    assert (check.expected, check.points, check.limit, check.needs) == (
        "It says v.",
        2.0,
        False,
        frozenset(),
    )
    assert check.look(context_of({"/api/v1/namespaces/s/configmaps/m": {"data": data}})) == Finding(
        ok, seen
    )
    nothing = config_map_says("s", "m", "k", "", lambda _context: "")
    assert not nothing.look(context_of()).ok, "nothing is never the answer"


def test_an_object_is_to_be_there_and_as_it_should() -> None:
    obj = {"kind": "Pod", "metadata": {"name": "web"}}
    context = context_of({"/pod": obj, "/item": {"metadata": {"name": "web"}}})
    check = exists("/pod", "There is a pod.", needs=PODS)
    assert (check.expected, check.points, check.limit, check.needs) == (
        "There is a pod.",
        1.0,
        False,
        PODS,
    )
    assert check.look(context) == Finding(True, "Pod web is there.")
    assert exists("/item", "").look(context) == Finding(True, "The object web is there.")
    assert exists("/ghost", "").look(context) == Finding(False, "There is no object at /ghost.")
    wrong = exists("/pod", "", where=lambda found: f"{found['metadata']['name']} is wrong.")
    assert wrong.look(context) == Finding(False, "web is wrong.")


def test_an_object_that_is_to_be_gone_is_a_limit() -> None:
    check = absent("/pod", "There is no pod.", points=0.75, hint="Delete it.")
    assert (check.expected, check.points, check.hint, check.limit) == (
        "There is no pod.",
        0.75,
        "Delete it.",
        True,
    )
    assert absent("/pod", "").points == 0.5
    assert check.look(context_of({"/pod": {}})) == Finding(False, "It is still there.")
    assert check.look(context_of()) == Finding(True, "It is not there.")


# -- what somebody may ---------------------------------------------------------------------------


def allowed_pods() -> Check:
    return may("s/ann", "list", "pods", "s", points=2.0, hint="Bind it.")


def forbidden_pods() -> Check:
    return may_not("s/ann", "list", "pods", "s")


@pytest.mark.parametrize(
    ("status", "allowed", "seen"),
    [
        ({"allowed": True}, True, "The server says allowed."),
        ({"allowed": True, "reason": "RBAC: by b"}, True, "The server says allowed (RBAC: by b)."),
        ({"allowed": False, "reason": ""}, False, "The server says forbidden."),
        ({"allowed": False, "reason": "no"}, False, "The server says forbidden (no)."),
    ],
)
def test_the_server_is_asked_what_somebody_may(status: Object, allowed: bool, seen: str) -> None:
    context = context_of(status=status)
    assert allowed_pods().look(context) == Finding(allowed, seen)
    assert forbidden_pods().look(context) == Finding(not allowed, seen)
    hidden = may_not("s/ann", "list", "pods", "s", show_reason=False).look(context)
    assert hidden == Finding(not allowed, seen.partition(" (")[0].rstrip(".") + ".")


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
@pytest.mark.parametrize(
    "check",
    [
        exists("/api/v1/namespaces/s/pods/p", "The pod is there."),
        absent("/api/v1/namespaces/s/pods/p", "The pod is gone."),
        config_map_says("s", "answers", "key", "It says so.", lambda _context: "so"),
        token_in_secret("s", "jar", "ann", "It holds a token.", lambda _token, _context: ""),
    ],
    ids=["exists", "absent", "config map", "token"],
)
def test_a_refused_read_is_no_verdict(check: Check, status: int) -> None:
    with pytest.raises(ApiFailure, match="could not be asked for") as failed:
        check.look(context_of(otherwise=status))
    assert failed.value.status == status


def test_a_permission_is_needed_and_a_limit_is_none() -> None:
    needed, limit = allowed_pods(), forbidden_pods()
    assert (needed.expected, needed.points, needed.hint, needed.limit) == (
        "s/ann: list pods in s is allowed",
        2.0,
        "Bind it.",
        False,
    )
    assert str(needed.need) == "s/ann: list pods in s"
    assert (limit.expected, limit.points, limit.limit) == (
        "s/ann: list pods in s is forbidden",
        0.5,
        True,
    )
    assert limit.hint == "Something grants more than was asked for."
    assert limit.need is None
    assert may("ann", "get", "deployments", group="apps", name="web").expected == (
        "ann: get deployments.apps web in the whole cluster is allowed"
    )
    assert may("ann", "get", "", path="/metrics").expected == "ann: get /metrics is allowed"


def widened(**rule: Any) -> list[Object]:
    made = role("s", "r", ("", "", "pods"))
    made["rules"] = [
        {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]},
        {**made["rules"][0], **rule},
    ]
    return [made]


LABELLED = {**widened(verbs=["List"])[0]}
LABELLED["metadata"] = {
    **LABELLED["metadata"],
    "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
}
NOTE = ' Verbs are written in small letters: "list", not "List".'


@pytest.mark.parametrize(
    ("policy", "note"),
    [
        (widened(verbs=["List"]), NOTE),
        (
            widened(verbs=["get,list"]),
            ' "get,list" is one string, and so one verb. Each verb is a string of its own: "get", "list".',
        ),
        (widened(verbs=["Get"]), ""),  # it would not allow it either
        (widened(verbs=["List"], resources=["nodes"]), ""),
        (widened(verbs=None), ""),
        (widened(verbs=["list"]), ""),  # written well: it is not bound
        ([{**widened()[0], "rules": None}, *widened(verbs=["List"])], NOTE),
        ([LABELLED], ""),  # one of those that every cluster has
    ],
)
def test_a_misspelt_verb_of_a_rule_that_was_meant_to_allow_it_is_named(
    policy: list[Object], note: str
) -> None:
    forbidden = context_of(status={"allowed": False}, policy=policy)
    assert allowed_pods().look(forbidden) == Finding(False, f"The server says forbidden.{note}")
    assert forbidden_pods().look(forbidden) == Finding(True, "The server says forbidden.")
    assert allowed_pods().look(context_of(status={"allowed": True}, policy=policy)) == Finding(
        True, "The server says allowed."
    )


# -- tokens --------------------------------------------------------------------------------------


def test_a_token_is_to_be_kept_that_speaks_for_an_account() -> None:
    desk = Desk("3.1")
    context = desk.cluster.context
    space, name = desk.home, desk.who
    path = f"/api/v1/namespaces/{space}/secrets/s"

    def look(token: str | None, wrong: str = "") -> Finding:
        desk.admin.delete(path)
        if token is not None:
            data = {"metadata": {"name": "s"}, "stringData": {"token": token, "other": "x"}}
            assert desk.admin.post(path.rpartition("/")[0], data).status == 201
        return token_in_secret(
            space, "s", name, "It is kept.", lambda _token, _context: wrong
        ).look(context)

    def token(of: str) -> str:
        answer = desk.admin.post(
            f"/api/v1/namespaces/{space}/serviceaccounts/{of}/token", {"spec": {}}
        )
        return str(answer.body["status"]["token"])

    none, good = f"There is no Secret s with the key “token” in {space}.", token(name)
    assert look(None) == Finding(False, none)
    assert look("") == Finding(False, none)
    for nonsense in ("nonsense", "a.b.c", good[:-1].replace(".", "")):
        assert look(nonsense) == Finding(False, "What the Secret s holds is no token.")
    assert look(good) == Finding(
        True, f"The token in s speaks for system:serviceaccount:{space}:{name}."
    )
    assert look(f"{good}\n").ok
    assert look(good, "It lives too long.") == Finding(False, "It lives too long.")
    forged = look(good[:-8] + "AAAAAAAA")
    assert not forged.ok
    assert forged.seen.startswith("The token in s is ")
    other = f"system:serviceaccount:{space}:default"
    assert look(token("default")) == Finding(False, f"It speaks for {other}, not for {name}.")


@pytest.mark.parametrize(
    ("obj", "seen"),
    [
        (None, "There is no Secret t with the key “token” in s."),
        ({}, "There is no Secret t with the key “token” in s."),
        ({"data": None}, "There is no Secret t with the key “token” in s."),
        ({"data": {"other": "eA=="}}, "There is no Secret t with the key “token” in s."),
        ({"data": {"token": "no base64"}}, "What the Secret t holds is no token."),
        ({"data": {"token": "/w=="}}, "What the Secret t holds is no token."),  # no text
    ],
)
def test_a_secret_without_a_token_is_none(obj: Object | None, seen: str) -> None:
    context = context_of({} if obj is None else {"/api/v1/namespaces/s/secrets/t": obj})
    check = token_in_secret("s", "t", "ann", "It is kept.", lambda _token, _context: "")
    assert check.look(context) == Finding(False, seen)


def test_a_tokens_check_is_worth_two_points_and_may_need_something() -> None:
    check = token_in_secret(
        "s", "t", "ann", "It is kept.", lambda _token, _context: "", needs=AUDIT
    )
    assert (check.expected, check.points, check.limit, check.needs) == (
        "It is kept.",
        2.0,
        False,
        AUDIT,
    )
    assert (frozenset({"audit"}), frozenset({"pods"})) == (AUDIT, PODS)


# -- the audit log -------------------------------------------------------------------------------

POD = "/api/v1/namespaces/s/pods/web"
PATH = "/api/v1/namespaces/s/services"
BOT = "system:serviceaccount:s:bot"
OUTSIDE = f"The audit log shows no such request of {BOT}. It shows one from "
NOT_THE_PODS = ", which is not the pod, or with a token that is not the pod's."


def event(uri: str = f"{PATH}?limit=500", *, pod: str = "web", **changes: Any) -> Object:
    extra = {"authentication.kubernetes.io/pod-name": [pod]} if pod else None
    made = {
        "user": {"username": BOT, "extra": extra},
        "verb": "list",
        "requestURI": uri,
        "sourceIPs": ["1.1.1.1", "10.0.0.1"],
    }
    return {**made, **changes}


@pytest.mark.parametrize(
    ("events", "seen"),
    [
        ([event()], f"The audit log shows {BOT}: list {PATH}?limit=500."),
        ([event(sourceIPs=["10.0.0.9"]), event(PATH)], f"The audit log shows {BOT}: list {PATH}."),
        ([], f"The audit log shows no such request of {BOT}."),
        ([event(verb="get")], f"The audit log shows no such request of {BOT}."),
        ([event("/api")], f"The audit log shows no such request of {BOT}."),
        ([event(f"/x{PATH}")], f"The audit log shows no such request of {BOT}."),
        (
            [event(impersonatedUser={"username": "x"})],
            f"The audit log shows no such request of {BOT}.",
        ),
        ([event(user={"username": "x"})], f"The audit log shows no such request of {BOT}."),
        ([event(sourceIPs=["10.0.0.1", "10.0.0.9"])], f"{OUTSIDE}10.0.0.9{NOT_THE_PODS}"),
        ([event(pod="")], f"{OUTSIDE}10.0.0.1{NOT_THE_PODS}"),
        ([event(pod="other"), event("/api")], f"{OUTSIDE}10.0.0.1{NOT_THE_PODS}"),
    ],
)
def test_a_pod_is_to_have_listed_something_with_its_own_token(
    events: list[Object], seen: str
) -> None:
    context = context_of({POD: {"status": {"podIP": "10.0.0.1"}}}, events=events)
    check = called_from(POD, BOT, PATH, "It called.")
    assert (check.expected, check.points, check.limit, check.needs) == (
        "It called.",
        2.0,
        False,
        AUDIT | PODS,
    )
    assert check.look(context) == Finding(seen.startswith("The audit log shows system"), seen)


@pytest.mark.parametrize("objects", [{}, {POD: {"status": None}}, {POD: {"status": {}}}])
def test_what_came_from_a_pod_that_is_gone_is_not_known(objects: Object) -> None:
    gone = "The pod is not there any more, so that nothing shows what came from it."
    for events in ([event()], []):
        seen = called_from(POD, BOT, PATH, "").look(context_of(objects, events=events))
        assert seen == Finding(False, f"The audit log shows no such request of {BOT}. {gone}")


@pytest.mark.parametrize(
    ("events", "read"),
    [
        ([], False),
        ([event()], True),
        ([event(pod="other")], False),
        ([event(pod=""), event()], True),
        ([event(f"{POD}/exec?command=cat&command=%2Fvar%2Frun%2Fsecrets%2Fx", pod="")], True),
        ([event(f"{POD}/exec?command=sh&stdin=true", pod="")], True),
        ([event(f"{POD}/exec?command=cat&command=token", pod="")], True),
        ([event(f"{POD}/exec?command=hostname", pod="")], False),
        *(
            ([event(f"{POD}/exec?command=sh&command=-c&command={quote(script)}", pod="")], read)
            for script, read in {
                "echo token": False,
                "cd /var/run/secrets/kubernetes.io/serviceaccount; ls": False,
                "true; printf token": False,
                "hostname # token": False,
                "cat token": True,
                "cd /var/run/secrets/kubernetes.io/serviceaccount; cat *": True,
                "cd /var/run/secrets; hostname > /dev/null": True,  # who knows what it does
                "cd /var/run/secrets/kubernetes.io/serviceaccount && cat token": True,
                "echo $(cat /var/run/secrets/kubernetes.io/serviceaccount/token)": True,
                'echo "$(</var/run/secrets/kubernetes.io/serviceaccount/token)"': True,
                "cut -d. -f2 /var/run/secrets/kubernetes.io/serviceaccount/token | base64 -d": True,
            }.items()
        ),
        ([event(f"{POD}/exec?command=echo&command=token", pod="")], False),
        ([event(f"{POD}/exec?command=ls&command=%2Fvar%2Frun%2Fsecrets", pod="")], False),
        ([event(f"{POD}/attach", pod="")], True),
        ([event(f"{POD}/log", pod="")], False),
        ([event(f"{POD}2/attach", pod="")], False),
        ([event(user={"username": "x"}), event("/api", pod="")], False),
    ],
)
def test_whether_a_pods_token_was_read(events: list[Object], read: bool) -> None:
    assert was_read(context_of(events=events), POD) is read
    assert was_read(replace(context_of(events=events), audited=False), POD), "it cannot be known"


def test_a_check_is_no_limit_and_needs_nothing_unless_it_is_said() -> None:
    check = Check("It is so.", lambda _context: Finding(True, "yes"), 1.0)
    assert (check.hint, check.limit, check.need, check.needs) == ("", False, None, frozenset())
    assert Finding(True, "yes").judged
