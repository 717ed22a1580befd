from __future__ import annotations

import io
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from rich.console import Console

from kube_embedded.tests.support.server import running_server
from labkit.backends.base import Options
from labkit.backends.existing import LABEL, NO_LOG, NO_NODE, NO_PART_5, Existing
from labkit.client import kubeconfig
from labkit.client.answer import Answer
from labkit.client.client import Client
from labkit.client.discovery import Resources
from labkit.client.transport import Credentials
from labkit.core.errors import ApiFailure, NotRunning, Unreachable, UsageError
from labkit.lab.lab import Lab
from labkit.lessons.library import library
from labkit.presenter.demo import Demo
from tests.backends.conftest import quiet

NAMESPACE = {"apiVersion": "v1", "kind": "Namespace"}


@pytest.fixture
def admin(foreign_cluster: Path) -> Client:
    """The foreign cluster's own administrator."""
    found = kubeconfig.load(foreign_cluster)
    return Client(found.endpoint, found.credentials)


def make(home: Path, cluster: Path, **options: object) -> Existing:
    return Existing(home, Options(kubeconfig=cluster, **options), library().objects)  # type: ignore[arg-type]


def test_it_is_shown_before_anything_is_written(
    tmp_path: Path, foreign_cluster: Path, admin: Client
) -> None:
    before = admin.get("/api/v1/namespaces").names
    said: list[str] = []
    backend = make(tmp_path / "home", foreign_cluster)
    backend.start(said.append)
    text = "\n".join(said)
    for word in (
        "Nothing was written yet",
        "labkit",
        "kubernetes-admin",
        "Pod curl",
        "create pods/exec",
    ):
        assert word in text
    assert admin.get("/api/v1/namespaces").names == before
    copied = backend.kubeconfig()
    assert stat.S_IMODE(copied.stat().st_mode) == 0o600
    assert str(copied).startswith(str(tmp_path))
    again: list[str] = []
    make(tmp_path / "home", foreign_cluster).start(again.append)
    assert again == []
    backend.stop(quiet)
    with pytest.raises(NotRunning):
        backend.kubeconfig()


def test_down_removes_what_the_lab_made_and_what_the_learner_made_by_hand(
    tmp_path: Path, foreign_cluster: Path, admin: Client
) -> None:
    admin.post("/api/v1/namespaces", {**NAMESPACE, "metadata": {"name": "theirs"}})
    lab = Lab(kubeconfig=foreign_cluster, home=tmp_path / "home", say=quiet)
    lab.apply("04-roles")
    lab.apply("05-cluster-roles/W20-clusterrole-pv-reader")
    labels = admin.get("/api/v1/namespaces/kikai").body["metadata"]["labels"]
    assert labels[LABEL] == "main"
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    by_hand = {
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "view-test"},
        "roleRef": reference,
    }
    assert admin.post(f"{rbac}/clusterrolebindings", {"apiVersion": f"{rbac[6:]}", **by_hand}).ok
    said: list[str] = []
    lab.backend.stop(said.append)
    text = "\n".join(said)
    assert "created by hand" in text
    assert text.index("created by hand") < text.index("ClusterRoleBinding view-test")
    assert said[-1] == (
        f"{sum('  removing ' in line for line in said)} objects of the lab are gone on the cluster of the context "
        f"{lab.choice.options.context or 'labkit'}; the rest of it is as it was."
    )
    assert admin.get(f"{rbac}/clusterrolebindings/view-test").status == 404
    assert admin.get(f"{rbac}/clusterroles/pv-reader").status == 404
    assert admin.get("/api/v1/namespaces/kikai").status == 404
    assert admin.get("/api/v1/namespaces/theirs").ok
    admin.delete("/api/v1/namespaces/theirs")


