from __future__ import annotations

import pytest

from labkit.client.equivalents import curl_command, kubectl_command

RBAC = "/apis/rbac.authorization.k8s.io/v1"


def kubectl(method: str, path: str, body: object = None) -> str:
    return kubectl_command(method, path, body, "certificate", "https://s", "/ca")


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/api/v1/namespaces/kikai/services", "kubectl get services -n kikai"),
        ("GET", "/api/v1/namespaces/kikai/services/web", "kubectl get services web -n kikai"),
        ("GET", "/api/v1/pods", "kubectl get pods -A"),
        ("GET", "/api/v1/persistentvolumes", "kubectl get persistentvolumes"),
        ("GET", "/api/v1/namespaces/kikai", "kubectl get namespaces kikai"),
        ("GET", "/api/v1/pods?watch=1", "kubectl get pods -A --watch"),
        ("GET", "/api/v1/pods?labelSelector=a%3Db", "kubectl get pods -A -l a=b"),
        ("GET", "/api", "kubectl get --raw /api"),
        ("GET", "/api/v1/namespaces/d/pods/curl/log", "kubectl logs curl -n d"),
        ("DELETE", "/api/v1/namespaces/d/pods/curl", "kubectl delete pods curl -n d"),
        ("DELETE", "/api/v1/namespaces/d/pods", "kubectl delete pods --all -n d"),
    ],
)
def test_kubectl_reads(method: str, path: str, expected: str) -> None:
    assert kubectl(method, path) == expected


def test_kubectl_writes() -> None:
    assert (
        kubectl("POST", f"{RBAC}/clusterroles", {"a": 1}) == """kubectl create -f - <<< '{"a":1}'"""
    )
    assert (
        kubectl("PATCH", f"{RBAC}/namespaces/kikai/rolebindings/test", {"subjects": []})
        == """kubectl patch rolebindings test -n kikai --type=merge -p '{"subjects":[]}'"""
    )


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/api/v1/namespaces/d/pods/curl/eviction", "create --raw {} -f -"),
        ("PUT", "/api/v1/namespaces/d/pods/curl/status", "replace --raw {} -f -"),
        ("DELETE", "/api/v1/namespaces/d/pods/curl/proxy", "delete --raw {}"),
        ("GET", "/api/v1/namespaces/d/pods/curl/proxy", "get --raw {}"),
        (
            "PATCH",
            "/api/v1/namespaces/d/pods/curl/status",
            "get --raw {}   # PATCH has no kubectl command of its own",
        ),
    ],
)
def test_what_kubectl_has_no_command_for_is_sent_as_a_path(
    method: str, path: str, expected: str
) -> None:
    assert kubectl(method, path) == f"kubectl {expected.format(path)}"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"verb": "get", "resource": "pods", "name": "x", "namespace": "d"}, "get pods/x -n d"),
        ({"verb": "list", "resource": "deployments", "group": "apps"}, "list deployments.apps -A"),
        ({"verb": "get", "resource": "jobs", "group": "batch", "name": "x"}, "get jobs.batch/x -A"),
    ],
)
def test_a_question_about_oneself_names_all_that_it_asks(
    attributes: dict[str, str], expected: str
) -> None:
    review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    body = {"spec": {"resourceAttributes": attributes}}
    assert kubectl("POST", review, body) == f"kubectl auth can-i {expected}"
    odd: list[object] = [None, {"spec": {}}, {"spec": {"nonResourceAttributes": {"path": "/x"}}}]
    for empty in odd:
        assert kubectl("POST", review, empty) == f"kubectl create --raw {review} -f -"


def test_a_path_with_a_subresource_and_no_namespace_gets_no_option_for_one() -> None:
    assert kubectl("GET", "/api/v1/pods/curl/log") == "kubectl logs curl"
    token = "/api/v1/namespaces/default/serviceaccounts/kikai/token"
    assert kubectl("POST", token) == "kubectl create token kikai -n default"
    body = {"spec": {"audiences": ["a", "b c"]}}
    assert (
        kubectl("POST", token, body)
        == "kubectl create token kikai -n default --audience=a --audience='b c'"
    )


def test_kubectl_has_words_of_its_own_for_reviews_and_tokens() -> None:
    review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    attributes = {"verb": "list", "resource": "services", "namespace": "kikai"}
    body = {"spec": {"resourceAttributes": attributes}}
    assert kubectl("POST", review, body) == "kubectl auth can-i list services -n kikai"
    assert (
        kubectl("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {})
        == "kubectl auth whoami"
    )
    token = "/api/v1/namespaces/default/serviceaccounts/kikai/token"
    assert (
        kubectl("POST", token, {"spec": {"expirationSeconds": 600}})
        == "kubectl create token kikai -n default --duration=600s"
    )


def test_a_token_call_names_no_kubeconfig_since_a_certificate_would_win() -> None:
    command = kubectl_command("GET", "/api", None, "token", "https://s:1", "/my ca")
    assert command == (
        "kubectl --kubeconfig=/dev/null --server=https://s:1 --certificate-authority='/my ca' "
        '--token="$TOKEN" get --raw /api'
    )


def test_a_call_without_credentials_has_a_name_since_kubectl_would_ask_for_one() -> None:
    command = kubectl_command("GET", "/api", None, "none", "https://s:1", "/ca")
    assert command.endswith(" --certificate-authority=/ca --username=nobody get --raw /api")
    through_a_proxy = kubectl_command("GET", "/api", None, "none", "http://s:1", "")
    assert through_a_proxy == "kubectl --kubeconfig=/dev/null --server=http://s:1 get --raw /api"


def test_curl_with_each_kind_of_credential() -> None:
    url = "https://s/api/v1/pods?limit=1"
    assert curl_command("GET", url, None, "none", "/ca") == f"curl --cacert /ca '{url}'"
    assert '-H "Authorization: Bearer $TOKEN"' in curl_command("GET", url, None, "token", "")
    command = curl_command("PATCH", url, {"a": "it's"}, "certificate", "")
    assert '--cert "$CERT" --key "$KEY" -X PATCH' in command
    assert "application/merge-patch+json" in command
