"""Writes, and who hears of them."""

from __future__ import annotations

import contextlib
from pathlib import Path

from kube_embedded.apiserver.registry.registry import Change
from kube_embedded.apiserver.storage.sqlite import SQLiteStore
from kube_embedded.cluster import Cluster
from kube_embedded.machinery.kinds import BY_KIND
from kube_embedded.machinery.request import PeerCertificate
from kube_embedded.tests.support.cluster import Caller, ClusterApi, keys

CONFIG_MAPS = BY_KIND["", "ConfigMap"]
MAPS = "/api/v1/namespaces/default/configmaps"


def test_controllers_hear_nothing_of_what_was_taken_back() -> None:
    registry = ClusterApi().cluster.registry
    heard: list[Change] = []
    registry.controllers.append(heard.append)
    with registry.transaction():
        registry.create(CONFIG_MAPS, {"metadata": {"name": "kept", "namespace": "default"}})
        with contextlib.suppress(ZeroDivisionError), registry.transaction():
            registry.create(
                CONFIG_MAPS, {"metadata": {"name": "taken-back", "namespace": "default"}}
            )
            raise ZeroDivisionError
    assert [change.new["metadata"]["name"] for change in heard if change.new is not None] == [
        "kept"
    ]


def test_owners_of_a_snapshot_are_known_to_a_later_process(tmp_path: Path) -> None:
    first = _admin(tmp_path)
    owner = first.post(MAPS, {"metadata": {"name": "owner"}}).body["metadata"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["uid"]}
    assert (
        first.post(MAPS, {"metadata": {"name": "owned", "ownerReferences": [reference]}}).status
        == 201
    )
    first.cluster.store.save_snapshot("s")
    assert first.delete(f"{MAPS}/owner").status == 200
    assert first.get(f"{MAPS}/owned").status == 404
    first.cluster.close()
    second = _admin(tmp_path)
    assert second.post("/kube-embedded/snapshots/s/restore", {}).status == 200
    assert second.get(f"{MAPS}/owned").status == 200
    assert second.delete(f"{MAPS}/owner").status == 200
    assert second.get(f"{MAPS}/owned").status == 404
    second.cluster.close()


def _admin(folder: Path) -> Caller:
    cluster = Cluster(keys(), SQLiteStore(folder / "state.db"), node=False)
    return Caller(cluster, PeerCertificate("kubernetes-admin", ("system:masters",), "ab" * 32))