def test_two_learners_share_a_cluster_by_prefixes(
    tmp_path: Path, foreign_cluster: Path, admin: Client
) -> None:
    ann = Lab(kubeconfig=foreign_cluster, prefix="ann", home=tmp_path / "ann", say=quiet)
    bob = Lab(kubeconfig=foreign_cluster, prefix="bob", home=tmp_path / "bob", say=quiet)
    for lab in (ann, bob):
        lab.rewind("T1")
    assert {"ann-kikai", "bob-kikai", "ann-default"} <= set(admin.get("/api/v1/namespaces").names)
    me = ann.as_service_account("kikai/default")
    assert me.get("/api/v1/namespaces/kikai/services").ok
    assert me.get("/api/v1/persistentvolumes").ok
    ann.stop()
    assert not [name for name in admin.get("/api/v1/namespaces").names if name.startswith("ann")]
    assert bob.as_service_account("kikai/default").get("/api/v1/namespaces/kikai/services").ok
    bob.stop()
    assert not [name for name in admin.get("/api/v1/namespaces").names if name.startswith("bob")]


def test_with_a_prefix_everything_is_announced_under_the_name_it_gets(
    tmp_path: Path, foreign_cluster: Path
) -> None:
    said: list[str] = []
    backend = make(tmp_path / "home", foreign_cluster, prefix="ann")
    backend.start(said.append)
    text = "\n".join(said)
    for word in (
        "Namespace ann-default",
        "Pod ann-default/curl",
        "Namespace ann-kikai",
        "ClusterRole ann-pv-reader",
    ):
        assert word in text
    assert "Pod curl" not in text
    backend.stop(quiet)


def test_a_default_namespace_that_cannot_be_made_is_a_failure(
    tmp_path: Path, foreign_cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = make(tmp_path / "home", foreign_cluster, prefix="ann")
    status = 409

    def post(path: str, _body: object) -> Answer:
        return Answer("ann", "POST", path, "https://here", status, {}, {})

    monkeypatch.setattr(Existing, "_client", SimpleNamespace(post=post))
    backend._make_default_namespace()  # an earlier start has made it
    status = 403
    with pytest.raises(ApiFailure, match="namespace for your objects cannot be made"):
        backend._make_default_namespace()


def test_names_that_are_in_the_way_are_said(
    tmp_path: Path, foreign_cluster: Path, admin: Client
) -> None:
    admin.post("/api/v1/namespaces", {**NAMESPACE, "metadata": {"name": "kikai"}})
    try:
        with pytest.raises(UsageError, match="exist already") as caught:
            make(tmp_path / "home", foreign_cluster).start(quiet)
        assert "Namespace kikai" in caught.value.why
        assert not (tmp_path / "home" / "existing" / "kubeconfig").exists()
    finally:
        admin.delete("/api/v1/namespaces/kikai")


def test_a_cluster_that_looks_like_production_is_refused(
    tmp_path: Path, foreign_cluster: Path, admin: Client
) -> None:
    names = [f"team-{number}" for number in range(6)]
    for name in names:
        admin.post("/api/v1/namespaces", {**NAMESPACE, "metadata": {"name": name}})
    try:
        with pytest.raises(UsageError, match="looks like production") as caught:
            make(tmp_path / "home", foreign_cluster).start(quiet)
        assert "--force" in caught.value.todo
        backend = make(tmp_path / "home", foreign_cluster, force=True)
        backend.start(quiet)
        backend.stop(quiet)
    finally:
        for name in names:
            admin.delete(f"/api/v1/namespaces/{name}")


def test_a_class_room_of_learners_does_not_look_like_production(
    tmp_path: Path, foreign_cluster: Path, admin: Client
) -> None:
    backends = [
        make(tmp_path / name, foreign_cluster, prefix=name) for name in ("ann", "bob", "cyn", "dan")
    ]
    by_hand = [f"{name}-{space}" for name in ("ann", "bob", "cyn") for space in ("kikai", "darbo")]
    try:
        for backend in backends[:3]:
            backend.start(quiet)
        for name in by_hand:
            admin.post("/api/v1/namespaces", {**NAMESPACE, "metadata": {"name": name}})
        said: list[str] = []
        backends[3].start(said.append)  # nine namespaces of others, and all of them learners'
        assert "others here" not in "\n".join(said)
    finally:
        for backend in backends:
            backend.stop(quiet)
    assert not set(by_hand) & set(admin.get("/api/v1/namespaces").names)


def poor(tmp_path: Path, foreign_cluster: Path, admin: Client, roles: list[str]) -> Path:
    """Return a kubeconfig of an account with some cluster roles only."""
    accounts = "/api/v1/namespaces/kube-public/serviceaccounts"
    admin.post(
        accounts, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "poor"}}
    )
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = admin.post(f"{accounts}/poor/token", body).body["status"]["token"]
    for role in roles:
        admin.post(
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": f"poor-{role}"},
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole",
                    "name": role,
                },
                "subjects": [
                    {"kind": "ServiceAccount", "name": "poor", "namespace": "kube-public"}
                ],
            },
        )
    document = yaml.safe_load(foreign_cluster.read_text())
    document["users"][0]["user"] = {"token": token}
    path = tmp_path / "poor.conf"
    path.write_text(yaml.safe_dump(document))
    return path


