from __future__ import annotations

import inspect
import re
from html import unescape
from typing import Any

import pytest

from labkit.client.answer import Answer, Identity
from labkit.core import page as page_of_a_browser
from labkit.core.language import text
from labkit.lab.lab import Lab
from tests.support.languages import speaking

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwcyJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


def made(status: int, body: Any, **more: Any) -> Answer:
    facts: dict[str, Any] = {
        "who": "kikai/test",
        "method": "GET",
        "path": "/api/v1/namespaces/kikai/services",
        "server": "https://127.0.0.1:6443",
        "headers": {},
        "credential": "token",
        "ca_file": "/pki/ca.crt",
        "identify": lambda: Identity("system:serviceaccount:kikai:default"),
    }
    return Answer(status=status, body=body, **{**facts, **more})


FORBIDDEN = {
    "kind": "Status",
    "reason": "Forbidden",
    "code": 403,
    "message": 'services is forbidden: User "system:serviceaccount:kikai:default" cannot list resource '
    '"services" in API group "" in the namespace "kikai"',
}


def test_a_refusal_in_plain_text() -> None:
    assert repr(made(403, FORBIDDEN)) == (
        "✘ 403 forbidden\n"
        "  who       kikai/test, taken for system:serviceaccount:kikai:default\n"
        "  verb      list services\n"
        "  url       GET https://127.0.0.1:6443/api/v1/namespaces/kikai/services\n"
        "  stations  ✓ TLS → ✓ Authentication → ✕ Authorization\n"
        '  message   services is forbidden: User "system:serviceaccount:kikai:default" cannot list resource '
        '"services" in API group "" in the namespace "kikai"\n'
        "  kubectl   kubectl --kubeconfig=/dev/null --server=https://127.0.0.1:6443 "
        '--certificate-authority=/pki/ca.crt --token="$TOKEN" get services -n kikai\n'
        '  curl      curl --cacert /pki/ca.crt -H "Authorization: Bearer $TOKEN" '
        "https://127.0.0.1:6443/api/v1/namespaces/kikai/services"
    )


def test_in_korean_the_lab_s_own_callers_have_korean_names() -> None:
    """Other names come from callers, such as pods, and are not translated."""
    with speaking():
        for who, said in [
            ("through the proxy", "프록시를 거친 호출자"),
            (inspect.signature(Lab.as_token).parameters["name"].default, "토큰 소지자"),
            (text("service account {account}", "kikai/default"), "서비스 어카운트 kikai/default"),
            ("my {own} name", "my {own} name"),
        ]:
            card = repr(made(200, {}, who=who))
            assert f"{said} (서버가 인식한 사용자: system:serviceaccount:kikai:default)" in card


def words(html: str) -> str:
    """The text of HTML, as a screen reader has it: without what is hidden from it."""
    seen = re.sub(r'<span aria-hidden="true">.*?</span>', "", html)
    return " ".join(unescape(re.sub(r"<[^>]+>", "", seen)).split())


def test_html_has_the_request_as_a_sentence_and_its_stations() -> None:
    page = made(403, FORBIDDEN)._repr_html_()
    assert words(page) == (
        "403 forbidden kikai/test, taken for system:serviceaccount:kikai:default list services in kikai "
        "TLS passed Authentication passed Authorization stopped here Admission not reached "
        "Storage not reached url GET https://127.0.0.1:6443/api/v1/namespaces/kikai/services "
        f"message {FORBIDDEN['message']} as a command kubectl {made(403, FORBIDDEN).kubectl} "
        f"curl {made(403, FORBIDDEN).curl}"
    )
    for said in ('scope="row"', 'role="group"', 'aria-hidden="true">✘', "User &#34;system"):
        assert said in page


