"""The content of ``kube-system``: two config maps, and the controllers' service accounts.

The controller manager uses one account for each controller (``--use-service-account-credentials``,
as kubeadm sets it up): the subjects of the ``system:controller:*`` bindings. They are the controllers that are on
by default, and kubeadm's two more.
Source: k8s.io/kubernetes ``pkg/controlplane/controller/{clusterauthenticationtrust,legacytokentracking}``,
``cmd/kube-controller-manager/app``.
"""

from typing_extensions import override

from ..apiserver.registry.registry import Change, Registry, timestamp
from ..apiserver.storage import Key
from ..controllers.controller import Publisher
from ..machinery.kinds import BY_KIND
from .core import bootstrap_objects

NAMESPACE = "kube-system"
MANAGER = "kube-apiserver"
TRUST = "extension-apiserver-authentication"
TRACKING = "kube-apiserver-legacy-service-account-token-tracking"
ACCOUNTS = BY_KIND["", "ServiceAccount"]
CONFIG_MAPS = BY_KIND["", "ConfigMap"]


class SystemContent(Publisher):
    """Creates these objects, and recreates the one that extension servers read the CA (PEM) from.

    Only if ``tracked`` are there the config map of token tracking and the controllers' accounts: before 1.24 each
    account would get a Secret.
    """

    def __init__(self, registry: Registry, ca_certificate: bytes, *, tracked: bool) -> None:
        super().__init__(registry, ca_certificate)
        self._tracked = tracked

    @override
    def bootstrap(self) -> None:
        """Create missing objects. The accounts are stored as they are: controllers do not add to them."""
        now = timestamp(self._registry.clock())
        self._publish(TRUST, {"client-ca-file": self._ca})
        # In that era every account would get a token Secret.
        if not self._tracked:
            return
        self._publish(TRACKING, {"since": now[:10]})
        # Stored as they are, past the controllers that would add to them.
        for name in bootstrap_objects()["controllers"]:
            key = Key(ACCOUNTS.resource, NAMESPACE, name)
            if self._registry.store.get(key) is None:
                metadata = {
                    "name": name,
                    "namespace": NAMESPACE,
                    "uid": self._registry.new_uid(),
                    "creationTimestamp": now,
                }
                self._registry.store.put(
                    key, {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": metadata}
                )

    def __call__(self, change: Change) -> None:
        """React to the deletion of the CA's config map."""
        if change.kind is CONFIG_MAPS and change.new is None and change.old is not None:
            metadata = change.old["metadata"]
            if (metadata["namespace"], metadata["name"]) == (NAMESPACE, TRUST):
                self._publish(TRUST, {"client-ca-file": self._ca})

    def _publish(self, name: str, data: dict[str, str]) -> None:
        stored = self._registry.find(CONFIG_MAPS, NAMESPACE, name)
        if stored is None:
            obj = {"metadata": {"name": name, "namespace": NAMESPACE}, "data": data}
            self._registry.create(CONFIG_MAPS, obj, manager=MANAGER)
        elif name == TRUST and stored.get("data", {}).get("client-ca-file") != self._ca:
            # The CA's certificate was renewed.
            self._registry.edit(CONFIG_MAPS, stored, MANAGER, lambda obj: obj["data"].update(data))
