"""Every way of asking counts: the lab, kubectl, curl, Python's own client, ``labkit exec``, in any order."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml

from kube_embedded.tests.support.slow import slow_but
from kube_embedded.tests.support.until import SECONDS
from labkit import check, lessons, predict
from labkit.lab.lab import Lab
from tests.lessons.test_checkpoints import (
    MOUNT,
    RBAC,
    READERS,
    account,
    ask_and_change,
    binding,
    both_in_kikai,
    pod,
)

needs_kubectl = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl is not installed; curl covers it"
)
needs_curl = pytest.mark.skipif(
    shutil.which("curl") is None, reason="curl is not installed; kubectl covers it"
)

TRUSTED = f"curl -s --cacert {MOUNT}/ca.crt"
BEARER = f'-H "Authorization: Bearer $(cat {MOUNT}/token)"'
SERVICES = "/api/v1/namespaces/kikai/services"


def shell(lab: Lab, *words: str) -> int:
    """Run a command as in the learner's terminal, with the lab's kubeconfig."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(lab.home), "LABKIT_HOME": str(lab.home)}
    environment |= {"KUBECONFIG": str(lab.kubeconfig)}
    done = subprocess.run(
        words,
        env=environment,
        capture_output=True,
        timeout=SECONDS,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode


def kubectl(lab: Lab, line: str) -> int:
    return shell(lab, "kubectl", *shlex.split(line))


def curl(lab: Lab, path: str, *options: str) -> None:
    shell(
        lab,
        "curl",
        "-s",
        "--cacert",
        lab.admin.endpoint.ca_file,
        *options,
        f"{lab.admin.server}{path}",
    )


def labkit(lab: Lab, *words: str) -> int:
    return shell(lab, sys.executable, "-m", "labkit", *words)


def token(lab: Lab, who: str) -> str:
    answer = lab.admin.without_observers().post(
        f"/api/v1/namespaces/{who.replace('/', '/serviceaccounts/')}/token",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}},
    )
    return str(answer.body["status"]["token"])


def as_account(lab: Lab, who: str, *paths: str) -> None:
    for path in paths:
        curl(lab, path, "-H", f"Authorization: Bearer {token(lab, who)}")


def with_python(lab: Lab, who: str) -> None:
    """Request with the official client, as a script does."""
    from kubernetes import client as official

    configuration = official.Configuration(host=lab.admin.server)
    configuration.ssl_ca_cert = lab.admin.endpoint.ca_file
    configuration.api_key = {"authorization": f"Bearer {token(lab, who)}"}
    with official.ApiClient(configuration) as api:
        try:
            official.CoreV1Api(api).list_namespaced_service("kikai")
        except official.ApiException as error:
            assert error.status == 403  # noqa: PT017 - it may as well be allowed


def through_the_labs_proxy(lab: Lab) -> None:
    with lab.proxy() as proxy:
        urlopen(f"{proxy.url}/api/v1/namespaces").close()


def with_curl(lab: Lab) -> None:
    curl(lab, "/api")
    curl(lab, "/api", "-H", "Authorization: Bearer x")


def raw(lab: Lab) -> None:
    for path in ("/", "/api", "/apis", "/api/v1", "/apis/apps/v1"):
        kubectl(lab, f"get --raw {path}")


DARBO = "system:serviceaccount:darbo:default"

Way = tuple[str, object, Callable[[Lab], object]]