@pytest.mark.parametrize(
    ("status", "more", "sentence"),
    [
        (200, {"path": "/healthz"}, "get /healthz"),
        (200, {"path": "/api/v1/nodes"}, "list nodes at the cluster scope"),
        (404, {"path": "/api/v1/namespaces/x/pods/web/log"}, "get pods/log web in x"),
    ],
)
def test_the_sentence_has_the_name_and_the_scope(
    status: int, more: dict[str, Any], sentence: str
) -> None:
    account = "system:serviceaccount:kikai:default"
    assert f"taken for {account} {sentence} TLS passed" in words(
        made(status, {}, **more)._repr_html_()
    )


def denied(decision: str) -> dict[str, Any]:
    event = {"annotations": {"authorization.k8s.io/decision": decision}}
    return {"find_event": lambda _: event, "headers": {"audit-id": "1"}}


@pytest.mark.parametrize(
    ("answer", "stop"),
    [
        (made(200, {}), None),
        (made(401, {}), "Authentication"),
        (made(403, FORBIDDEN), "Authorization"),
        (made(403, {"message": "exceeded quota"}), "Admission"),
        (made(403, {"message": "hidden"}, **denied("forbid")), "Authorization"),
        (made(403, FORBIDDEN, **denied("allow")), "Admission"),
        (made(404, {}), "Storage"),
        (made(409, {}), "Storage"),
    ],
)
def test_a_request_stops_at_one_station_and_reaches_none_behind(
    answer: Answer, stop: str | None
) -> None:
    names = [str(name) for name in answer.stations]
    place = names.index(stop) if stop else 5
    expected = [*["pass"] * place, *(["stop"] if stop else []), *["none"] * (4 - place)]
    assert list(answer.stations.values()) == expected


def test_a_refusal_looks_like_no_other_card() -> None:
    looks = {
        status: re.search(r'<div [^>]*style="([^"]*)"', made(status, {})._repr_html_())
        for status in (200, 403, 404)
    }
    backgrounds = {status: look and "color-mix" in look[1] for status, look in looks.items()}
    assert backgrounds == {200: False, 403: True, 404: False}


def test_a_page_of_a_browser_offers_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "as a command" in made(200, {})._repr_html_()
    monkeypatch.setattr(page_of_a_browser, "IN_PAGE", True)
    answer = made(200, {})
    for shown in (repr(answer), answer._repr_html_()):
        assert "curl" not in shown
        assert "command" not in shown


def test_html_cannot_be_broken_by_what_a_server_says() -> None:
    body = {**FORBIDDEN, "message": "<script>alert(1)</script>"}
    assert "<script>" not in made(403, body)._repr_html_()


def test_a_list_is_told_by_its_names() -> None:
    items = [{"metadata": {"name": f"s{i}"}} for i in range(14)]
    shown = made(200, {"kind": "ServiceList", "items": items})
    assert shown.names[:2] == ["s0", "s1"]
    assert "ServiceList, 14 items: s0, s1" in repr(shown)
    assert "… 2 more" in repr(shown)
    assert "ServiceList, 0 items\n" in repr(made(200, {"kind": "ServiceList", "items": None}))
    one = {"kind": "ServiceList", "items": items[:1]}
    assert "got       ServiceList, 1 item: s0\n" in repr(made(200, one))
    twelve = repr(made(200, {"kind": "ServiceList", "items": items[:12]}))
    assert "ServiceList, 12 items: s0, s1" in twelve
    assert "more" not in twelve


def test_a_list_across_namespaces_says_whose_each_name_is() -> None:
    items = [{"metadata": {"name": "test", "namespace": home}} for home in ("darbo", "kikai")]
    body = {"kind": "PodList", "items": items}
    assert "got       PodList, 2 items: darbo/test, kikai/test\n" in repr(
        made(200, body, path="/api/v1/pods")
    )
    assert "2 items: test, test\n" in repr(made(200, body, path="/api/v1/namespaces/kikai/pods"))


