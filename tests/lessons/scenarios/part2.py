"""Scenarios of learners in part 2: the API from inside a pod."""

from __future__ import annotations

from labkit.client.pods import MOUNT
from tests.lessons.paper import (
    CUSTOM,
    DEFAULT,
    KIKAI,
    REFUSED,
    STRANGER,
    Paper,
    by_lab,
    pod,
    scenario,
    waiting,
)

# -- W5 and W6: the pod, and the address inside it ------------------------------------------


@scenario
def w5_nothing(paper: Paper) -> None:
    pass


@scenario
def w5_elsewhere(paper: Paper) -> None:
    paper.add(pod("curl", "kube-public"), pod("curl", "a"), pod("other", "b"))


@scenario
def w5_by_the_lab(paper: Paper) -> None:
    paper.add(by_lab(pod("curl"), "W5"))


@scenario
def w5_by_the_lab_for_an_earlier_step(paper: Paper) -> None:
    paper.add(by_lab(pod("curl"), "W1"))


@scenario
def w5_by_the_lab_for_no_step(paper: Paper) -> None:
    paper.add(by_lab(pod("curl"), "nonsense"))


@scenario
def w5_pending(paper: Paper) -> None:
    paper.add(pod("curl", state={}))


@scenario
def w5_pending_since(paper: Paper) -> None:
    conditions = [
        {"type": "Ready", "message": "no"},
        {"type": "PodScheduled", "message": "0/1 nodes are available."},
    ]
    paper.add(pod("curl", state={"phase": "Pending", "conditions": conditions}))


@scenario
def w5_no_image(paper: Paper) -> None:
    paper.add(
        pod(
            "curl",
            state={
                **waiting("ErrImagePull"),
                "conditions": [{"type": "PodScheduled", "message": "x"}],
            },
        )
    )


@scenario
def w5_keeps_ending(paper: Paper) -> None:
    paper.add(pod("curl", state=waiting("CrashLoopBackOff")))


@scenario
def w5_something_else(paper: Paper) -> None:
    paper.add(pod("curl", state=waiting("Strange")))


@scenario
def w5_account(paper: Paper) -> None:
    paper.add(pod("curl", serviceAccountName="kikai"))


@scenario
def w5_no_shell(paper: Paper) -> None:
    paper.add(pod("curl"))


@scenario
def w5_silent_shell(paper: Paper) -> None:
    paper.add(pod("curl"))
    paper.printed["echo ready"] = " "


@scenario
def w5_right(paper: Paper) -> None:
    paper.add(pod("curl"))
    paper.printed["default/curl None: echo ready"] = "ready\n"


@scenario
def w5_a_name_with_a_suffix(paper: Paper) -> None:
    paper.add(pod("curl-x7"), pod("other"))


@scenario
def w5_by_a_deployment(paper: Paper) -> None:
    made = pod("curl-6d4f-x", serviceAccountName=None)
    made["metadata"]["ownerReferences"] = [{"name": "x"}, {"name": "curl-6d4f", "controller": True}]
    other = pod("curling-1")
    other["metadata"]["ownerReferences"] = [{"name": "curling-1", "controller": True}]
    paper.add(other, made)
    paper.printed["default/curl-6d4f-x None: echo ready"] = "ready\n"


@scenario
def w6_nothing(paper: Paper) -> None:
    pass


@scenario
def w6_no_pod(paper: Paper) -> None:
    paper.record("W6", "10.96.0.1:443")


def recorded(paper: Paper, value: object) -> None:
    paper.add(pod("curl"))
    paper.printed["echo $KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT"] = "10.96.0.1 443\n"
    paper.record("W6", value)


@scenario
def w6_right(paper: Paper) -> None:
    recorded(paper, ["10.96.0.1", 443])


@scenario
def w6_right_by_name(paper: Paper) -> None:
    recorded(paper, "https://kubernetes.default.svc")


@scenario
def w6_right_from_the_environment(paper: Paper) -> None:
    recorded(paper, "KUBERNETES_PORT=tcp://10.96.0.1:443 and more")


@scenario
def w6_outside(paper: Paper) -> None:
    recorded(paper, "https://127.0.0.1:6443")


@scenario
def w6_no_port(paper: Paper) -> None:
    recorded(paper, "10.96.0.1")


@scenario
def w6_plain(paper: Paper) -> None:
    recorded(paper, "http://10.96.0.1")


