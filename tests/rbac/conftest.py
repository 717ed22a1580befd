"""A small shop with a role, a binding, and people at the door."""

from __future__ import annotations

import pytest

from kube_embedded.cluster import Cluster
from kube_embedded.tests.support.cluster import keys
from labkit.backends.inprocess import HERE, InProcess
from labkit.client.client import Client
from labkit.client.discovery import Resources
from labkit.client.manifests import apply
from labkit.grading.clusters.inprocess import admin_of
from labkit.grading.tasks.task import account, binding, namespace, role

Object = dict[str, object]


def put(api: Client, *objects: Object) -> None:
    """Apply objects."""
    apply(api, Resources(api), [dict(obj) for obj in objects], lambda manifest: manifest)


@pytest.fixture
def api() -> Client:
    """Provide the administrator of a cluster with the walkthrough's role and binding."""
    client = admin_of(Cluster(keys(), node=False))
    put(
        client,
        namespace("kikai"),
        namespace("darbo"),
        account("kikai", "bot"),
        role("kikai", "service-reader", ("get,list", "", "services")),
        binding("kikai", "test", "Role/service-reader", "kikai/default"),
    )
    return client


def anonymous(api: Client) -> Client:
    """Return a client of the same cluster without credentials."""
    assert isinstance(api.transport, InProcess)
    return Client(HERE, name="anonymous", transport=InProcess(api.transport._handle, None))