def test_a_deleted_object_and_a_version_are_told_in_words() -> None:
    gone = {"kind": "Status", "status": "Success", "details": {"name": "web", "kind": "services"}}
    assert "got       Success: services web\n" in repr(made(200, gone))
    assert "got       Success\n" in repr(made(200, {"kind": "Status", "status": "Success"}))
    assert "got       version v1.36.2\n" in repr(made(200, {"major": "1", "gitVersion": "v1.36.2"}))


def test_nobody_is_said_as_such() -> None:
    shown = made(401, {"kind": "Status", "reason": "Unauthorized", "message": "Unauthorized"})
    assert shown.as_user == ""
    assert "nobody: the credential was not accepted" in repr(shown)
    assert not shown.allowed


def test_not_found_counts_as_allowed_since_the_server_looked() -> None:
    shown = made(404, {"kind": "Status", "reason": "NotFound", "message": "not found"})
    assert shown.allowed
    assert not shown.ok


def test_a_token_in_an_answer_is_never_shown_whole() -> None:
    shown = made(
        201, {"kind": "TokenRequest", "status": {"token": JWT}}, sent={"token": JWT}, method="POST"
    )
    signature = JWT.rpartition(".")[2]
    for said in (repr(shown), shown._repr_html_(), shown.json(), shown.curl, shown.kubectl):
        assert signature not in said
    assert "eyJ….eyJ….<signature>" in shown.json()
    refused = made(400, f"bad token {JWT}")
    assert signature not in str(refused.summary())


def test_the_summary_holds_the_facts_and_no_body() -> None:
    summary = made(403, FORBIDDEN).summary()
    assert summary["status"] == 403
    assert summary["verb"] == "list"
    assert summary["as_user"] == "system:serviceaccount:kikai:default"
    assert "body" not in summary


def test_a_groups_versions_are_named() -> None:
    version = {"groupVersion": "rbac.authorization.k8s.io/v1", "version": "v1"}
    body = {"kind": "APIGroup", "name": "rbac.authorization.k8s.io", "versions": [version]}
    assert "got       versions: rbac.authorization.k8s.io/v1\n" in repr(made(200, body))


def test_a_refused_caller_has_the_groups_that_the_server_says() -> None:
    me = Identity("system:serviceaccount:kikai:default", ("system:authenticated",))
    assert made(403, FORBIDDEN, identify=lambda: me).identity is me
    other = made(403, FORBIDDEN, identify=lambda: Identity("admin", ("system:masters",)))
    assert other.identity == Identity("system:serviceaccount:kikai:default")


def test_an_audit_event_that_names_nobody_is_no_identity() -> None:
    me = Identity("system:serviceaccount:kikai:default", ("system:authenticated",))
    for user, name in (
        ({"groups": ["x"]}, me.user),
        (None, me.user),
        ("jane", me.user),
        ({"username": "jane"}, "jane"),
    ):
        answer = made(
            200,
            {},
            headers={"audit-id": "1"},
            identify=lambda: me,
            find_event=lambda _audit_id, user=user: {"user": user},
        )
        assert answer.as_user == name


def test_a_refusal_has_a_note_on_the_user_it_names() -> None:
    noted = made(403, FORBIDDEN, advise=lambda user: f"There is no {user}.")
    assert "note      There is no system:serviceaccount:kikai:default.\n" in repr(noted)
    assert "note" not in repr(
        made(200, {"kind": "Pod"}, advise=lambda user: f"There is no {user}.")
    )


def test_a_card_shows_the_servers_warnings() -> None:
    header = '299 - "v1 is \\"old\\"", 299 - "kube-embedded: stored, without effect: cron jobs start no jobs"'
    answer = made(201, {"kind": "CronJob"}, headers={"warning": header})
    assert answer.warnings == [
        'v1 is "old"',
        "kube-embedded: stored, without effect: cron jobs start no jobs",
    ]
    assert (
        '  warning   v1 is "old"; kube-embedded: stored, without effect: cron jobs start no jobs\n'
        in repr(answer)
    )
    assert made(200, {}).warnings == []
