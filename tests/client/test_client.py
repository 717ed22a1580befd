from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import urllib3

from kube_embedded.machinery.pki.keys import Keys
from labkit.client.answer import Answer
from labkit.client.client import Client
from labkit.client.exec import command
from labkit.client.prefix import Names
from labkit.client.refusals import STATE_NOT_WRITTEN, WAYS_OUT, failure, find_object
from labkit.client.transport import Credentials, Endpoint, Transport, connection_error
from labkit.core.errors import (
    ApiFailure,
    ExecFailed,
    HomeError,
    LabkitError,
    Unreachable,
    Untrusted,
    UsageError,
)
from tests.client.fake import Fake, Reply, Request, fake_api, status


def answer(request: Request) -> Reply:
    """Return a reply of each kind."""
    path = request.path
    if path.startswith("/api/v1/namespaces/kikai/services"):
        return status(
            403, "Forbidden", 'services is forbidden: User "u" cannot list resource "services"'
        )
    if path == "/text":
        return Reply(404, b"404 page not found\n", {"Content-Type": "text/plain"})
    if path == "/broken":
        return Reply(200, b'{"half', {"Content-Type": "application/json"})
    if path == "/empty":
        return Reply(204, b"")
    if path.startswith("/watch-expired"):
        expired = {
            "kind": "Status",
            "code": 410,
            "reason": "Expired",
            "message": "too old resource version",
        }
        events = [
            json.dumps({"type": kind, "object": expired}).encode() + b"\n"
            for kind in ("ADDED", "ERROR")
        ]
        return Reply(200, events, {"Content-Type": "application/json"})
    if path.startswith("/watch"):
        events = [
            b'{"type":"ADDED","object":{"n":1}}\n{"type":"MOD',
            b'IFIED","object":{"n":2}}\n\n',
        ]
        return Reply(200, events, {"Content-Type": "application/json"})
    if path == "/redirect":
        return Reply(301, b"", {"Location": "http://127.0.0.1:1/elsewhere"})
    if path.endswith("selfsubjectreviews"):
        return Reply(201, {"status": {"userInfo": {"username": "ann", "groups": ["g"]}}})
    if path.endswith("selfsubjectaccessreviews"):
        wanted = json.loads(request.body)["spec"]["resourceAttributes"]
        return Reply(201, {"status": {"allowed": wanted == {"verb": "get", "resource": "pods"}}})
    return Reply(200, {"kind": "Thing", "metadata": {"name": "x"}}, {"Audit-Id": "a-1"})


@pytest.fixture
def api() -> Iterator[Fake]:
    with fake_api(answer) as fake:
        yield fake


def test_a_refusal_is_an_answer_not_an_error(api: Fake) -> None:
    refused = Client(api.endpoint).get("/api/v1/namespaces/kikai/services")
    assert (refused.status, refused.allowed, refused.forbidden) == (403, False, True)
    assert (refused.verb, refused.resource, refused.reason) == ("list", "services", "Forbidden")
    assert refused.message.startswith("services is forbidden")
    assert refused.as_user == "u"


def test_texts_half_json_and_nothing_are_answers_too(api: Fake) -> None:
    client = Client(api.endpoint)
    assert client.get("/text").message == "404 page not found"
    assert client.get("/broken").body == '{"half'
    empty = client.get("/empty")
    assert (empty.ok, empty.body, empty.items) == (True, "", [])


def test_a_redirect_is_shown_and_not_followed(api: Fake) -> None:
    assert Client(api.endpoint).get("/redirect").status == 301


def test_a_storage_that_is_not_ready_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("labkit.client.client.time.sleep", slept.append)
    failures = {"/soon": 2, "/later": 9}

    def reply(request: Request) -> Reply:
        failures[request.path] = left = failures.get(request.path, 0) - 1
        if request.path == "/busy":
            return status(429, "TooManyRequests", "too many requests")
        return (
            status(429, "TooManyRequests", "storage is (re)initializing")
            if left >= 0
            else Reply(200, {})
        )

    seen: list[Answer] = []
    with fake_api(reply) as fake:
        client = Client(fake.endpoint, observers=[seen.append])
        statuses = [client.get(path).status for path in ("/soon", "/later", "/busy")]
        assert statuses == [200, 429, 429] == [answer.status for answer in seen]
        assert client.post("/later", {}).status == 429
    assert slept == [1] * (2 + 3)