@scenario
def w6_port(paper: Paper) -> None:
    recorded(paper, "https://10.96.0.1:6443")


@scenario
def w6_somewhere(paper: Paper) -> None:
    recorded(paper, "https://example.org")


# -- W7: the server's certificate -------------------------------------------------------------

URL = "https://kubernetes"
CA = f"curl -s --cacert {MOUNT}/ca.crt {URL}"


def in_curl(paper: Paper, prediction: str = "forbidden", now: str = REFUSED) -> None:
    paper.add(pod("curl"))
    paper.predict("W7", prediction)
    paper.printed["curl -s -A labkit-check --cacert"] = now


@scenario
def w7_nothing(paper: Paper) -> None:
    pass


@scenario
def w7_asked_first(paper: Paper) -> None:
    paper.run("default/curl", CA)


@scenario
def w7_predicted(paper: Paper) -> None:
    in_curl(paper)


@scenario
def w7_in_a_shell(paper: Paper) -> None:
    in_curl(paper)
    paper.run("default/curl", "bash")
    paper.run("default/curl", "ls")


@scenario
def w7_over_http(paper: Paper) -> None:
    in_curl(paper)
    paper.run("default/curl", "wget http://kubernetes")


@scenario
def w7_elsewhere(paper: Paper) -> None:
    in_curl(paper)
    paper.run("default/other", CA)
    paper.run("default/curl", "echo https://kubernetes")


@scenario
def w7_no_curl(paper: Paper) -> None:
    in_curl(paper)
    paper.run("default/curl", f"curl {URL}", "curl: not found", 127)


@scenario
def w7_no_failure(paper: Paper) -> None:
    in_curl(paper)
    paper.run("default/curl", CA)


@scenario
def w7_insecure(paper: Paper) -> None:
    in_curl(paper)
    paper.run("default/curl", f"curl {URL}", code=60)
    paper.run("default/curl", f"curl -sk {URL}")
    paper.ask(STRANGER, "/", 403)


@scenario
def w7_no_answer(paper: Paper) -> None:
    in_curl(paper)
    paper.run("default/curl", f"curl {URL}", "curl: (60) SSL certificate problem\nmore\n", 60)


@scenario
def w7_no_answer_silent(paper: Paper) -> None:
    in_curl(paper)
    paper.run("default/curl", f"curl {URL}", code=60)
    paper.run("default/curl", CA, code=6)


@scenario
def w7_curl_is_gone(paper: Paper) -> None:
    in_curl(paper)
    paper.printed.clear()
    paper.run("default/curl", f"curl {URL}", code=60)
    paper.run("default/curl", CA)
    paper.ask(STRANGER, "/", 403)


def right(paper: Paper, user: str = STRANGER, status: int = 403, path: str = "/") -> None:
    paper.run("default/curl", f"curl {URL}", code=60)
    paper.run("default/curl", CA)
    paper.asked.clear()
    paper.now -= 1
    paper.ask(user, path, status)


@scenario
def w7_right(paper: Paper) -> None:
    in_curl(paper)
    right(paper)


@scenario
def w7_right_as_the_log_sees_it(paper: Paper) -> None:
    in_curl(paper)
    paper.run("default/curl", f"curl {URL}", code=None)
    paper.run("default/curl", CA, code=None)
    paper.ask(STRANGER, "/", 403)


@scenario
def w7_right_without_a_log(paper: Paper) -> None:
    in_curl(paper)
    paper.logged = False
    paper.run("default/curl", f"curl {URL}", "SSL certificate problem", 1)
    paper.run("default/curl", CA, REFUSED)


@scenario
def w7_right_with_f(paper: Paper) -> None:
    in_curl(paper)
    paper.logged = False
    paper.run("default/curl", f"curl {URL}", code=60)
    paper.run("default/curl", CA.replace("-s", "-sf"), "error", 22)


@scenario
def w7_no_answer_without_a_log(paper: Paper) -> None:
    in_curl(paper)
    paper.logged = False
    paper.run("default/curl", f"curl {URL}", code=60)
    paper.run("default/curl", CA, "what?")


@scenario
def w7_wrong(paper: Paper) -> None:
    in_curl(paper, "allowed")
    right(paper)


@scenario
def w7_with_a_token(paper: Paper) -> None:
    in_curl(paper)
    right(paper, DEFAULT, 200, "/version")


