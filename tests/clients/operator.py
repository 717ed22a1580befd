"""An operator of kopf: each CronTab gets a config map with its schedule."""

from __future__ import annotations

from typing import Any

import kopf
from kubernetes import client, config


def plan(body: Any, spec: Any, name: str) -> Any:
    """The config map of a CronTab, which owns it."""
    made = {"metadata": {"name": f"{name}-plan"}, "data": {"schedule": spec["cronSpec"]}}
    kopf.adopt(made, owner=body)
    return made


@kopf.on.login()
def login(**kwargs: Any) -> Any:
    """Log in by the kubeconfig, for kopf and for the client that writes config maps."""
    config.load_kube_config()
    return kopf.login_with_kubeconfig(**kwargs)


@kopf.on.create("stable.example.com", "v1", "crontabs")
def create(body: Any, spec: Any, name: str, namespace: Any, patch: Any, **_: Any) -> None:
    """Create the config map, and name it in the status."""
    client.CoreV1Api().create_namespaced_config_map(namespace, plan(body, spec, name))
    patch.status["plan"] = f"{name}-plan"


@kopf.on.update("stable.example.com", "v1", "crontabs", field="spec.cronSpec")
def update(spec: Any, name: str, namespace: Any, **_: Any) -> None:
    """Change the config map."""
    data = {"data": {"schedule": spec["cronSpec"]}}
    client.CoreV1Api().patch_namespaced_config_map(f"{name}-plan", namespace, data)


@kopf.on.delete("stable.example.com", "v1", "crontabs")
def delete(**_: Any) -> None:
    """Do nothing: the garbage collector removes the config map."""
