"""Taking the work along as one file: from a page to another place, and back."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from labkit.core.errors import UsageError
from labkit.lab import work
from labkit.lab.lab import Lab
from labkit.ui.start import StartPanel
from tests.page.conftest import leave

RBAC = "rbac.authorization.k8s.io"
SPACE = {"namespace": "kikai"}
ROLE: dict[str, Any] = {
    "apiVersion": f"{RBAC}/v1",
    "kind": "Role",
    "metadata": {"name": "reader", **SPACE},
    "rules": [{"apiGroups": [""], "resources": ["services"], "verbs": ["list"]}],
}
MADE = [
    {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "kikai", "labels": {"team": "blue"}},
    },
    {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "test", **SPACE}},
    ROLE,
    {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "reader", **SPACE},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "test", **SPACE}],
    },
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "test", **SPACE},
        "spec": {
            "serviceAccountName": "test",
            "containers": [{"name": "main", "image": "ubuntu", "command": ["sleep", "9999999"]}],
        },
    },
    {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", **SPACE},
        "spec": {"ports": [{"port": 80}]},
    },
    {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "password", **SPACE},
        "stringData": {"it": "hunter2"},
    },
]
TOKEN_SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "type": "kubernetes.io/service-account-token",
    "metadata": {
        "name": "token",
        **SPACE,
        "annotations": {"kubernetes.io/service-account.name": "test"},
    },
}


def elsewhere(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Lab:
    """The lab of another place."""
    leave()
    monkeypatch.setenv("LABKIT_HOME", str(folder))
    return Lab(say=lambda _line: None)


class Sent(StartPanel):
    """A panel whose messages to the page are recorded."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        super().__init__()

    def send(self, content: Any, buffers: Any = None) -> None:
        self.messages.append(content)


def test_the_work_goes_to_another_place(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.apply(MADE)
    lab.progress.mark("W15", "passed")
    notebook = {"cells": [{"cell_type": "code", "source": "1", "outputs": []}]}
    panel = Sent()
    panel.on_pack({"00-start.ipynb": notebook})
    text = panel.messages[0]["packed"]
    other = elsewhere(monkeypatch, tmp_path / "other")
    panel = Sent()
    panel.on_unpack(text)
    assert panel.messages == [{"notebooks": {"00-start.ipynb": notebook}, "left": []}]
    assert other.progress.passed("W15")
    assert other.admin.get("/api/v1/namespaces/kikai").body["metadata"]["labels"]["team"] == "blue"
    assert other.exec("kikai/test", "echo there").stdout == "there\n"
    secret = other.admin.get("/api/v1/namespaces/kikai/secrets/password").body
    assert base64.b64decode(secret["data"]["it"]) == b"hunter2"
    assert other.as_pod("kikai/test").get("/api/v1/namespaces/kikai/services").status == 200
    assert (
        work.load(other, work.read(text)[2], overwrite=False) == []
    )  # the same again has no differences


def test_no_token_and_no_private_key_is_in_the_file(lab: Lab, labkit_home: Path) -> None:
    lab.apply([*MADE, TOKEN_SECRET])
    token = lab.as_service_account("kikai/test").credentials.token
    stored = lab.admin.get("/api/v1/namespaces/kikai/secrets/token").body["data"]["token"]
    key = next(
        path.read_text() for path in labkit_home.rglob("*.key") if "PRIVATE KEY" in path.read_text()
    )
    both = {"token": token, "key": key}
    lab.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "mine", **SPACE},
            "data": both,
        }
    )
    lab.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "mine", **SPACE},
            "stringData": both,
        }
    )
    text = work.pack(lab, {"a.ipynb": {"cells": [{"outputs": [{"text": [f"{token}\n", key]}]}]}})
    for secret in (token, stored, base64.b64decode(stored).decode()):
        assert secret.rpartition(".")[2] not in text
    assert "PRIVATE KEY" not in text
    assert "".join(key.split("\n")[1:3]) not in text.replace("\\n", "")
    names = {(each["kind"], each["metadata"]["name"]) for each in work.read(text)[2]}
    assert ("ConfigMap", "mine") in names
    assert not names & {("Secret", "token"), ("Secret", "mine"), ("ConfigMap", "kube-root-ca.crt")}
    assert not [name for _, name in names if name.startswith("system:")]


