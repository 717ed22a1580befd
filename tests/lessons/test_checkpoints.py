"""Every checkpoint three ways: untouched, plausibly wrong, and solved."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from kube_embedded.tests.support.some import some
from labkit import check, lessons, predict
from labkit.lab.lab import Lab
from labkit.lessons.steps import Lesson
from tests.lessons.policy_questions import STORY, TWO
from tests.lessons.worker import Worker

MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
RBAC = "rbac.authorization.k8s.io"
DEFAULT = {"kind": "ServiceAccount", "name": "default"}


def pod(
    name: str, namespace: str = "default", image: str = "ubuntu", **spec: Any
) -> dict[str, Any]:
    command = spec.pop("command", ["sleep", "9999999"])
    container = {"name": "main", "image": image, **({"command": command} if command else {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [container], **spec},
    }


def role(
    name: str,
    namespace: str,
    verbs: Sequence[str] = ("get", "list"),
    resources: Sequence[str] = ("services",),
    groups: Sequence[str] = ("",),
) -> dict[str, Any]:
    rule = {"apiGroups": list(groups), "verbs": list(verbs), "resources": list(resources)}
    meta = {"name": name, **({"namespace": namespace} if namespace else {})}
    kind = "Role" if namespace else "ClusterRole"
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": meta, "rules": [rule]}


def binding(
    name: str, namespace: str, role: str, *subjects: dict[str, str], kind: str = "Role"
) -> dict[str, Any]:
    meta = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": meta,
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": role},
        "subjects": list(subjects),
    }


def account(namespace: str, name: str = "default") -> dict[str, str]:
    return {"kind": "ServiceAccount", "namespace": namespace, "name": name}


def group(name: str) -> dict[str, str]:
    return {"apiGroup": RBAC, "kind": "Group", "name": name}


READERS = [role("service-reader", "kikai"), role("service-reader", "darbo")]


# -- untouched ------------------------------------------------------------------------------


def test_on_a_fresh_cluster_no_step_is_attempted(lab: Lab) -> None:
    assert {step: check(step).state for step in lessons.STEPS} == dict.fromkeys(
        lessons.STEPS, "not attempted"
    )


@pytest.mark.parametrize("step", lessons.STEPS)
def test_where_a_step_begins_it_is_not_attempted(lab: Lab, step: str) -> None:
    lab.rewind(step)
    outcome = check(step)
    assert outcome.state == "not attempted"
    assert outcome.hint, "it says what to do first"


def test_what_the_lab_prepared_is_nobodys_work(lab: Lab) -> None:
    lab.prepare("02-inside-a-pod")
    lab.prepare("04-roles/W14-namespaces.yaml")
    lab.prepare("04-roles/W14-pods-test.yaml")
    assert check("W5").state == "not attempted"
    assert check("W14").state == "not attempted"


# -- solved ---------------------------------------------------------------------------------


@pytest.mark.parametrize("lesson", lessons.LESSONS, ids=lambda lesson: lesson.id)
def test_the_solutions_pass(lab: Lab, lesson: Lesson) -> None:
    lab.rewind(lesson.steps[0].id)
    worker = Worker(lab)
    for step in some(lesson.steps):
        outcome = worker.run(step.id)
        assert outcome.passed, repr(outcome)


# -- plausibly wrong ------------------------------------------------------------------------

Act = Callable[[Lab], object]


def w1_inside(lab: Lab) -> None:
    lab.record("W1", "https://10.96.0.1:443")


def w1_port(lab: Lab) -> None:
    lab.record("W1", "https://127.0.0.1")


def w2_wrong_prediction(lab: Lab) -> None:
    predict("W2", {"no token": "unauthorized", "bad token": "unauthorized"})
    lab.as_anonymous().get("/api")
    lab.as_token("not-a-token").get("/api")


def w2_half(lab: Lab) -> None:
    predict("W2", {"no token": "forbidden", "bad token": "unauthorized"})
    lab.as_anonymous().get("/api")


def w3_without_proxy(lab: Lab) -> None:
    predict("W3", "allowed")
    lab.admin.get("/api/v1/namespaces")


def w3_wrong_prediction(lab: Lab) -> None:
    predict("W3", "forbidden")
    with lab.proxy() as proxy:
        proxy.get("/api/v1/namespaces")


def w4_wrong_group(lab: Lab) -> None:
    predict("W4", "apps")
    for path in ("/", "/api", "/apis", "/api/v1", "/apis/authentication.k8s.io/v1"):
        lab.admin.get(path)


def w4_too_little(lab: Lab) -> None:
    predict("W4", RBAC)
    lab.admin.get("/api")


def w5_elsewhere(lab: Lab) -> None:
    lab.apply(pod("curl", "kube-public"))


def w5_no_command(lab: Lab) -> None:
    lab.apply(pod("curl", command=None))


def w5_no_image(lab: Lab) -> None:
    lab.apply(pod("curl", image="ubunut"))


def w5_account(lab: Lab) -> None:
    lab.apply("03-service-accounts/W10-serviceaccount-kikai.yaml")
    lab.apply(pod("curl", serviceAccountName="kikai"))


def w6_outside(lab: Lab) -> None:
    lab.record("W6", lab.admin.endpoint.server)


def w6_port(lab: Lab) -> None:
    lab.record("W6", "10.96.0.1:6443")


def in_curl(lab: Lab, line: str) -> None:
    lab.exec("default/curl", f"which curl || (apt-get update && apt-get install -y curl); {line}")


def w7_insecure(lab: Lab) -> None:
    predict("W7", "forbidden")
    in_curl(lab, "curl https://kubernetes")
    in_curl(lab, "curl -sk https://kubernetes")


def w7_no_failure(lab: Lab) -> None:
    predict("W7", "forbidden")
    lab.exec(
        "default/curl",
        f"apt-get update && apt-get install -y curl; curl -s --cacert {MOUNT}/ca.crt https://kubernetes",
    )


def w7_wrong_prediction(lab: Lab) -> None:
    predict("W7", "allowed")
    in_curl(lab, "curl https://kubernetes")
    lab.exec("default/curl", f"curl -s --cacert {MOUNT}/ca.crt https://kubernetes")


def w8_no_header(lab: Lab) -> None:
    predict("W8", "system:serviceaccount:default:default")
    in_curl(lab, f"curl -s --cacert {MOUNT}/ca.crt https://kubernetes")


def w8_wrong_prediction(lab: Lab) -> None:
    predict("W8", "system:serviceaccount:default:curl")
    lab.as_pod("default/curl").get("/api")


def w9_wrong_prediction(lab: Lab) -> None:
    predict("W9", "curl")
    lab.admin.get("/api/v1/serviceaccounts")


def w10_elsewhere(lab: Lab) -> None:
    predict("W10", "no")
    sa = {"apiVersion": "v1", "kind": "ServiceAccount"}
    lab.apply({**sa, "metadata": {"name": "kikai", "namespace": "kube-public"}})


def w10_wrong_prediction(lab: Lab) -> None:
    predict("W10", "yes")
    lab.apply("03-service-accounts/W10-serviceaccount-kikai.yaml")


def w11_default_account(lab: Lab) -> None:
    lab.apply(pod("curl-custom-sa"))


def w11_no_ambassador(lab: Lab) -> None:
    lab.apply(pod("curl-custom-sa", serviceAccountName="kikai"))


def w11_deaf(lab: Lab) -> None:
    manifest = pod("curl-custom-sa", serviceAccountName="kikai")
    second = {"name": "ambassador", "image": "ubuntu", "command": ["sleep", "9999999"]}
    manifest["spec"]["containers"].append(second)
    lab.apply(manifest)


CLAIMS = {
    "who issued it": "iss",
    "whom it is about": "sub",
    "whom it is meant for": "aud",
    "when it ends": "exp",
    "which pod has it": "kubernetes.io.pod.uid",
}


def ask_as_pod(lab: Lab, *paths: str) -> None:
    """Ask for the lists of a step as the pod kikai/test."""
    for path in paths:
        lab.as_pod("kikai/test").get(f"/api/v1/{path}")


def ask_and_change(lab: Lab) -> None:
    """Ask for the services of kikai as its pod, and try to delete one, as W17 does."""
    ask_as_pod(lab, "namespaces/kikai/services")
    lab.as_pod("kikai/test").delete("/api/v1/namespaces/kikai/services/web")


THREE_LISTS = ("namespaces/kikai/pods", "namespaces/darbo/pods", "persistentvolumes")


def w12_wrong_prediction(lab: Lab) -> None:
    predict("W12", "identical")
    lab.record("W12", ["iss", "sub"])


def w12_wrong_claims(lab: Lab) -> None:
    predict("W12", "different")
    lab.record("W12", {**CLAIMS, "when it ends": "iat"})


def w12_too_few(lab: Lab) -> None:
    predict("W12", "different")
    lab.record("W12", {"who issued it": "iss"})


def w13_wrong_prediction(lab: Lab) -> None:
    predict("W13", "system:serviceaccount:kikai:default")
    lab.exec(
        "default/curl-custom-sa",
        "apt-get update && apt-get install -y curl; curl -s localhost:8001",
    )


def w13_without_curl(lab: Lab) -> None:
    predict("W13", "system:serviceaccount:default:kikai")
    lab.exec("default/curl-custom-sa", "curl -s localhost:8001")


def w14_half(lab: Lab) -> None:
    lab.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kikai"}})
    lab.apply(pod("test", "kikai", "luksa/kubectl-proxy", command=None))


def w14_no_proxy(lab: Lab) -> None:
    lab.apply("04-roles/W14-namespaces.yaml")
    lab.apply([pod("test", "kikai"), pod("test", "darbo")])


def w14_in_default(lab: Lab) -> None:
    lab.apply(pod("test", image="luksa/kubectl-proxy", command=None))


def w15_as_admin(lab: Lab) -> None:
    predict("W15", "forbidden")
    lab.admin.get("/api/v1/namespaces/kikai/services")


def w15_wrong_prediction(lab: Lab) -> None:
    predict("W15", "allowed")
    lab.as_pod("kikai/test").get("/api/v1/namespaces/kikai/services")


def w15_something_below(lab: Lab) -> None:
    predict("W15", "forbidden")
    lab.exec("kikai/test", "curl -s localhost:8001/api/v1/namespaces/kikai/services/web")


def w15_later(lab: Lab) -> None:
    predict("W15", "forbidden")
    lab.apply([*READERS, binding("test", "kikai", "service-reader", account("kikai"))])
    lab.as_pod("kikai/test").get("/api/v1/namespaces/kikai/services")


def w16_one(lab: Lab) -> None:
    lab.apply(READERS[:1])


def w16_group(lab: Lab) -> None:
    lab.apply([role("service-reader", space, groups=["v1"]) for space in ("kikai", "darbo")])


def w16_singular(lab: Lab) -> None:
    lab.apply(
        [role("service-reader", space, resources=["service"]) for space in ("kikai", "darbo")]
    )


def w16_only_get(lab: Lab) -> None:
    lab.apply([role("service-reader", space, verbs=["get"]) for space in ("kikai", "darbo")])


def w16_capitals(lab: Lab) -> None:
    lab.apply(
        [role("service-reader", space, verbs=["GET", "LIST"]) for space in ("kikai", "darbo")]
    )


def w16_one_string(lab: Lab) -> None:
    lab.apply([role("service-reader", space, verbs=["get, list"]) for space in ("kikai", "darbo")])


def w16_star(lab: Lab) -> None:
    lab.apply([role("service-reader", space, verbs=["*"]) for space in ("kikai", "darbo")])


def w16_cluster_role(lab: Lab) -> None:
    lab.apply(role("service-reader", ""))


def w16_wrong_prediction(lab: Lab) -> None:
    predict("W16", "allowed")
    lab.apply(READERS)
    ask_as_pod(lab, "namespaces/kikai/services")


def w17_wrong_namespace(lab: Lab) -> None:
    lab.apply(binding("test", "darbo", "service-reader", account("kikai")))


def w17_wrong_subject(lab: Lab) -> None:
    lab.apply(binding("test", "kikai", "service-reader", account("default")))


def w17_user(lab: Lab) -> None:
    user = {"apiGroup": RBAC, "kind": "User", "name": "default"}
    lab.apply(binding("test", "kikai", "service-reader", user))


def w17_no_such_role(lab: Lab) -> None:
    lab.apply(binding("test", "kikai", "services-reader", account("kikai")))


def w17_capitals(lab: Lab) -> None:
    lab.apply(role("service-reader", "kikai", verbs=["GET", "LIST"]))
    lab.apply(binding("test", "kikai", "service-reader", account("kikai")))


def w17_star(lab: Lab) -> None:
    lab.apply(role("service-reader", "kikai", verbs=["*"]))
    lab.apply(binding("test", "kikai", "service-reader", account("kikai")))


def w17_only_list(lab: Lab) -> None:
    lab.apply(role("service-reader", "kikai", verbs=["list"]))
    lab.apply(binding("test", "kikai", "service-reader", account("kikai")))


def w17_secrets_beside_view(lab: Lab) -> None:
    lab.apply(binding("view-test", "", "view", account("kikai"), kind="ClusterRole"))
    lab.apply(role("service-reader", "kikai", resources=["services", "secrets"]))
    lab.apply(binding("test", "kikai", "service-reader", account("kikai")))


def w17_admin(lab: Lab) -> None:
    lab.apply(binding("test", "", "cluster-admin", account("kikai"), kind="ClusterRole"))


def w17_group(lab: Lab) -> None:
    everyone = group("system:serviceaccounts:kikai")
    lab.apply(binding("test", "kikai", "service-reader", everyone))


def w17_wrong_prediction(lab: Lab) -> None:
    predict("W17", "allowed")
    lab.apply(binding("test", "kikai", "service-reader", account("kikai")))
    ask_and_change(lab)


def w18_replaced(lab: Lab) -> None:
    lab.admin.delete(f"/apis/{RBAC}/v1/namespaces/kikai/rolebindings/test")
    lab.apply(binding("test", "kikai", "service-reader", account("darbo")))


def w18_in_darbo(lab: Lab) -> None:
    lab.apply(binding("test", "darbo", "service-reader", account("darbo")))


def w18_wrong_name(lab: Lab) -> None:
    lab.apply(binding("more", "kikai", "service-reader", account("darbo", "darbo")))


def w18_everyone(lab: Lab) -> None:
    lab.apply(binding("more", "kikai", "service-reader", group("system:serviceaccounts")))


def w18_all_of_darbo(lab: Lab) -> None:
    lab.apply(binding("more", "kikai", "service-reader", group("system:serviceaccounts:darbo")))


def w18_too_wide(lab: Lab) -> None:
    lab.apply(binding("more", "kikai", "edit", account("darbo"), kind="ClusterRole"))


def ask_from_darbo(lab: Lab) -> None:
    for space in ("kikai", "darbo"):
        lab.as_pod("darbo/test").get(f"/api/v1/namespaces/{space}/services")


def w19_wrong_prediction(lab: Lab) -> None:
    predict("W19", {"kikai": "allowed", "darbo": "allowed"})
    ask_from_darbo(lab)


def w19_half(lab: Lab) -> None:
    predict("W19", {"kikai": "allowed"})
    ask_from_darbo(lab)


def w19_wrong_caller(lab: Lab) -> None:
    predict("W19", {"kikai": "allowed", "darbo": "forbidden"})
    lab.as_pod("kikai/test").get("/api/v1/namespaces/kikai/services")


def w19_from_another_pod(lab: Lab) -> None:
    predict("W19", {"kikai": "allowed", "darbo": "forbidden"})
    for space in ("kikai", "darbo"):
        lab.exec("kikai/test", f"curl -s localhost:8001/api/v1/namespaces/{space}/services")


def w19_without_w18(lab: Lab) -> None:
    lab.admin.delete(f"/apis/{RBAC}/v1/namespaces/kikai/rolebindings/test")
    predict("W19", {"kikai": "forbidden", "darbo": "forbidden"})
    ask_from_darbo(lab)


def w19_bound_in_both(lab: Lab) -> None:
    lab.apply(binding("test", "darbo", "service-reader", account("darbo")))
    predict("W19", {"kikai": "allowed", "darbo": "allowed"})
    ask_from_darbo(lab)


def w20_role(lab: Lab) -> None:
    lab.apply(role("pv-reader", "kikai", resources=["persistentvolumes"]))


def w20_claims(lab: Lab) -> None:
    lab.apply(role("pv-reader", "", resources=["persistentvolumeclaims"]))


def w20_capitals(lab: Lab) -> None:
    lab.apply(role("pv-reader", "", verbs=["get", "List"], resources=["persistentvolumes"]))


def w20_one_string(lab: Lab) -> None:
    lab.apply(role("pv-reader", "", verbs=["get list"], resources=["persistentvolumes"]))


def w20_star(lab: Lab) -> None:
    lab.apply(role("pv-reader", "", resources=["*"]))


def w21_wrong_prediction(lab: Lab) -> None:
    predict("W21", "allowed")
    lab.as_pod("kikai/test").get("/api/v1/persistentvolumes")


def both_in_kikai(*names: str) -> list[dict[str, Any]]:
    return [binding(name, "kikai", name, account("kikai"), kind="ClusterRole") for name in names]


def w22_cluster_binding(lab: Lab) -> None:
    lab.apply(binding("view-test", "", "view", account("kikai"), kind="ClusterRole"))


def w22_one(lab: Lab) -> None:
    lab.apply(both_in_kikai("view"))


def w22_other(lab: Lab) -> None:
    lab.apply(both_in_kikai("pv-reader"))


def w22_admin(lab: Lab) -> None:
    lab.apply(both_in_kikai("admin", "pv-reader"))


def w22_wrong_prediction(lab: Lab) -> None:
    predict("W22", {"pods in kikai": "yes", "pods in darbo": "no", "persistent volumes": "yes"})
    lab.apply(both_in_kikai("view", "pv-reader"))
    ask_as_pod(lab, *THREE_LISTS)


def w23_role_binding(lab: Lab) -> None:
    lab.apply(both_in_kikai("pv-reader"))


def w23_wrong_subject(lab: Lab) -> None:
    lab.apply(binding("pv-test", "", "pv-reader", account("default"), kind="ClusterRole"))


def w23_admin(lab: Lab) -> None:
    lab.apply(binding("pv-test", "", "cluster-admin", account("kikai"), kind="ClusterRole"))


def w23_group(lab: Lab) -> None:
    everyone = group("system:serviceaccounts")
    lab.apply(binding("pv-test", "", "pv-reader", everyone, kind="ClusterRole"))


def w24_two_role_bindings(lab: Lab) -> None:
    for space in ("kikai", "darbo"):
        lab.apply(binding("view-test", space, "view", account("kikai"), kind="ClusterRole"))


def w24_edit(lab: Lab) -> None:
    lab.apply(binding("view-test", "", "edit", account("kikai"), kind="ClusterRole"))


def w24_group(lab: Lab) -> None:
    lab.apply(
        binding("view-test", "", "view", group("system:serviceaccounts:kikai"), kind="ClusterRole")
    )


def w24_wrong_subject(lab: Lab) -> None:
    missing = binding("view-test", "", "veiw", account("kikai"), kind="ClusterRole")
    lab.apply(missing)


def w24_wrong_prediction(lab: Lab) -> None:
    predict("W24", {"pods before": "forbidden", "secrets after": "allowed"})
    lab.apply(binding("view-test", "", "view", account("kikai"), kind="ClusterRole"))


def t1_part_5_left(lab: Lab) -> None:
    policy = lab.policy("04-roles")
    policy.ask(STORY)
    lab.record("T1", STORY)


def t2_negative(lab: Lab) -> None:
    lab.record("T2", STORY)


def t3_two(lab: Lab) -> None:
    lab.record("T3", TWO)


def t4_in_the_shared_role(lab: Lab) -> None:
    lab.apply("06-test-the-policy/tryout/T04-role-log")


def t4_view(lab: Lab) -> None:
    lab.apply(binding("view-test", "kikai", "view", account("kikai"), kind="ClusterRole"))


def tally(lab: Lab) -> None:
    """Run the program of T5, which stops when it is refused."""
    me, maps = lab.as_service_account("kikai/tally"), "/api/v1/namespaces/kikai/configmaps"
    me.get("/api/v1/namespaces/kikai/pods")
    if me.post(maps, {"metadata": {"name": "tally"}}).status == 409:
        me.patch(f"{maps}/tally", {"data": {"pods": "1"}})


def t5_refused(lab: Lab) -> None:
    predict("T5", "used")
    lab.apply("06-test-the-policy/T05-account-tally")
    tally(lab)


def t6_all_rights_left(lab: Lab) -> None:
    lab.apply("06-test-the-policy/tryout/T05-rolebinding-tally-all")
    lab.apply("06-test-the-policy/T06-role-tally")
    tally(lab)
    tally(lab)


WRONG: list[tuple[str, Act, str]] = [
    ("W1", w1_inside, "inside the cluster"),
    ("W1", w1_port, "the port is not 443"),
    ("W2", w2_wrong_prediction, "system:anonymous"),
    ("W2", w2_half, "no call with bad token was seen"),
    ("W3", w3_without_proxy, "over HTTPS: 1, none of them through a proxy"),
    ("W3", w3_wrong_prediction, "the proxy adds its own credential"),
    ("W4", w4_wrong_group, "name is about authorization"),
    ("W4", w4_too_little, "also /, /apis"),
    ("W5", w5_elsewhere, "a pod curl in kube-public"),
    ("W5", w5_no_command, 'Give it one that stays: ["sleep"'),
    ("W5", w5_no_image, "The image cannot be fetched"),
    ("W5", w5_account, "runs as the account kikai"),
    ("W6", w6_outside, "the address from your machine"),
    ("W6", w6_port, "the port is not 6443"),
    ("W7", w7_insecure, "-k would talk to an impostor"),
    ("W7", w7_no_failure, "exit code 60"),
    ("W7", w7_wrong_prediction, "It does not tell the server who you are"),
    ("W8", w8_no_header, "answers to system:anonymous only"),
    ("W8", w8_wrong_prediction, "you predicted “system:serviceaccount:default:curl”"),
    ("W9", w9_wrong_prediction, "the account has another name"),
    ("W10", w10_elsewhere, "an account kikai in kube-public"),
    ("W10", w10_wrong_prediction, "In 1.24 and later none is, by default"),
    ("W11", w11_default_account, "runs as the account default"),
    ("W11", w11_no_ambassador, "one container: main"),
    ("W11", w11_no_ambassador, "are fixed: delete the pod, and create it anew"),
    ("W11", w11_deaf, "nothing answers at localhost:8001"),
    ("W12", w12_wrong_prediction, "the two are different"),
    ("W12", w12_wrong_claims, "when it ends: you recorded “iat”"),
    ("W12", w12_too_few, "nothing recorded for “whom it is about”"),
    ("W13", w13_wrong_prediction, "the token that is mounted in its own container"),
    ("W13", w13_without_curl, "Install curl first"),
    ("W14", w14_half, "no namespace darbo"),
    ("W14", w14_no_proxy, "nothing answers at localhost:8001 in kikai/test"),
    ("W14", w14_in_default, "a pod test in default"),
    ("W15", w15_as_admin, "asked as kubernetes-admin, not as system:serviceaccount:kikai:default"),
    ("W15", w15_wrong_prediction, "RBAC starts from nothing"),
    ("W15", w15_something_below, "asked for one object, web"),
    ("W15", w15_later, 'lab.rewind("W15")'),
    ("W16", w16_one, "no role service-reader in darbo"),
    ("W16", w16_group, "The core group is"),
    ("W16", w16_singular, "written in the plural"),
    ("W16", w16_only_get, "does not grant list"),
    ("W16", w16_capitals, 'Verbs are written in small letters: "get", not "GET".'),
    ("W16", w16_one_string, '"get, list" is one string, and so one verb.'),
    ("W16", w16_star, 'too much: the role in kikai also grants verb "*"'),
    ("W16", w16_cluster_role, "a ClusterRole service-reader"),
    ("W16", w16_wrong_prediction, "A plain list names no object"),
    ("W17", w17_wrong_namespace, "It lies in darbo"),
    ("W17", w17_wrong_subject, "Its subject is not the account that is meant"),
    ("W17", w17_user, "A subject has a kind, a name"),
    ("W17", w17_no_such_role, "There is no Role services-reader"),
    ("W17", w17_capitals, 'Verbs are written in small letters: "get", not "GET".'),
    ("W17", w17_star, "too much: kikai/default: * · services in kikai"),
    ("W17", w17_only_list, "listing works, reading a single service does not"),
    ("W17", w17_secrets_beside_view, "list · secrets in kikai"),
    ("W17", w17_admin, "too much: kikai/default: * · * in the whole cluster"),
    ("W17", w17_group, "That is every account there, tomorrow's too. Name the one account"),
    ("W17", w17_wrong_prediction, "The role holds get and list"),
    ("W18", w18_replaced, "You replaced the first subject"),
    ("W18", w18_in_darbo, "It lies in darbo"),
    ("W18", w18_wrong_name, "Its subject is not the account that is meant"),
    ("W18", w18_everyone, "That is every account there, tomorrow's too. Name the one account"),
    ("W18", w18_all_of_darbo, "That is every account there, tomorrow's too. Name the one account"),
    ("W18", w18_too_wide, "too much: darbo/default: get · pods/attach in kikai"),
    ("W19", w19_wrong_prediction, "darbo has the role, but no binding"),
    ("W19", w19_half, "no prediction for “darbo”"),
    ("W19", w19_wrong_caller, "asked as system:serviceaccount:kikai:default, not as"),
    ("W19", w19_from_another_pod, "kikai: you asked as system:serviceaccount:kikai:default"),
    ("W19", w19_without_w18, "W18 comes first"),
    ("W19", w19_bound_in_both, "Delete the binding in darbo"),
    ("W20", w20_role, "a Role pv-reader in kikai"),
    ("W20", w20_claims, "does not grant get and list on persistentvolumes"),
    ("W20", w20_capitals, 'Verbs are written in small letters: "list", not "List".'),
    ("W20", w20_one_string, 'Each verb is a string of its own: "get", "list".'),
    ("W20", w20_star, 'every resource ("*")'),
    ("W21", w21_wrong_prediction, "nobody is bound to it"),
    ("W22", w22_cluster_binding, "a cluster role binding: view-test"),
    ("W22", w22_one, "view is bound in kikai; pv-reader is not"),
    ("W22", w22_other, "pods in kikai cannot be listed"),
    ("W22", w22_admin, "RoleBinding admin gives the role ClusterRole/admin, which holds more"),
    ("W22", w22_wrong_prediction, "A RoleBinding grants in its own namespace only"),
    ("W23", w23_role_binding, "only a cluster-wide binding reaches them"),
    ("W23", w23_wrong_subject, "cannot list persistent volumes; pv-test gives"),
    ("W23", w23_admin, "gives the role ClusterRole/cluster-admin, which holds more"),
    ("W23", w23_group, "That is every account there, tomorrow's too. Name the one account"),
    ("W24", w24_two_role_bindings, "not across all namespaces"),
    ("W24", w24_edit, "gives the role ClusterRole/edit, which holds more"),
    ("W24", w24_group, "That is every account there, tomorrow's too. Name the one account"),
    ("W24", w24_wrong_subject, "view-test gives ClusterRole veiw"),
    ("W24", w24_wrong_prediction, "view leaves Secrets out"),
    ("T1", t1_part_5_left, 'allowed by ClusterRoleBinding "view-test"'),
    ("T2", t2_negative, "4 questions, 2 of them negative"),
    ("T3", t3_two, "21 of 32 wrong policies pass 2 questions"),
    ("T4", t4_in_the_shared_role, "darbo:default may read logs in kikai too, by test"),
    ("T4", t4_view, "ClusterRole view gives more"),
    ("T5", t5_refused, "no request that was let through needed create · configmaps"),
    ("T6", t6_all_rights_left, "RoleBinding tally-all gives the role ClusterRole/cluster-admin"),
]

ANSWER = re.compile(
    r"lab\.(exec|apply|as_\w+|token|pod_token|admin|proxy)\b|kubectl (create|exec|get|apply)\b|curl -|: \w+: "
)
"""A whole call, or a line of a manifest."""


@pytest.mark.parametrize(
    ("step", "act", "says"), WRONG, ids=[f"{step}-{act.__name__[3:]}" for step, act, _ in WRONG]
)
def test_a_plausible_mistake_gets_its_own_message(lab: Lab, step: str, act: Act, says: str) -> None:
    lab.rewind(step)
    act(lab)
    outcome = check(step)
    assert outcome.state == "failed", repr(outcome)
    assert outcome.seen
    assert outcome.expected
    assert outcome.hint
    assert says in repr(outcome)
    assert not ANSWER.search(outcome.hint) or "Install" in outcome.hint, (
        "the answer belongs to hint and solution"
    )
    assert not lab.progress.passed(step)


def test_every_step_has_a_plausible_mistake() -> None:
    assert {step for step, _, _ in WRONG} == set(lessons.STEPS)
