"""Scenarios of learners in part 1: the API server."""

from __future__ import annotations

from tests.lessons.paper import ADMIN, STRANGER, Answer, Paper, scenario

# -- W1: the address --------------------------------------------------------------------------


@scenario
def w1_nothing(paper: Paper) -> None:
    pass


@scenario
def w1_right(paper: Paper) -> None:
    paper.record("W1", "https://localhost:6443/")


@scenario
def w1_right_in_a_sentence(paper: Paper) -> None:
    paper.record("W1", "Kubernetes control plane is running at https://127.0.0.1:6443.")


@scenario
def w1_host_and_port(paper: Paper) -> None:
    paper.record("W1", {"Host": "127.0.0.1", "port": 6443})


@scenario
def w1_without_a_host(paper: Paper) -> None:
    paper.record("W1", {"port": 6443})


@scenario
def w1_plain(paper: Paper) -> None:
    paper.record("W1", "http://127.0.0.1:6443")


@scenario
def w1_port(paper: Paper) -> None:
    paper.record("W1", "127.0.0.1:6444")


@scenario
def w1_inside(paper: Paper) -> None:
    paper.record("W1", "https://10.96.0.1")


@scenario
def w1_inside_by_name(paper: Paper) -> None:
    paper.record("W1", "https://kubernetes.default.svc")


@scenario
def w1_somewhere(paper: Paper) -> None:
    paper.record("W1", "https://example.org")


# -- W2: no token, a bad token ----------------------------------------------------------------

BOTH = {"no token": "forbidden", "bad token": "unauthorized"}


@scenario
def w2_nothing(paper: Paper) -> None:
    pass


@scenario
def w2_asked_first(paper: Paper) -> None:
    paper.ask(STRANGER, "/api", 403)


@scenario
def w2_predicted(paper: Paper) -> None:
    paper.predict("W2", BOTH)
    paper.ask(STRANGER, "/api", 403, asker=ADMIN)


@scenario
def w2_half(paper: Paper) -> None:
    paper.predict("W2", BOTH)
    paper.ask(STRANGER, "/api", 403)


@scenario
def w2_other_half(paper: Paper) -> None:
    paper.predict("W2", BOTH)
    paper.ask("", "/api", 401)


@scenario
def w2_open(paper: Paper) -> None:
    paper.predict("W2", BOTH)
    for path in ("/version", "/healthz", "/version"):
        paper.ask(STRANGER, path)
    paper.ask("", "/api", 401)


@scenario
def w2_right(paper: Paper) -> None:
    paper.predict("W2", BOTH)
    paper.ask("", "/api", 401)
    paper.ask(STRANGER, "/version")
    paper.ask(STRANGER, "/api", 403)


@scenario
def w2_wrong(paper: Paper) -> None:
    paper.predict("W2", {"no token": "unauthorized", "bad token": "unauthorized"})
    paper.ask("", "/api", 401)
    paper.ask(STRANGER, "/api", 403)


@scenario
def w2_wrong_bad_token(paper: Paper) -> None:
    paper.predict("W2", "forbidden")
    paper.ask("", "/api", 401)
    paper.ask(STRANGER, "/api", 403)


@scenario
def w2_half_predicted(paper: Paper) -> None:
    paper.predict("W2", {"no token": "forbidden"})
    paper.ask("", "/api", 401)
    paper.ask(STRANGER, "/api", 403)


@scenario
def w2_without_anonymous_access(paper: Paper) -> None:
    paper.answers["anonymous"] = Answer(401, {})
    paper.predict("W2", BOTH)
    paper.ask("", "/api", 401, bare=True)
    paper.ask("", "/api", 401)


# -- W3: through a proxy ----------------------------------------------------------------------


@scenario
def w3_nothing(paper: Paper) -> None:
    paper.ask(ADMIN, "/api", agent="labkit/1")


@scenario
def w3_asked_first(paper: Paper) -> None:
    paper.ask(ADMIN, "/api", agent="labkit/1", proxied=True)


@scenario
def w3_predicted(paper: Paper) -> None:
    paper.predict("W3", "allowed")
    paper.ask(STRANGER, "/api", 403, proxied=True)
    paper.ask("", "/api", 401, proxied=True)
    paper.ask("ann", "/api")