WAYS: list[Way] = [
    ("W2", {"no token": 403, "bad token": 401}, with_curl),
    ("W3", "allowed", through_the_labs_proxy),
    ("W4", RBAC, raw),
    (
        "W7",
        "forbidden",
        lambda lab: [
            labkit(lab, "exec", "curl", "--", *words)
            for words in (
                ("bash", "-c", "apt-get update && apt-get install -y curl"),
                ("curl", "https://kubernetes"),
                ("curl", "-s", "--cacert", f"{MOUNT}/ca.crt", "https://kubernetes"),
            )
        ],
    ),
    (
        "W7",
        "denied",
        lambda lab: [
            kubectl(lab, f"exec curl -- {line}")
            for line in (
                "bash -c 'apt-get update && apt-get install -y curl'",
                "curl https://kubernetes",
                f"{TRUSTED} https://kubernetes",
            )
        ],
    ),
    (
        "W7",
        403,
        lambda lab: [
            lab.kubectl(f"exec curl -- {line}")
            for line in (
                "bash -c 'apt-get update && apt-get install -y curl'",
                "curl https://kubernetes",
                f"{TRUSTED} https://kubernetes",
            )
        ],
    ),
    (
        "W8",
        "system:serviceaccount:default:default",
        lambda lab: labkit(
            lab, "exec", "curl", "--", "bash", "-c",
            f"apt-get update && apt-get install -y curl && {TRUSTED} {BEARER} https://kubernetes/ https://kubernetes/api",
        ),
    ),
    ("W8", "default:default", lambda lab: as_account(lab, "default/default", "/", "/api")),
    ("W9", "default", lambda lab: kubectl(lab, "get serviceaccounts -A")),
    ("W9", "default", lambda lab: kubectl(lab, "get pod curl")),
    (
        "W13",
        "default:kikai",
        lambda lab: kubectl(
            lab,
            "exec curl-custom-sa -c main -- bash -c "
            "'apt-get update && apt-get install -y curl && curl -s localhost:8001/ localhost:8001/api'",
        ),
    ),
    ("W15", "forbidden", lambda lab: kubectl(lab, "get services -n kikai --as system:serviceaccount:kikai:default")),
    ("W15", "forbidden", lambda lab: kubectl(lab, f"exec -n kikai test -- curl -s localhost:8001{SERVICES}")),
    ("W15", "no", lambda lab: as_account(lab, "kikai/default", SERVICES)),
    ("W15", 403, lambda lab: with_python(lab, "kikai/default")),
    ("W15", "denied", lambda lab: labkit(lab, "exec", "kikai/test", "--", "curl", "-s", f"localhost:8001{SERVICES}")),
    (
        "W19",
        {"kikai": "yes", "darbo": "no"},
        lambda lab: [
            kubectl(lab, f"get services -n {space} --as {DARBO}") for space in ("kikai", "darbo")
        ],
    ),
    ("W21", "no", lambda lab: kubectl(lab, "get pv --as system:serviceaccount:kikai:default")),
    ("W21", "no", lambda lab: as_account(lab, "kikai/default", "/api/v1/persistentvolumes?limit=500")),
]  # fmt: skip


@needs_kubectl
@needs_curl
@pytest.mark.parametrize(
    "late",
    [False, pytest.param(True, marks=pytest.mark.slow)],
    ids=["predicted first", "asked first, kernel restarted"],
)
@pytest.mark.parametrize(
    ("step", "said", "ask"),
    slow_but(WAYS, *WAYS[:3], *WAYS[4:]),  # the fourth starts labkit three times
    ids=[f"{way[0]}-{number}" for number, way in enumerate(WAYS)],
)
def test_any_client_counts(
    lab: Lab, step: str, said: object, ask: Callable[[Lab], object], late: bool
) -> None:
    lab.rewind(step)
    if not late:
        predict(step, said)
    ask(lab)
    if late:
        Lab(home=lab.home, say=lambda _line: None)  # a new kernel: only the disk is left
        predict(step, said)
    outcome = check(step)
    assert outcome.passed, repr(outcome)


@needs_kubectl
def test_what_was_asked_beside_the_point_is_named(lab: Lab) -> None:
    lab.rewind("W15")
    predict("W15", "forbidden")
    kubectl(lab, "auth can-i list services -n kikai --as system:serviceaccount:kikai:default")
    assert "a question about the call, not the call" in check("W15").seen
    lab.as_pod("kikai/test").get("/api/v1/namespaces/kikai/service")
    assert "you asked for `service`; the resource is `services`" in check("W15").seen
    kubectl(lab, "get services -n kikai")
    assert (
        "asked as kubernetes-admin, not as system:serviceaccount:kikai:default" in check("W15").seen
    )


