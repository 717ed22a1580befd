"""Copy a config map into every namespace that asks for it by a label."""

from lightkube import Client
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import ConfigMap, Namespace


def sync(client: Client, name: str, source: str) -> list[str]:
    """Copy it, and return the namespaces."""
    data = client.get(ConfigMap, name, namespace=source).data
    targets = [space.metadata.name for space in client.list(Namespace, labels={"sync": name})]
    for namespace in targets:
        copy = ConfigMap(metadata=ObjectMeta(name=name, namespace=namespace), data=data)
        client.apply(copy, field_manager="syncer")
    return targets


if __name__ == "__main__":
    sync(Client(), "trust", "certificates")
