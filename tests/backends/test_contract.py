"""The contract of all backends: one suite, run for each of them."""

from __future__ import annotations

import io
import stat
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from kube_embedded.tests.support.slow import slow_but
from kube_embedded.tests.support.some import some
from labkit.backends.base import Backend, Options
from labkit.backends.choice import find_needs
from labkit.client.manifests import parse
from labkit.core.errors import ExecFailed
from labkit.lab.lab import Lab
from labkit.lessons.library import library
from labkit.presenter.demo import Demo
from tests.backends.conftest import BACKENDS, KIND, quiet, settle

LIBRARY = library()


mostly_slow = pytest.mark.parametrize(
    "backend", slow_but(BACKENDS, "embedded", KIND), indirect=True, scope="module"
)


@pytest.fixture
def lab(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A lab on the running backend, at its beginning."""
    home: Path = backend.home  # type: ignore[attr-defined]  # every backend has one; the protocol needs none
    options = backend.options  # type: ignore[attr-defined]  # likewise
    monkeypatch.setenv("LABKIT_HOME", str(home))
    lab = Lab(backend.name, kubeconfig=options.kubeconfig, home=home, say=quiet)
    lab.reset()
    return lab


@mostly_slow
def test_starting_again_finds_it(backend: Backend) -> None:
    said: list[str] = []
    before = backend.status()
    backend.start(said.append)
    assert backend.status().running
    assert backend.status().url == before.url
    assert not [line for line in said if "Creating" in line or "Starting" in line]


def test_the_kubeconfig_is_private_and_the_official_client_can_use_it(backend: Backend) -> None:
    from kubernetes import client, config

    path = backend.kubeconfig()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    api = config.new_client_from_config(str(path))
    try:
        found: Any = client.CoreV1Api(api).list_namespace()
    finally:
        api.close()
    assert "default" in [entry.metadata.name for entry in found.items]


def test_the_administrator_may_and_anonymous_may_not(lab: Lab) -> None:
    assert lab.admin.get("/api/v1/namespaces").ok
    refused = lab.as_anonymous().get("/api/v1/namespaces")
    assert refused.status in (401, 403)
    assert lab.as_token("nonsense").get("/api").status == 401


def test_manifests_apply_twice_and_go_with_a_reset(lab: Lab) -> None:
    first = lab.apply("04-roles/W14-namespaces")
    assert {entry.outcome for entry in first.objects} == {"created"}
    assert {entry.outcome for entry in lab.apply("04-roles/W14-namespaces").objects} == {
        "unchanged"
    }
    assert lab.admin.get("/api/v1/namespaces/kikai/serviceaccounts/default").ok
    lab.reset()
    assert lab.admin.get("/api/v1/namespaces/kikai").status == 404


@mostly_slow
def test_rewinding_gives_just_what_earlier_steps_made(lab: Lab) -> None:
    lab.rewind("W18")
    binding = "/apis/rbac.authorization.k8s.io/v1/namespaces/kikai/rolebindings/test"
    assert len(lab.admin.get(binding).body["subjects"]) == 1
    lab.rewind("W17")
    assert lab.admin.get(binding).status == 404
    assert lab.admin.get(
        "/apis/rbac.authorization.k8s.io/v1/namespaces/kikai/roles/service-reader"
    ).ok
    lab.rewind("T1")
    assert lab.admin.get("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/view-test").ok
    lab.rewind("end")  # T1 removes it
    assert (
        lab.admin.get("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/view-test").status
        == 404
    )


def test_a_service_account_is_refused_until_it_is_bound(lab: Lab) -> None:
    lab.rewind("W17")
    me = lab.as_service_account("kikai/default")
    path = "/api/v1/namespaces/kikai/services"
    refused = me.get(path)
    assert (refused.status, refused.as_user) == (403, "system:serviceaccount:kikai:default")
    lab.apply("04-roles/W17-rolebinding-test")
    settle(lambda: me.get(path).ok)
    assert me.get(path).status == 200
    assert (
        me.post(path, {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}}).status
        == 403
    )


def test_a_request_leads_to_its_audit_event_where_there_is_a_log(
    lab: Lab, backend: Backend
) -> None:
    answer = lab.as_anonymous().get("/api/v1/namespaces")
    if backend.name == "existing":
        assert backend.audit_log is None
        return
    assert backend.audit_log is not None
    event = backend.audit_log.event(answer.audit_id)
    assert event is not None
    assert event["auditID"] == answer.audit_id
    assert event["user"]["username"] == "system:anonymous"
    assert event["annotations"]["authorization.k8s.io/decision"] == "forbid"
    assert backend.audit_log.event("0000-nope") is None


def test_a_command_runs_in_a_pod(lab: Lab) -> None:
    lab.apply("02-inside-a-pod")
    lab.wait("default/curl")
    done = lab.exec("default/curl", "echo out; echo err >&2; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")
    fed = lab.exec("default/curl", ["cat"], stdin="hello")
    assert (fed.returncode, fed.stdout) == (0, "hello")
    with pytest.raises(ExecFailed):
        lab.exec("default/ghost", "ls")


def test_a_pods_token_is_its_accounts_and_verifies(lab: Lab) -> None:
    lab.rewind("W12")
    lab.wait("default/curl-custom-sa")
    mounted = lab.pod_token("default/curl-custom-sa")
    requested = lab.token("default/kikai")
    assert mounted.verified
    assert requested.verified
    assert mounted.subject.endswith(":kikai")
    different = mounted.compare(requested).different
    if "exp" in mounted.claims:
        assert different["kubernetes.io.pod.name"] == ("curl-custom-sa", None)
        assert mounted.claims.get("jti", "mounted") != requested.claims.get("jti", "requested")
    else:  # up to 1.20 pods mount their account's Secret
        assert str(different["kubernetes.io/serviceaccount/secret.name"][0]).startswith(
            "kikai-token-"
        )
    me = lab.as_pod("default/curl-custom-sa")
    assert me.get("/api").ok
    assert me.get("/").status == 403


def test_the_ambassador_speaks_for_its_pod(lab: Lab) -> None:
    lab.rewind("W13")
    lab.wait("default/curl-custom-sa")
    lab.exec("default/curl-custom-sa", "which curl || (apt-get update && apt-get install -y curl)")
    done = lab.exec(
        "default/curl-custom-sa", "curl -s localhost:8001/api/v1/namespaces/default/services"
    )
    assert done.status == 403
    assert "default:kikai" in done.json()["message"]


def test_a_containers_log_can_be_read(lab: Lab) -> None:
    lab.rewind("W12")
    lab.wait("default/curl-custom-sa")
    settle(lambda: "Starting to serve" in lab.logs("default/curl-custom-sa", "ambassador"))
    assert "Starting to serve" in lab.logs("default/curl-custom-sa", "ambassador")


@pytest.mark.slow
@mostly_slow
def test_every_checkpoint_passes_with_the_solutions(lab: Lab) -> None:
    output = io.StringIO()
    lab.progress.forget()
    failed = Demo(lab, Console(file=output, width=100)).run()
    assert failed == 0, output.getvalue()


def test_adapting_keeps_the_manifest_it_was_given(backend: Backend) -> None:
    for manifest in some(LIBRARY.objects()):
        before = repr(manifest)
        adapted = backend.traits.adapt(manifest)
        assert repr(manifest) == before
        assert adapted["metadata"]["name"] == manifest["metadata"]["name"]


def test_needs_say_how_to_get_what_is_missing(backend: Backend, tmp_path: Path) -> None:
    for need in some(find_needs(backend.name, tmp_path, Options())):
        assert need.thing
        assert need.met or need.todo or not need.required


def test_what_is_no_lessons_object_goes_with_a_reset_too(lab: Lab, backend: Backend) -> None:
    pod = parse("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: mine, namespace: default}")
    lab.apply(pod)
    lab.reset()
    assert lab.admin.get("/api/v1/namespaces/default/configmaps/mine").status == 404
