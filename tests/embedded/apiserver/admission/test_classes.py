"""Classes of storage and of ingresses: the default one, and what a class allows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cluster import ClusterApi

CORE = "/api/v1/namespaces/lab"
STORAGE = "/apis/storage.k8s.io/v1/storageclasses"
INGRESS_CLASSES = "/apis/networking.k8s.io/v1/ingressclasses"
INGRESSES = "/apis/networking.k8s.io/v1/namespaces/lab/ingresses"
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
GROWN = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}


@pytest.fixture
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    return made


def storage_class(api: ClusterApi, name: str, default: bool = False, **fields: Any) -> None:
    notes = {"storageclass.kubernetes.io/is-default-class": str(default).lower()}
    body = {"metadata": {"name": name, "annotations": notes}, "provisioner": "example.com/none", **fields}
    api.must(api.admin.post(STORAGE, body))


def ingress_class(api: ClusterApi, name: str) -> None:
    notes = {"ingressclass.kubernetes.io/is-default-class": "true"}
    body = {"metadata": {"name": name, "annotations": notes}, "spec": {"controller": "example.com/none"}}
    api.must(api.admin.post(INGRESS_CLASSES, body))


def claim(api: ClusterApi, metadata: Any = None, **spec: Any) -> Any:
    body = {"metadata": {"name": "c", **(metadata or {})}, "spec": {**CLAIM, **spec}}
    return api.must(api.admin.post(f"{CORE}/persistentvolumeclaims?dryRun=All", body))["spec"].get("storageClassName")


def ingress(api: ClusterApi, metadata: Any = None, **spec: Any) -> Any:
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    body = {"metadata": {"name": "i", **(metadata or {})}, "spec": {"defaultBackend": backend, **spec}}
    return api.must(api.admin.post(f"{INGRESSES}?dryRun=All", body))["spec"].get("ingressClassName")


def test_the_newest_default_class_is_taken_and_of_several_the_first_by_name(api: ClusterApi) -> None:
    assert claim(api) is None
    storage_class(api, "a-old", default=True)
    api.clock.now += 10
    storage_class(api, "z-new", default=True)
    storage_class(api, "m-new", default=True)
    storage_class(api, "b-other")
    assert claim(api) == "m-new"
    assert claim(api, storageClassName="") == ""
    assert claim(api, {"annotations": {"volume.beta.kubernetes.io/storage-class": "b-other"}}) is None


def test_an_ingress_without_a_class_gets_the_default_one(api: ClusterApi) -> None:
    assert ingress(api) is None
    ingress_class(api, "old")
    api.clock.now += 10
    ingress_class(api, "new")
    assert ingress(api) == "new"
    assert ingress(api, ingressClassName="old") == "old"
    assert ingress(api, {"annotations": {"kubernetes.io/ingress.class": "mine"}}) is None


def test_a_claim_that_is_not_bound_does_not_grow(api: ClusterApi) -> None:
    api.must(api.admin.post(f"{CORE}/persistentvolumeclaims", {"metadata": {"name": "c"}, "spec": CLAIM}))
    reply = api.admin.patch(f"{CORE}/persistentvolumeclaims/c", GROWN)
    assert reply.status == 422, "its rules are looked at before admission"