def test_lacking_rights_are_listed(tmp_path: Path, foreign_cluster: Path, admin: Client) -> None:
    path = poor(tmp_path, foreign_cluster, admin, ["view"])
    try:
        with pytest.raises(NotRunning, match="You lack rights") as caught:
            make(tmp_path / "home", path).start(quiet)
        assert "create namespaces cluster-wide" in caught.value.why
    finally:
        admin.delete("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/poor-view")


def test_an_unnamed_unreachable_or_wrong_cluster(tmp_path: Path, foreign_cluster: Path) -> None:
    with pytest.raises(UsageError, match="No kubeconfig is named") as caught:
        Existing(tmp_path / "home", Options(), library().objects).start(quiet)
    assert "~/.kube/config" in caught.value.why
    with pytest.raises(UsageError, match='no context "nope"'):
        make(tmp_path / "home", foreign_cluster, context="nope").start(quiet)
    document = yaml.safe_load(foreign_cluster.read_text())
    document["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9"
    (tmp_path / "away.conf").write_text(yaml.safe_dump(document))
    with pytest.raises(Unreachable, match="Nothing listens"):
        make(tmp_path / "home", tmp_path / "away.conf").start(quiet)
    assert not (tmp_path / "home" / "existing" / "kubeconfig").exists()


def test_another_cluster_wants_the_first_one_taken_down(
    tmp_path: Path, foreign_cluster: Path
) -> None:
    backend = make(tmp_path / "home", foreign_cluster)
    backend.start(quiet)
    other = tmp_path / "other.conf"
    other.write_text(foreign_cluster.read_text())
    with pytest.raises(UsageError, match="in use already") as caught:
        make(tmp_path / "home", other).start(quiet)
    assert str(foreign_cluster) in caught.value.what
    backend.stop(quiet)


def test_another_prefix_on_the_same_cluster_is_told_from_the_one_in_use(
    tmp_path: Path, foreign_cluster: Path
) -> None:
    backend = make(tmp_path / "home", foreign_cluster, prefix="ann")
    backend.start(quiet)
    with pytest.raises(UsageError, match="with the prefix ann"):
        make(tmp_path / "home", foreign_cluster).start(quiet)
    backend.stop(quiet)


def test_the_choice_is_remembered_and_forgotten(tmp_path: Path, foreign_cluster: Path) -> None:
    home = tmp_path / "home"
    Lab(kubeconfig=foreign_cluster, prefix="ann", home=home, say=quiet)
    kept = json.loads((home / "backend.json").read_text())
    assert (kept["backend"], kept["prefix"]) == ("existing", "ann")
    again = Lab(home=home, say=quiet)
    assert again.backend.name == "existing"
    assert again.names.prefix == "ann"
    again.stop()


@pytest.fixture
def limited(tmp_path: Path, foreign_cluster: Path, admin: Client) -> Iterator[Path]:
    """The kubeconfig of a learner with the rights from docs/workshop.md."""
    text = (Path(__file__).parents[2] / "docs" / "workshop.md").read_text(encoding="utf-8")
    place = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "learners"}}
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "learner", "namespace": "learners"},
    }
    rights = yaml.safe_load_all(text.partition("```yaml\n")[2].partition("```")[0])
    objects = [place, account, *rights]
    found = Resources(admin)
    for entry in objects:
        assert admin.post(found.collection(entry), entry).ok
    token = admin.post(
        "/api/v1/namespaces/learners/serviceaccounts/learner/token", {"spec": {}}
    ).body["status"]["token"]
    document = yaml.safe_load(foreign_cluster.read_text())
    document["users"][0]["user"] = {"token": token}
    path = tmp_path / "learner.conf"
    path.write_text(yaml.safe_dump(document))
    yield path
    for entry in reversed(objects):
        admin.delete(found.path(entry))