def test_a_credential_is_sent_and_never_shown(api: Fake) -> None:
    client = Client(api.endpoint, Credentials(token="s3cr3t-token"), name="me")
    shown = client.get("/thing")
    assert api.requests[0].headers["authorization"] == "Bearer s3cr3t-token"
    for text in (
        repr(client),
        repr(client.credentials),
        repr(shown),
        shown._repr_html_(),
        shown.curl,
    ):
        assert "s3cr3t" not in text
    assert "$TOKEN" in shown.curl


def test_the_lab_s_own_requests_go_by_its_own_connection_where_it_may() -> None:
    """They are not in the audit log, which has the learner's alone."""
    itself = Credentials()

    def denied(request: Request) -> Reply:
        return Reply({"/401": 401, "/403": 403}.get(request.path, 404), {})

    with fake_api(denied) as labs, fake_api(lambda _: Reply(200, {})) as caller:

        def connect(endpoint: Endpoint, credentials: Credentials) -> Transport:
            return Transport(labs.endpoint if credentials is itself else endpoint, credentials)

        def asked(client: Client, method: str, path: str) -> tuple[int, int, int]:
            before = len(labs.requests), len(caller.requests)
            status = client.request(method, path).status
            return status, len(labs.requests) - before[0], len(caller.requests) - before[1]

        learner = Client(caller.endpoint, connect=connect, own=itself)
        assert asked(learner, "GET", "/x") == (200, 0, 1)
        lab = learner.without_observers()
        assert asked(lab, "GET", "/x") == (404, 1, 0)
        assert asked(lab, "GET", "/401") == asked(lab, "GET", "/403") == (200, 1, 1)
        for method in ("POST", "PUT", "DELETE"):
            assert asked(lab, method, "/x") == (404, 1, 0)
        # A review of oneself is about the caller.
        assert asked(lab, "POST", "/apis/g/v1/selfsubjectreviews") == (200, 0, 1)
        before = len(labs.requests), len(caller.requests)
        assert [status for status, _ in lab.ask_all("/403", [{}, {}])] == [200, 200]
        assert (len(labs.requests) - before[0], len(caller.requests) - before[1]) == (2, 2)
        alone = Client(caller.endpoint, connect=connect).without_observers()
        assert asked(alone, "GET", "/x") == (200, 0, 1)