@scenario
def w7_an_open_path(paper: Paper) -> None:
    in_curl(paper)
    right(paper, STRANGER, 200, "/version")


@scenario
def w7_a_header_is_no_option(paper: Paper) -> None:
    in_curl(paper)
    right(paper)
    paper.ran[-1] = paper.ran[-1].__class__(
        "default/curl", f"{CA} -H 'X: -k' -A -k", 0, "", paper.ran[-1].begun, paper.ran[-1].ended
    )


# -- W8: the mounted token --------------------------------------------------------------------

SEND = f'curl -s --cacert {MOUNT}/ca.crt -H "Authorization: Bearer $(cat {MOUNT}/token)" {URL}'


def with_token(paper: Paper, prediction: str | None = DEFAULT) -> None:
    paper.add(pod("curl"))
    paper.printed[f"cat {MOUNT}/token"] = "a.b.c\n"
    if prediction:
        paper.predict("W8", prediction)


@scenario
def w8_nothing(paper: Paper) -> None:
    with_token(paper, None)


@scenario
def w8_asked_first(paper: Paper) -> None:
    with_token(paper, None)
    paper.run("default/curl", SEND)


@scenario
def w8_asked_first_from_elsewhere(paper: Paper) -> None:
    with_token(paper, None)
    paper.ask(DEFAULT, "/")


@scenario
def w8_predicted(paper: Paper) -> None:
    with_token(paper)
    paper.ask(STRANGER, "/api", 403)
    paper.ask(KIKAI, "/api", 200, agent="labkit/1")


@scenario
def w8_in_a_shell(paper: Paper) -> None:
    with_token(paper)
    paper.logged = False
    paper.run("default/curl", "bash")


@scenario
def w8_in_a_shell_with_a_log(paper: Paper) -> None:
    with_token(paper)
    paper.run("default/curl", "bash")


@scenario
def w8_no_token(paper: Paper) -> None:
    paper.predict("W8", DEFAULT)
    paper.run("default/curl", SEND)


@scenario
def w8_another_account(paper: Paper) -> None:
    with_token(paper)
    paper.ask(CUSTOM, "/api")


@scenario
def w8_bad_token(paper: Paper) -> None:
    with_token(paper)
    paper.run("default/curl", SEND)
    paper.ask("", "/api", 401)


@scenario
def w8_without_header(paper: Paper) -> None:
    with_token(paper)
    paper.run("default/curl", CA)
    paper.run("default/curl", CA, f'User "{STRANGER}" cannot')
    paper.ask("", "/api", 401, bare=True)


@scenario
def w8_no_answer(paper: Paper) -> None:
    with_token(paper)
    paper.run("default/curl", CA)


@scenario
def w8_insecure(paper: Paper) -> None:
    with_token(paper)
    paper.run("default/curl", SEND.replace("-s ", "-sk "))
    paper.run("default/curl", "ls")
    paper.now -= 1
    paper.ask(DEFAULT, "/")


@scenario
def w8_insecure_then_right(paper: Paper) -> None:
    w8_insecure(paper)
    paper.now += 5
    paper.ask(DEFAULT, "/")
    paper.ask(DEFAULT, "/api")


@scenario
def w8_only_the_root(paper: Paper) -> None:
    with_token(paper)
    paper.ask(DEFAULT, "/")


@scenario
def w8_right(paper: Paper) -> None:
    with_token(paper)
    paper.run("default/curl", SEND)
    paper.ask(DEFAULT, "/")
    paper.ask(DEFAULT, "/api")


@scenario
def w8_right_without_a_log(paper: Paper) -> None:
    with_token(paper)
    paper.logged = False
    paper.run("default/curl", CA, '{"kind": "x"}')
    paper.run("default/curl", SEND, '{"kind": "x"}')
    paper.run("default/curl", f"{SEND}/api", '{"kind": "x"}')


@scenario
def w8_right_by_its_name(paper: Paper) -> None:
    with_token(paper)
    paper.logged = False
    paper.run("default/curl", f"{SEND}/; {SEND}/api", f'{REFUSED} User "{DEFAULT}" cannot')


@scenario
def w8_wrong(paper: Paper) -> None:
    with_token(paper, "system:serviceaccount:default:curl")
    paper.ask(DEFAULT, "/")