@pytest.mark.slow
def test_without_the_right_to_make_cluster_roles_part_5_says_so_and_the_rest_works(
    tmp_path: Path, limited: Path
) -> None:
    said: list[str] = []
    lab = Lab(kubeconfig=limited, prefix="lim", home=tmp_path / "home", say=said.append)
    assert said.count(NO_PART_5) == 1
    screen = io.StringIO()
    try:
        assert Demo(lab, Console(file=screen, width=100)).run() == 0, screen.getvalue()
        assert "Left out: you may not create cluster roles on this cluster." in screen.getvalue()
        assert "19 of 19 checkpoints passed" in screen.getvalue()
        said.clear()
        Lab(home=tmp_path / "home", say=said.append)  # what part 5's notebook does first
        assert said == [NO_PART_5]
    finally:
        lab.stop()


def test_anonymous_is_noted(tmp_path: Path, foreign_cluster: Path, admin: Client) -> None:
    backend = make(tmp_path / "home", foreign_cluster)
    backend.start(quiet)
    record = json.loads((tmp_path / "home" / "existing" / "cluster.json").read_text())
    assert record["anonymous"] is True
    assert record["part5"] is True
    assert backend.status().running
    backend.stop(quiet)
    assert admin.with_credentials(Credentials(), "x").get("/api").status == 403


def test_what_cannot_be_done_or_judged_is_said_before_a_lesson_begins(tmp_path: Path) -> None:
    with running_server(tmp_path / "server" / "home", node=False) as server:
        for number in range(2):
            said: list[str] = []
            lab = Lab(
                "existing", kubeconfig=server.kubeconfig, home=tmp_path / "home", say=said.append
            )
            assert said.count(NO_NODE) == 1
            assert said.count(NO_LOG) == 1 - number
            assert not lab.traits.pods
        lab.rewind("W8")
        with pytest.raises(ApiFailure, match="not ready"):
            lab.wait("default/curl")
        lab.stop()


def test_an_audit_log_makes_every_client_s_requests_count(tmp_path: Path) -> None:
    with running_server(tmp_path / "server" / "home") as server:
        log = tmp_path / "server" / "home" / "audit.log"
        said: list[str] = []
        lab = Lab(
            kubeconfig=server.kubeconfig, audit_log=log, home=tmp_path / "home", say=said.append
        )
        assert NO_LOG not in said
        found = kubeconfig.load(server.kubeconfig)
        # A client of its own, as kubectl is: nothing of it goes through labkit.
        Client(found.endpoint, found.credentials, agent="curl/8").get("/api/v1/nodes")
        assert "/api/v1/nodes" in {asked.path for asked in lab.evidence().asked}
        again = Lab(home=tmp_path / "home", say=quiet)
        assert again.traits.whole_log
        assert again.backend.audit_log is not None
        again.stop()


def test_the_log_of_another_cluster_or_of_several_learners_is_refused(
    tmp_path: Path, foreign_cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labkit.backends.existing.EVENT_SECONDS", 0.1)
    other = tmp_path / "audit.log"
    other.write_text("")
    for options, expected in (
        ({"audit_log": other}, "has no event of this cluster"),
        ({"audit_log": other, "prefix": "ann"}, "exclude each other"),
    ):
        with pytest.raises(UsageError, match=expected):
            make(tmp_path / "home", foreign_cluster, **options).start(quiet)
        assert not (tmp_path / "home" / "existing" / "kubeconfig").exists()