def test_a_body_is_sent_in_its_own_type(api: Fake) -> None:
    client = Client(api.endpoint)
    client.post("/x", {"a": 1})
    client.patch("/x", {"a": 1})
    client.patch("/x", [{"op": "add"}], kind="json")
    client.request("PATCH", "/x", body=[])
    client.request("POST", "/x", body="a: 1", headers={"Content-Type": "application/yaml"})
    types = [request.headers["content-type"] for request in api.requests]
    assert types == [
        "application/json",
        "application/merge-patch+json",
        "application/json-patch+json",
        "application/json-patch+json",
        "application/yaml",
    ]
    assert api.requests[-1].body == b"a: 1"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda client: client.get(None), "lab.admin.request cannot take None as `path`"),
        (lambda client: client.get("/\ud800"), 'cannot take "/\\ud800" as `path`'),
        (lambda client: client.request("G T", "/x"), 'cannot take "G T" as `method`'),
        (lambda client: client.post("/x", {1}), "A value of the type set cannot be sent"),
        (lambda client: client.post("/x", {"a": b"b"}), "A value of the type dict cannot be sent"),
        (
            lambda client: client.patch("/x", {}, kind="json-patch"),
            'There is no kind of patch "json-patch"',
        ),
    ],
)
def test_what_cannot_be_sent_is_said(api: Fake, call: Callable[[Any], object], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        call(Client(api.endpoint))
    assert said in caught.value.what
    assert caught.value.todo
    assert not api.requests


def test_a_query_is_joined_to_the_path(api: Fake) -> None:
    Client(api.endpoint).get("/x?a=1", query={"labelSelector": "b=c"})
    assert api.requests[0].path == "/x?a=1&labelSelector=b%3Dc"


def test_a_watch_gives_whole_events_however_they_are_cut(api: Fake) -> None:
    events = list(Client(api.endpoint).watch("/watch"))
    assert [(e["type"], e["object"]["n"]) for e in events] == [("ADDED", 1), ("MODIFIED", 2)]


def test_a_watch_that_ends_with_an_error_raises_it(api: Fake) -> None:
    events = Client(api.endpoint).watch("/watch-expired")
    assert next(events)["type"] == "ADDED"
    with pytest.raises(ApiFailure, match="was ended by the server") as caught:
        next(events)
    assert (caught.value.status, caught.value.reason) == (410, "Expired")


def test_a_refused_watch_says_so(api: Fake) -> None:
    with pytest.raises(ApiFailure, match="may not watch"):
        list(Client(api.endpoint, name="me").watch("/api/v1/namespaces/kikai/services"))


def test_whoami_is_asked_once(api: Fake) -> None:
    client = Client(api.endpoint, Credentials(token="t"))
    assert client.whoami().user == client.whoami().user == "ann"
    assert len(api.requests) == 1


def test_can_asks_for_just_what_was_named(api: Fake) -> None:
    client = Client(api.endpoint)
    assert client.can("get", "pods")
    assert not client.can("get", "pods/exec", "default")


def test_observers_hear_of_answers_and_not_of_the_clients_own_questions(api: Fake) -> None:
    heard: list[Answer] = []
    client = Client(api.endpoint, observers=[heard.append])
    client.get("/x")
    client.whoami()
    client.without_observers().get("/y")
    client.with_credentials(Credentials(token="t"), "other").get("/z")
    assert [entry.path for entry in heard] == ["/x", "/z"]
    assert heard[1].who == "other"


def test_names_are_mapped_on_the_way(api: Fake) -> None:
    client = Client(api.endpoint, names=Names("ann"))
    client.post("/api/v1/namespaces/default/pods", {"kind": "Pod", "metadata": {"name": "curl"}})
    client.get("/api/v1/namespaces/kube-system/pods")
    assert [request.path for request in api.requests] == [
        "/api/v1/namespaces/ann-default/pods",
        "/api/v1/namespaces/kube-system/pods",
    ]


def test_the_audit_event_says_who_and_why(api: Fake) -> None:
    user = {
        "username": "system:serviceaccount:kikai:default",
        "groups": ["g"],
        "extra": {"k": ["v"]},
    }
    event = {"user": user, "annotations": {"authorization.k8s.io/reason": "RBAC: allowed by ..."}}
    asked: list[str] = []

    def find(audit_id: str) -> dict[str, object]:
        asked.append(audit_id)
        return event

    shown = Client(api.endpoint, find_event=find).get("/x")
    assert shown.as_user == "system:serviceaccount:kikai:default"
    assert shown.identity.extra == {"k": ("v",)}
    assert "RBAC: allowed by" in repr(shown)
    assert asked == ["a-1"]


def test_nothing_listening_is_said_in_a_sentence() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Unreachable) as caught:
        Client(Endpoint(f"http://127.0.0.1:{port}")).get("/")
    assert "Nothing listens" in caught.value.what
    assert "labkit up" in caught.value.todo


def test_silence_ends_after_the_timeout() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        client = Client(Endpoint(f"http://127.0.0.1:{silent.getsockname()[1]}"))
        with pytest.raises(Unreachable):
            client.request("GET", "/", timeout_seconds=0.05)


def test_a_server_that_does_not_speak_tls_is_no_traceback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            connection, _ = server.accept()
            connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(Unreachable):
            Client(Endpoint(f"https://127.0.0.1:{server.getsockname()[1]}")).get("/")
        thread.join()


def test_a_broken_ca_or_certificate_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabkitError, match="CA certificate cannot be read"):
        Client(Endpoint("https://127.0.0.1:1", ca="nonsense"))
    endpoint = Endpoint("https://127.0.0.1:1", scratch=tmp_path)
    with pytest.raises(HomeError, match="cannot use /nope"):
        Client(
            Endpoint("https://127.0.0.1:1", scratch=Path("/nope")),
            Credentials(certificate="x", key="y"),
        )
    with pytest.raises(LabkitError, match="client certificate cannot be read"):
        Client(endpoint, Credentials(certificate="nonsense", key="x"))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Endpoint]:
    """A server whose certificate is for ``127.0.0.1`` and ``kubernetes``, among others."""
    keys = Keys.generate()
    (tmp_path / "server.pem").write_bytes(keys.server_certificate + keys.server_key)
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    settings.load_cert_chain(tmp_path / "server.pem")
    with fake_api(answer, settings) as fake:
        yield replace(fake.endpoint, ca=keys.ca_certificate.decode())


@pytest.mark.parametrize("name", ["", "kubernetes"])
def test_a_certificate_for_the_name_that_is_expected(secure: Endpoint, name: str) -> None:
    client = Client(replace(secure, server_name=name))
    assert client.get("/x").status == 200
    assert [status for status, _ in client.ask_all("/x", [{}])] == [200]
    assert client.transport.context.check_hostname, "batches and exec connect with it as well"
    with pytest.raises(ExecFailed):  # the answer is none of a WebSocket
        command.run(client, "default/curl", ["ls"], container="main")


