"""Gives every pod a service account, and mounts its token.

Source: k8s.io/kubernetes ``plugin/pkg/admission/serviceaccount``.
"""

import copy
from collections.abc import Callable

from typing_extensions import override

from ...machinery.golang.quote import go_quote
from ...machinery.path_segments import unaskable
from ...machinery.request import Object
from .attributes import Attributes, Lister, Lookup, ReadingPlugin

MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
VOLUME_PREFIX = "kube-api-access-"
ACCOUNT_UID = "kubernetes.io/service-account.uid"


class ServiceAccount(ReadingPlugin):
    """Sets the service account of a pod and mounts its token.

    ``mount_secrets`` mounts the account's token Secret, as clusters did up to 1.20.
    """

    def __init__(
        self,
        lookup: Lookup,
        lister: Lister,
        new_suffix: Callable[[], str],
        mount_secrets: bool = False,
    ) -> None:
        super().__init__(lookup, lister)
        self._new_suffix = new_suffix
        self._mount_secrets = mount_secrets

    @override
    def admit(self, attributes: Attributes) -> None:
        pod = attributes.obj
        if pod is None or not attributes.concerns("pods", "CREATE"):
            return
        spec = pod["spec"]
        if not spec.get("serviceAccountName"):
            spec["serviceAccountName"] = "default"
        # The deprecated field always repeats the name; old clients still read it.
        spec["serviceAccount"] = spec["serviceAccountName"]
        account = self._account(attributes, spec["serviceAccountName"])
        if _automounts(account, spec):
            self._mount(attributes.namespace, account, spec)
        if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
            spec["imagePullSecrets"] = copy.deepcopy(account["imagePullSecrets"])

    def _account(self, attributes: Attributes, name: str) -> Object:
        account = self._lookup("serviceaccounts", attributes.namespace, name)
        if account is None:
            reason = unaskable(name) or f"serviceaccount {go_quote(name)} not found"
            raise attributes.refuse(
                f"error looking up service account {attributes.namespace}/{name}: {reason}"
            )
        return account

    def _mount(self, namespace: str, account: Object, spec: Object) -> None:
        token = self._token_secret(namespace, account) if self._mount_secrets else None
        if self._mount_secrets and token is None:
            return
        prefix = f"{account['metadata']['name']}-token-" if token else VOLUME_PREFIX
        # A pod that was copied from a running one brings that one's volume, which is used again.
        existing = next(
            (
                volume["name"]
                for volume in spec.get("volumes") or ()
                if volume["name"].startswith(prefix)
            ),
            None,
        )
        name = existing or token or VOLUME_PREFIX + self._new_suffix()
        needed = False
        for list_name in ("initContainers", "containers"):
            for container in spec.get(list_name) or ():
                mounts = container.get("volumeMounts") or []
                if any(mount.get("mountPath") == MOUNT_PATH for mount in mounts):
                    continue
                container["volumeMounts"] = [
                    *mounts,
                    {"name": name, "readOnly": True, "mountPath": MOUNT_PATH},
                ]
                needed = True
        if needed and existing is None:
            secret = {"name": name, "secret": {"secretName": token, "defaultMode": 420}}
            volume = secret if token else _projected_volume(name)
            spec["volumes"] = [*(spec.get("volumes") or ()), volume]

    def _token_secret(self, namespace: str, account: Object) -> str | None:
        uid = account["metadata"]["uid"]
        for secret in self._lister("secrets", namespace):
            notes = secret["metadata"].get("annotations") or {}
            if (
                secret.get("type") == "kubernetes.io/service-account-token"
                and notes.get(ACCOUNT_UID) == uid
            ):
                return str(secret["metadata"]["name"])
        return None


def _automounts(account: Object, spec: Object) -> bool:
    """Return whether to mount the token: the pod's setting, else the account's, else True."""
    for holder in (spec, account):
        # The pod wins: see "opt out of API credential automounting" in the documentation of service accounts.
        setting = holder.get("automountServiceAccountToken")
        if setting is not None:
            return bool(setting)
    return True


def _projected_volume(name: str) -> Object:
    namespace = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    return {
        "name": name,
        "projected": {
            "sources": [
                # 3607 seconds mark the tokens that the server extends to a year, and of whose late use it
                # warns (WarnOnlyBoundTokenExpirationPeriod).
                {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                {
                    "configMap": {
                        "name": "kube-root-ca.crt",
                        "items": [{"key": "ca.crt", "path": "ca.crt"}],
                    }
                },
                {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": namespace}]}},
            ],
            "defaultMode": 420,
        },
    }
