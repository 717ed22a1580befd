"""Any correct answer passes, whatever its YAML, its tool or its names."""

from __future__ import annotations

import pytest

from labkit import check, lessons, predict
from labkit.lab.lab import Lab
from tests.lessons.test_checkpoints import (
    CLAIMS,
    MOUNT,
    RBAC,
    READERS,
    THREE_LISTS,
    account,
    ask_and_change,
    ask_as_pod,
    binding,
    both_in_kikai,
    in_curl,
    pod,
    role,
)

SERVICES = "/api/v1/namespaces/{}/services"


def passes(step: str) -> None:
    outcome = check(step)
    assert outcome.passed, repr(outcome)


def test_w1_written_differently(lab: Lab) -> None:
    lab.record(
        "W1", lab.admin.endpoint.server.removeprefix("https://").replace("127.0.0.1", "localhost")
    )
    passes("W1")


def test_w4_named_with_its_version_and_asked_as_admin(lab: Lab) -> None:
    predict("W4", f"/apis/{RBAC}/v1")
    for path in ("/", "/api/", "/apis", "/api/v1", "/apis/apps/v1"):
        lab.admin.get(path)
    passes("W4")


def test_w5_with_another_image_and_labels(lab: Lab) -> None:
    lab.apply(pod("curl", image="debian", restartPolicy="Never"))
    passes("W5")


@pytest.mark.parametrize(
    "name", ["10.96.0.1:443", "https://kubernetes", "kubernetes.default.svc:443"]
)
def test_w6_by_address_or_name(lab: Lab, name: str) -> None:
    lab.rewind("W6")
    lab.record("W6", name)
    passes("W6")


@pytest.mark.parametrize(
    "found", [{"host": "10.96.0.1", "port": 443}, ["10.96.0.1", "443"], ("kubernetes", 443)]
)
def test_w6_in_two_parts(lab: Lab, found: object) -> None:
    lab.rewind("W6")
    lab.record("W6", found)
    passes("W6")


@pytest.mark.parametrize("found", [{"a": {"b": 1}}, {"host": None}, {...}, 5, [], [[1, 2], [3, 4]]])
def test_w6_as_something_else_is_no_crash(lab: Lab, found: object) -> None:
    lab.rewind("W6")
    lab.record("W6", found)
    assert "✘ W6 not yet" in repr(check("W6"))


def test_w6_by_the_command_itself(lab: Lab) -> None:
    lab.rewind("W6")
    lab.record("W6", "10.0.0.1:443")
    lab.record(
        "W6", lab.exec("default/curl", "echo $KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT")
    )
    passes("W6")


def test_w7_with_an_environment_variable(lab: Lab) -> None:
    lab.rewind("W7")
    predict("W7", 403)
    in_curl(lab, "curl https://kubernetes")
    lab.exec("default/curl", f"CURL_CA_BUNDLE={MOUNT}/ca.crt curl -s https://kubernetes/api")
    passes("W7")


def test_w8_from_python(lab: Lab) -> None:
    lab.rewind("W8")
    predict("W8", "default:default")
    for path in ("/", "/api"):
        lab.as_pod("default/curl").get(path)
    passes("W8")


def test_w12_by_cat_and_a_token_request(lab: Lab) -> None:
    lab.rewind("W12")
    predict("W12", "different")
    lab.exec("default/curl-custom-sa", f"cat {MOUNT}/token")
    lab.admin.post(
        "/api/v1/namespaces/default/serviceaccounts/kikai/token",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}},
    )
    lab.record("W12", CLAIMS)
    passes("W12")


def test_w15_from_inside_the_pod(lab: Lab) -> None:
    lab.rewind("W15")
    predict("W15", 403)
    lab.exec("kikai/test", "curl -s localhost:8001/api/v1/namespaces/kikai/services")
    passes("W15")


