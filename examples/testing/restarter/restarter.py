"""Restart the deployments of a namespace, as ``kubectl rollout restart`` does."""

from datetime import UTC, datetime

from kubernetes import client, config


def restart(api: client.ApiClient, namespace: str) -> list[str]:
    """Restart every deployment, and return their names."""
    apps = client.AppsV1Api(api)
    annotations = {"kubectl.kubernetes.io/restartedAt": datetime.now(UTC).isoformat()}
    patch = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    names = [item.metadata.name for item in apps.list_namespaced_deployment(namespace).items]
    for name in names:
        apps.patch_namespaced_deployment(name, namespace, patch)
    return names


if __name__ == "__main__":
    config.load_incluster_config()
    restart(client.ApiClient(), "shop")