@scenario
def w3_without(paper: Paper) -> None:
    paper.predict("W3", "allowed")
    paper.ask(ADMIN, "/api", agent="labkit/1")


@scenario
def w3_through_labkit(paper: Paper) -> None:
    paper.predict("W3", "allowed")
    paper.ask("ann", "/apis", agent="labkit/1", proxied=True)
    paper.ask(ADMIN, "/api", agent="labkit/1", proxied=True)


@scenario
def w3_by_kubectl(paper: Paper) -> None:
    paper.predict("W3", "allowed")
    paper.ask(ADMIN, "/api", agent="curl/8", proxied=True)


@scenario
def w3_by_kubectl_without_a_proxy(paper: Paper) -> None:
    paper.predict("W3", "allowed")
    paper.ask(ADMIN, "/api", agent="kubectl/v1.32")


@scenario
def w3_without_a_log(paper: Paper) -> None:
    paper.logged = False
    w3_by_kubectl_without_a_proxy(paper)


@scenario
def w3_wrong(paper: Paper) -> None:
    paper.predict("W3", "forbidden")
    paper.ask(ADMIN, "/api", agent="kubectl/v1.32", proxied=True)


# -- W4: the entry documents ------------------------------------------------------------------

GROUP = "rbac.authorization.k8s.io"
ENTRIES = ("/", "/api", "/apis", "/api/v1", "/apis/apps/v1")


def groups(paper: Paper) -> None:
    """Return the server's answer about its groups."""
    resources = [{"name": name} for name in ("roles", "clusterroles", "roles/status")]
    paper.answers[f"/apis/{GROUP}"] = Answer(
        200, {"preferredVersion": {"groupVersion": f"{GROUP}/v1"}}
    )
    paper.answers[f"/apis/{GROUP}/v1"] = Answer(200, {"resources": resources})
    paper.answers["/apis/apps/v1"] = Answer(200, {"resources": [{"name": "deployments"}]})
    paper.answers["/apis/apps"] = Answer(200, {"preferredVersion": {"groupVersion": "apps/v1"}})
    paper.answers["/api/v1"] = Answer(
        200, {"resources": [{"name": name} for name in ("pods", "a", "b", "c", "d")]}
    )


@scenario
def w4_nothing(paper: Paper) -> None:
    paper.ask(ADMIN, "/api", method="POST")


@scenario
def w4_asked_first(paper: Paper) -> None:
    paper.ask(ADMIN, "/api")


@scenario
def w4_predicted(paper: Paper) -> None:
    paper.predict("W4", GROUP)
    paper.ask(ADMIN, "/version")


@scenario
def w4_refused(paper: Paper) -> None:
    paper.predict("W4", GROUP)
    paper.ask(STRANGER, "/api", 403)


@scenario
def w4_bad_token(paper: Paper) -> None:
    paper.predict("W4", GROUP)
    paper.ask("", "/apis/apps", 401)


@scenario
def w4_too_little(paper: Paper) -> None:
    paper.predict("W4", GROUP)
    for path in ("/api", "/apis"):
        paper.ask(ADMIN, path)


@scenario
def w4_no_group(paper: Paper) -> None:
    paper.predict("W4", GROUP)
    for path in ENTRIES[:-1]:
        paper.ask(ADMIN, path)


@scenario
def w4_only_a_group(paper: Paper) -> None:
    paper.predict("W4", GROUP)
    paper.ask(ADMIN, "/apis/apps")


def read_all(paper: Paper, prediction: str) -> None:
    groups(paper)
    paper.predict("W4", prediction)
    for path in ENTRIES:
        paper.ask(ADMIN, path)


@scenario
def w4_right(paper: Paper) -> None:
    read_all(paper, GROUP)


@scenario
def w4_right_with_a_version(paper: Paper) -> None:
    read_all(paper, f"/apis/{GROUP}/v1")


@scenario
def w4_wrong(paper: Paper) -> None:
    read_all(paper, "apps")


@scenario
def w4_wrong_core(paper: Paper) -> None:
    read_all(paper, "core")


@scenario
def w4_wrong_nothing_there(paper: Paper) -> None:
    read_all(paper, "nonsense")