def test_an_object_is_the_learners_if_anybody_but_kubernetes_wrote_it() -> None:
    def is_own(*managers: str, **metadata: object) -> bool:
        fields = [{"manager": manager} for manager in managers]
        own = {"name": "a", "namespace": "kikai", "managedFields": fields, **metadata}
        return work._is_own({"kind": "ConfigMap", "metadata": own})

    assert is_own("kubectl-create", "kube-controller-manager")
    assert not is_own("kube-controller-manager", "kubelet")
    assert is_own()
    assert not is_own(name="default")
    assert not is_own(namespace="kube-system")
    assert not is_own("kubectl-create", ownerReferences=[{}])


def test_what_is_here_is_changed_only_where_that_is_wanted(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.apply(MADE)
    text = work.pack(lab, {})
    other = elsewhere(monkeypatch, tmp_path / "other")
    other.apply([MADE[0], {**ROLE, "rules": []}])
    panel = Sent()
    panel.on_unpack(text)
    path = other.resources.path(ROLE)
    assert panel.messages == [{"notebooks": {}, "left": ["Role kikai/reader is another one here."]}]
    assert not other.admin.get(path).body.get("rules")
    assert other.admin.get("/api/v1/namespaces/kikai/serviceaccounts/test").status == 200
    panel.on_unpack(text, overwrite=True)
    assert other.admin.get(path).body["rules"] == ROLE["rules"]


def test_an_object_that_the_cluster_refuses_keeps_nothing_else_away(lab: Lab) -> None:
    bad = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "No!", **SPACE}}
    unknown = {"apiVersion": "v9", "kind": "Thing", "metadata": {"name": "x"}}
    left = work.load(
        lab, [bad, unknown, {"kind": "Role", "metadata": {}}, MADE[0]], overwrite=False
    )
    assert [line.partition(":")[0] for line in left] == [
        "ServiceAccount kikai/No!",
        "Thing x",
        "Role None",
    ]
    assert lab.admin.get("/api/v1/namespaces/kikai").status == 200


def test_an_export_of_progress_alone_is_read(lab: Lab) -> None:
    panel = Sent()
    old = '{"labkit progress": 1, "steps": {"%s": {"state": "passed", "passed_at": 1.0}}}'
    panel.act("unpack", text=old % "W15")  # as the first versions exported it
    panel.act(
        "unpack", text=f"labkit-progress:{base64.b64encode((old % 'W16').encode()).decode()}\n"
    )
    assert (panel.notice, panel.messages) == ("", [{"notebooks": {}, "left": []}] * 2)
    assert lab.progress.passed("W15")
    assert lab.progress.passed("W16")


def test_a_broken_or_foreign_file_is_refused_in_words(lab: Lab) -> None:
    panel = Sent()
    for text in (
        "",
        "PK\x03\x04",
        "[]",
        '"labkit work"',
        "[" * 100_000,
        '{"labkit work": 1}',
        '{"labkit work": 1, "progress": "", "content": {"notebooks": [1], "objects": []}}',
        '{"labkit work": 1, "progress": "", "content": {"notebooks": {}, "objects": [3]}}',
        '{"labkit work": 1, "progress": "x", "content": {"notebooks": {}, "objects": []}}',
    ):
        panel.act("unpack", text=text)
        assert panel.notice.startswith("This is no exported progress."), text
    assert panel.messages == []
    assert lab.progress.all() == {}


def test_a_newer_file_is_refused(lab: Lab) -> None:
    newer = {**json.loads(work.pack(lab, {})), work.WORK: 2}
    with pytest.raises(UsageError, match="A newer labkit saved this work"):
        work.read(json.dumps(newer))