def test_a_certificate_for_another_name_is_not_trusted(secure: Endpoint) -> None:
    client = Client(replace(secure, server_name="elsewhere"))
    for ask in (lambda: client.get("/x"), lambda: client.ask_all("/x", [{}])):
        with pytest.raises(Untrusted):
            ask()
    with pytest.raises(Unreachable):
        command.run(client, "default/curl", ["ls"], container="main")
    with pytest.warns(urllib3.exceptions.InsecureRequestWarning):
        assert (
            Client(replace(secure, server_name="elsewhere", verify=False)).get("/x").status == 200
        )


def test_untrusted_is_a_kind_of_unreachable() -> None:
    assert issubclass(Untrusted, Unreachable)


def test_a_connection_that_breaks_off_and_a_wrong_clock_are_said_in_sentences() -> None:
    reset = urllib3.exceptions.ProtocolError(
        "Connection aborted.", ConnectionResetError(104, "Connection reset by peer")
    )
    reset.__context__ = reset.args[1]
    said = connection_error("https://h:1", reset)
    assert (said.what, said.why) == (
        "The connection to https://h:1 broke off.",
        "Connection reset by peer",
    )
    late = ssl.SSLCertVerificationError(1, "certificate verify failed")
    late.verify_code, late.verify_message = 10, "certificate has expired"
    said = connection_error("https://h:1", late)
    assert isinstance(said, Untrusted)
    assert said.todo == "Correct this machine's clock."
    assert said.why == "certificate has expired"
    other = ssl.SSLCertVerificationError(1, "certificate verify failed")
    other.verify_code, other.verify_message = 20, ""
    said = connection_error("https://h:1", other)
    assert said.why == str(other)
    assert said.todo == "Check that the kubeconfig's CA belongs to this cluster."


def test_only_a_404_means_that_there_is_no_object() -> None:
    replies = {
        "/there": Reply(200, {"kind": "Thing"}),
        "/missing": status(404, "NotFound", "no such thing"),
        "/forbidden": status(403, "Forbidden", "you may not"),
        "/busy": status(503, "ServiceUnavailable", "restarting"),
        "/text": Reply(200, b"ok", {"Content-Type": "text/plain"}),
    }
    with fake_api(lambda request: replies[request.path]) as api:
        client = Client(api.endpoint)
        assert find_object(client, "/there") == {"kind": "Thing"}
        assert find_object(client, "/missing") is None
        for path in ("/forbidden", "/busy", "/text"):
            with pytest.raises(ApiFailure) as caught:
                find_object(client, path)
            assert caught.value.what == f"The cluster could not be asked for {path}."
            assert caught.value.status == replies[path].status


def test_a_volume_without_room_is_told_by_the_cause_and_not_by_the_sentence() -> None:
    cause = {"reason": STATE_NOT_WRITTEN, "message": "full"}
    full = failure(500, {"message": "any words", "details": {"causes": [cause]}}, "It failed.")
    assert full.todo.startswith("Make room where the cluster's state lies")
    other = failure(500, {"message": "the cluster's state cannot be written"}, "It failed.")
    assert other.todo.startswith("Try again")


@pytest.mark.parametrize(
    ("message", "todo"),
    [
        ('pods is forbidden: User "x" cannot list resource "pods" in API group ""', "Grant what"),
        ('user "x" is attempting to grant RBAC permissions not currently held', "Grant what"),
        ('pods "x" is forbidden: violates PodSecurity "restricted:latest"', "Change the object"),
        ("exceeded quota: few, requested: configmaps=1", "Change the object"),
    ],
)
def test_a_refusal_by_admission_is_not_answered_with_a_right(message: str, todo: str) -> None:
    said = failure(403, {"message": message}, "It was refused.")
    assert said.todo.startswith(todo)


@pytest.mark.parametrize("status_code", sorted(WAYS_OUT))
def test_a_refusal_has_the_servers_words_and_a_way_out(status_code: int) -> None:
    said = failure(status_code, {"reason": "R", "message": "ann cannot do it"}, "It failed.")
    assert (said.what, said.reason) == ("It failed.", "R")
    assert said.why == f"the server said {status_code}: ann cannot do it"
    assert said.todo == WAYS_OUT[status_code] != ""
    plain = failure(status_code, f" {'x' * 600} ", "It failed.")
    assert plain.why == f"the server said {status_code}: {'x' * 500}"
    assert failure(status_code, None, "It failed.").why.startswith("the server said")