def test_w16_in_two_rules(lab: Lab) -> None:
    lab.rewind("W16")
    predict("W16", "no")
    for space in ("kikai", "darbo"):
        one = role("service-reader", space, verbs=["get"])
        other = role("service-reader", space, verbs=["list"])
        lab.apply({**one, "rules": [*one["rules"], *other["rules"]]})
    ask_as_pod(lab, "namespaces/kikai/services")
    passes("W16")


def test_w17_with_another_name_or_a_user_subject(lab: Lab) -> None:
    lab.rewind("W17")
    predict("W17", "no")
    user = {"apiGroup": RBAC, "kind": "User", "name": "system:serviceaccount:kikai:default"}
    lab.apply(binding("readers", "kikai", "service-reader", user))
    ask_and_change(lab)
    passes("W17")


def test_w18_with_a_second_binding(lab: Lab) -> None:
    lab.rewind("W18")
    lab.apply(binding("guests", "kikai", "service-reader", account("darbo")))
    passes("W18")


def test_w19_from_inside_the_pod(lab: Lab) -> None:
    lab.rewind("W19")
    predict("W19", {"kikai": True, "darbo": False})
    for space in ("kikai", "darbo"):
        lab.exec("darbo/test", f"curl -s localhost:8001/api/v1/namespaces/{space}/services")
    passes("W19")


def test_w22_under_any_names(lab: Lab) -> None:
    lab.rewind("W22")
    predict("W22", {"pods in kikai": "yes", "pods in darbo": "no", "persistent volumes": "no"})
    lab.apply(both_in_kikai("view", "pv-reader"))
    ask_as_pod(lab, *THREE_LISTS)
    passes("W22")


def test_w24_with_a_role_of_ones_own(lab: Lab) -> None:
    lab.rewind("W24")
    lab.apply(role("pod-watcher", "", resources=["pods"]))
    lab.apply(binding("watch-pods", "", "pod-watcher", account("kikai"), kind="ClusterRole"))
    predict("W24", "no")
    ask_for_pods_and_secrets(lab)
    passes("W24")


def ask_for_pods_and_secrets(lab: Lab) -> None:
    """Send the requests of W24, once its binding exists."""
    for resource in ("pods", "secrets"):
        lab.as_pod("kikai/test").get(f"/api/v1/{resource}")


def test_a_wrong_prediction_is_mended_by_predicting_again(lab: Lab) -> None:
    lab.rewind("W15")
    predict("W15", "allowed")
    lab.as_pod("kikai/test").get(SERVICES.format("kikai"))
    assert check("W15").state == "failed"
    predict("W15", "forbidden")
    passes("W15")


def test_a_pass_survives_what_comes_after(lab: Lab) -> None:
    lab.rewind("W5")
    lab.apply(pod("curl"))
    passes("W5")
    lab.admin.delete("/api/v1/namespaces/default/pods/curl", query={"gracePeriodSeconds": "0"})
    outcome = check("W5")
    assert outcome.passed
    assert outcome.kept


def test_what_was_seen_before_a_later_step_still_counts(lab: Lab) -> None:
    lab.rewind("W15")
    lab.as_pod("kikai/test").get(SERVICES.format("kikai"))
    lab.apply([*READERS, binding("test", "kikai", "service-reader", account("kikai"))])
    predict("W15", "forbidden")
    passes("W15")


@pytest.mark.parametrize("step", ["W5", "W10", "W11", "W14", "W18", "W20", "W24"])
def test_what_was_made_still_counts_at_the_end(lab: Lab, step: str) -> None:
    """Later steps add rights, which must not fail the earlier ones. T1 removes the objects of W23 and W24."""
    for _, file in lab.library.before("T1" if step in ("W23", "W24") else None):
        lab.apply(str(file))
    if lessons.STEPS[step].prediction is not None:
        assert check(step).kind == "no-prediction"
        predict(step, "no")
    ask_for_pods_and_secrets(lab)
    passes(step)


@pytest.mark.parametrize("step", lessons.STEPS)
def test_what_a_rewind_made_passes_no_step(lab: Lab, step: str) -> None:
    lab.rewind("end")
    assert check(step).state != "passed"