def test_what_was_asked_in_another_step_is_not_said_to_be_this_one(lab: Lab) -> None:
    lab.rewind("W19")
    lab.as_pod("kikai/test").get("/api/v1/namespaces/kikai/services")
    early = check("W19")
    assert (
        "asked as system:serviceaccount:kikai:default, not as system:serviceaccount:darbo:default"
        in early.seen
    )
    lab.as_pod("darbo/test").get("/api/v1/namespaces/kikai/services")
    assert check("W19").seen == "you have asked, and predicted nothing"


def test_a_token_sent_with_k_is_no_pass(lab: Lab) -> None:
    lab.rewind("W8")
    predict("W8", "default:default")
    lab.exec(
        "default/curl",
        f"apt-get update && apt-get install -y curl; curl -sk {BEARER} https://kubernetes/api",
    )
    assert "impostor" in check("W8").seen
    lab.exec("default/curl", f"{TRUSTED} {BEARER} https://kubernetes/ https://kubernetes/api")
    assert check("W8").passed


def test_checking_is_no_evidence(lab: Lab) -> None:
    lab.rewind("end")
    for step in lessons.STEPS:
        first = lessons.STEPS[step].prediction
        if first is not None and first.words:
            predict(step, next(iter(first.words)))
    for _ in range(2):
        assert not [step for step in lessons.STEPS if check(step).passed]


