"""An operator of kopf: each Site gets a config map with its page."""

import os

import kopf
from kubernetes import client, config


@kopf.on.login()
def login(**kwargs):
    """Log in by ``KUBECONFIG``, for kopf and for the client below."""
    config.load_kube_config(os.environ["KUBECONFIG"])
    return kopf.login_with_kubeconfig(**kwargs)


@kopf.on.create("example.com", "v1", "sites")
def create(spec, name, namespace, **_):
    """Create the config map, which the garbage collector deletes with the Site."""
    page = {
        "metadata": {"name": f"{name}-page"},
        "data": {"index.html": f"<h1>{spec['title']}</h1>"},
    }
    kopf.adopt(page)
    client.CoreV1Api().create_namespaced_config_map(namespace, page)