WIDE = [
    (
        "verb impersonate",
        [{"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"]}],
    ),
    ("pods/exec", [{"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]}]),
    ("tokens", [{"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]}]),
    ("watch", [{"apiGroups": [""], "resources": ["services"], "verbs": ["watch"]}]),
]
STRANGERS = [
    {"apiGroup": RBAC, "kind": "User", "name": "alice"},
    {"apiGroup": RBAC, "kind": "Group", "name": "system:unauthenticated"},
    {"kind": "ServiceAccount", "namespace": "darbo", "name": "somebody"},
]


@pytest.mark.parametrize(("what", "rules"), WIDE, ids=[what for what, _ in WIDE])
def test_nothing_more_goes_unseen_in_w17(
    lab: Lab, what: str, rules: list[dict[str, object]]
) -> None:
    lab.rewind("W17")
    lab.apply({**READERS[0], "rules": [*READERS[0]["rules"], *rules]})
    lab.apply(binding("test", "kikai", "service-reader", account("kikai")))
    assert "too much: kikai/default" in check("W17").seen


@pytest.mark.parametrize("stranger", STRANGERS, ids=[str(each["name"]) for each in STRANGERS])
@pytest.mark.parametrize(
    ("step", "role", "space"),
    [("W17", "service-reader", "kikai"), ("W23", "pv-reader", ""), ("W24", "view", "")],
)
def test_nobody_else_goes_unseen(
    lab: Lab, step: str, role: str, space: str, stranger: dict[str, str]
) -> None:
    lab.rewind(step)
    kind = "Role" if space else "ClusterRole"
    lab.apply(binding("test", space, role, account("kikai"), stranger, kind=kind))
    outcome = check(step)
    assert "too much" in outcome.seen, repr(outcome)
    assert stranger["name"] in outcome.seen


def test_a_widened_view_is_seen(lab: Lab) -> None:
    lab.rewind("W24")
    label = {"rbac.authorization.k8s.io/aggregate-to-view": "true"}
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    meta = {"name": "more", "labels": label}
    lab.apply(
        {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": meta, "rules": [rule]}
    )
    lab.apply(binding("view-test", "", "view", account("kikai"), kind="ClusterRole"))
    assert "get · secrets" in check("W24").seen


def test_a_grant_is_compared_with_the_last_reset(lab: Lab, tmp_path: Path) -> None:
    """Objects from before the learner's work are never too much."""
    lab.rewind("W17")
    lab.apply(
        binding(
            "old",
            "kikai",
            "edit",
            {"apiGroup": RBAC, "kind": "User", "name": "bob"},
            kind="ClusterRole",
        )
    )
    lab._begin()
    lab.apply(binding("test", "kikai", "service-reader", account("kikai")))
    ask_and_change(lab)
    predict("W17", "no")
    outcome = check("W17")
    assert outcome.passed, repr(outcome)


FOOLED: list[tuple[str, object, Callable[[Lab], object], str]] = [
    (
        "W7",
        "forbidden",
        lambda lab: lab.exec("default/curl", "echo curl https://kubernetes; exit 60"),
        "now call",
    ),
    ("W7", "forbidden", lambda lab: with_a_variable(lab), "impostor"),
    (
        "W13",
        "default:kikai",
        lambda lab: as_account(lab, "default/kikai", "/api"),
        "not through the ambassador",
    ),
    ("W3", "forbidden", lambda lab: as_nobody_through_a_proxy(lab), "now ask through a proxy"),
    (
        "W2",
        {"no token": 403, "bad token": 401},
        lambda lab: impersonated(lab),
        "no call with no token",
    ),
    ("W9", "kikai", lambda lab: a_named_account(lab), "names an account"),
    (
        "W15",
        "forbidden",
        lambda lab: lab.as_pod("kikai/test").post(SERVICES, {}),
        "you asked to create services in kikai",
    ),
    ("W6", None, lambda lab: lab.record("W6", "10.96.0.1"), "say the port too"),
    (
        "W17",
        "forbidden",
        lambda lab: lab.apply(binding("v", "kikai", "view", account("kikai"), kind="ClusterRole")),
        "view only",
    ),
    ("W22", None, lambda lab: both_and(lab, "darbo"), "in darbo"),
    ("W16", "forbidden", lambda lab: roles_and_admin(lab), "by clusterrolebinding all"),
    ("W16", "unauthorized", lambda lab: roles_and_asked(lab), "you predicted “unauthorized”"),
    (
        "W17",
        "unauthorized",
        lambda lab: bound_and_asked(lab),
        "you predicted that changing is unauthorized",
    ),
    (
        "W8",
        "system:serviceaccount:default:default",
        lambda lab: with_the_token(lab, "-k -H 'X: y'"),
        "impostor",
    ),
    ("W7", "forbidden", lambda lab: in_time(lab, "-k"), "impostor"),
    ("W22", None, lambda lab: both_and_a_role(lab), "gives Role pv-reader"),
    ("W22", None, lambda lab: both_without_a_role(lab), "which does not exist"),
    ("W11", None, lambda lab: an_account_made_anew(lab), "not accepted any more"),
    ("W17", "forbidden", lambda lab: a_wider_discovery(lab), "take the new rule out again"),
    (
        "W23",
        None,
        lambda lab: both_accounts(lab),
        "an account of the same name in another namespace. take it out",
    ),
]

UNUSUAL: list[tuple[str, object, Callable[[Lab], object]]] = [
    (
        "W6",
        None,
        lambda lab: lab.record(
            "W6", lab.exec("default/curl", "echo $KUBERNETES_PORT").stdout.strip()
        ),
    ),
    ("W7", "forbidden", lambda lab: in_time(lab, f"--cacert {MOUNT}/ca.crt")),
    (
        "W8",
        "system:serviceaccount:default:default",
        lambda lab: with_the_token(lab, "-H 'X-Note: not -k'"),
    ),
    ("W9", "Default", lambda lab: lab.admin.get("/api/v1/serviceaccounts")),
    (
        "W7",
        "forbidden",
        lambda lab: in_a_shell(lab, ["sh", "-ec"], f"{TRUSTED} https://kubernetes"),
    ),
    (
        "W7",
        "forbidden",
        lambda lab: in_a_shell(lab, ["bash", "-lc"], f"U=https://kubernetes; {TRUSTED} $U"),
    ),
    (
        "W7",
        "forbidden",
        lambda lab: in_a_shell(
            lab, ["sh", "-e", "-c"], f"echo https://kubernetes | xargs {TRUSTED}"
        ),
    ),
    (
        "W7",
        "forbidden",
        lambda lab: in_a_shell(lab, ["sh", "-c"], f"f() {{ {TRUSTED} https://kubernetes; }}; f"),
    ),
    (
        "W7",
        "forbidden",
        lambda lab: in_a_shell(lab, ["sh", "-c"], f"{TRUSTED} -A -k https://kubernetes"),
    ),
    ("W13", "default:kikai", lambda lab: with_a_port(lab)),
]
"""Right, in ways that were refused once."""


def in_time(lab: Lab, options: str) -> None:
    lab.exec("default/curl", "apt-get update && apt-get install -y curl")
    lab.exec("default/curl", "timeout -s KILL 9 curl -s https://kubernetes")
    lab.exec("default/curl", f"timeout 9 curl -s {options} https://kubernetes")


def in_a_shell(lab: Lab, shell: list[str], script: str) -> None:
    lab.exec("default/curl", "apt-get update && apt-get install -y curl")
    lab.exec("default/curl", [*shell, "U=https://kubernetes; curl -s $U || true; curl $U"])
    lab.exec("default/curl", [*shell, script])


def with_a_port(lab: Lab) -> None:
    lab.exec(
        "default/curl-custom-sa",
        "P=8001; curl -s localhost:$P/ localhost:$P/api",
        container="ambassador",
    )


def both_and_a_role(lab: Lab) -> None:
    first, second = both_in_kikai("view", "pv-reader")
    lab.apply([first, {**second, "roleRef": {**second["roleRef"], "kind": "Role"}}])


def both_without_a_role(lab: Lab) -> None:
    lab.apply(both_in_kikai("view", "pv-reader"))
    lab.admin.delete(f"/apis/{RBAC}/v1/clusterroles/pv-reader")


def an_account_made_anew(lab: Lab) -> None:
    lab.apply("03-service-accounts/W11-pod-curl-custom-sa.yaml")
    lab.wait("default/curl-custom-sa")
    lab.admin.delete("/api/v1/namespaces/default/serviceaccounts/kikai")
    lab.apply("03-service-accounts/W10-serviceaccount-kikai.yaml")


def a_wider_discovery(lab: Lab) -> None:
    lab.apply(binding("test", "kikai", "service-reader", account("kikai")))
    path = f"/apis/{RBAC}/v1/clusterroles/system:discovery"
    role = lab.admin.get(path).body
    role["rules"].append({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]})
    assert lab.admin.put(path, role).ok


def both_accounts(lab: Lab) -> None:
    lab.apply(
        binding("pv-test", "", "pv-reader", account("kikai"), account("darbo"), kind="ClusterRole")
    )


def with_the_token(lab: Lab, options: str) -> None:
    lab.exec("default/curl", "apt-get update && apt-get install -y curl")
    token = f'-H "Authorization: Bearer $(cat {MOUNT}/token)"'
    trusted = "" if options.startswith("-k") else f"--cacert {MOUNT}/ca.crt"
    lab.exec(
        "default/curl",
        f"curl -s {trusted} {options} {token} https://kubernetes https://kubernetes/api",
    )


def with_a_variable(lab: Lab) -> None:
    lab.exec(
        "default/curl",
        "apt-get update && apt-get install -y curl; curl https://kubernetes; O=-k; curl $O https://kubernetes",
    )


def as_nobody_through_a_proxy(lab: Lab) -> None:
    with lab.proxy(caller=lab.as_anonymous()) as proxy:
        proxy.get("/api")


def impersonated(lab: Lab) -> None:
    kubectl(lab, "get --raw /api --as=system:anonymous")
    lab.as_token("x").get("/api")


def a_named_account(lab: Lab) -> None:
    lab.admin.delete("/api/v1/namespaces/default/pods/curl", query={"gracePeriodSeconds": "0"})
    lab.apply("03-service-accounts/W10-serviceaccount-kikai.yaml")
    lab.apply(pod("curl", serviceAccountName="kikai"))
    lab.admin.get("/api/v1/serviceaccounts")


def both_and(lab: Lab, space: str) -> None:
    lab.apply(both_in_kikai("view", "pv-reader"))
    lab.apply(binding("more", space, "view", account("kikai"), kind="ClusterRole"))


def roles_and_asked(lab: Lab) -> None:
    lab.apply(READERS)
    lab.as_pod("kikai/test").get(SERVICES)


def bound_and_asked(lab: Lab) -> None:
    lab.apply(binding("test", "kikai", "service-reader", account("kikai")))
    ask_and_change(lab)


def roles_and_admin(lab: Lab) -> None:
    lab.apply(READERS)
    lab.apply(binding("all", "", "cluster-admin", account("kikai"), kind="ClusterRole"))


@pytest.mark.parametrize(
    ("step", "said", "act"), UNUSUAL, ids=[f"{each[0]}-{n}" for n, each in enumerate(UNUSUAL)]
)
def test_what_looks_unusual_is_a_pass(
    lab: Lab, step: str, said: object, act: Callable[[Lab], object]
) -> None:
    lab.rewind(step)
    if said is not None:
        predict(step, said)
    act(lab)
    outcome = check(step)
    assert outcome.passed, str(outcome)


@needs_kubectl
@needs_curl
@pytest.mark.parametrize(
    ("step", "said", "act", "says"), FOOLED, ids=[f"{each[0]}-{n}" for n, each in enumerate(FOOLED)]
)
def test_what_only_looks_right_is_no_pass(
    lab: Lab, step: str, said: object, act: Callable[[Lab], object], says: str
) -> None:
    lab.rewind(step)
    if said is not None:
        predict(step, said)
    act(lab)
    outcome = check(step)
    assert not outcome.passed
    assert says.lower() in repr(outcome).lower(), repr(outcome)


def test_an_ambassador_may_be_a_native_sidecar(lab: Lab) -> None:
    lab.rewind("W11")
    manifest = pod("curl-custom-sa", serviceAccountName="kikai")
    sidecar = {
        "name": "ambassador",
        "image": "luksa/kubectl-proxy:1.6.2",
        "restartPolicy": "Always",
    }
    lab.apply({**manifest, "spec": {**manifest["spec"], "initContainers": [sidecar]}})
    outcome = check("W11")
    assert outcome.passed, repr(outcome)


@pytest.mark.parametrize("options", ["-o /dev/null -w '%{http_code}'", "-I", "-f"])
def test_any_way_to_look_at_curls_answer_counts_in_w7(lab: Lab, options: str) -> None:
    lab.rewind("W7")
    predict("W7", "forbidden")
    lab.exec("default/curl", "apt-get update && apt-get install -y curl; curl https://kubernetes")
    lab.exec("default/curl", f"{TRUSTED} {options} https://kubernetes")
    outcome = check("W7")
    assert outcome.passed, repr(outcome)


@pytest.mark.parametrize(
    "said", [("10.96.0.1", 443), {"host": "10.96.0.1", "port": 443}, "it is 10.96.0.1:443, I think"]
)
def test_an_address_may_be_written_in_many_ways(lab: Lab, said: object) -> None:
    lab.rewind("W6")
    lab.record("W6", said)
    outcome = check("W6")
    assert outcome.passed, repr(outcome)


@needs_kubectl
def test_what_kubectl_prints_may_be_recorded(lab: Lab) -> None:
    lab.record("W1", lab.kubectl("cluster-info"))
    outcome = check("W1")
    assert outcome.passed, repr(outcome)


def test_a_deployments_pod_has_another_name(lab: Lab) -> None:
    lab.rewind("W5")
    made = pod("curl")
    labels = {"matchLabels": {"app": "curl"}}
    template = {"metadata": {"labels": {"app": "curl"}}, "spec": made["spec"]}
    lab.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "curl"},
            "spec": {"selector": labels, "template": template},
        }
    )
    assert check("W5").kind == "made-by-workload"


def test_a_kubeconfig_that_is_recorded_keeps_no_key(lab: Lab) -> None:
    kubeconfig = yaml.safe_load(Path(lab.kubeconfig).read_text())
    lab.record("W1", kubeconfig)
    assert kubeconfig["users"][0]["user"]["client-key-data"] not in lab.progress.path.read_text()
    assert "something without an address" in check("W1").seen


def test_a_long_text_is_no_address(lab: Lab) -> None:
    lab.record("W1", "a" * 1_000_000)
    assert len(check("W1").seen) < 1_100
