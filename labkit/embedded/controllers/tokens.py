"""Token Secrets: filled in for the service account they name, deleted with it.

Up to Kubernetes 1.23 (``era="1.20"``) each new service account got such a Secret by
itself; today one makes it by hand, or better asks for a token.

Source: k8s.io/kubernetes ``pkg/controller/serviceaccount/tokens_controller.go``; KEP 2799.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

from labkit.embedded.apiserver.registry.registry import Change, Registry
from labkit.embedded.controllers import MANAGER
from labkit.embedded.controllers.controller import BaseController
from labkit.embedded.controllers.namespaces import is_active_namespace
from labkit.embedded.machinery.kinds import BY_RESOURCE
from labkit.embedded.machinery.objects import annotations_of, is_deleted, name_of, uid_of
from labkit.embedded.machinery.request import Object

TYPE = "kubernetes.io/service-account-token"
NAME = "kubernetes.io/service-account.name"
UID = "kubernetes.io/service-account.uid"

ACCOUNTS = BY_RESOURCE["", "v1", "serviceaccounts"]
SECRETS = BY_RESOURCE["", "v1", "secrets"]


class TokenSecrets(BaseController):
    """Fills in and deletes the token Secrets of service accounts.

    ``issue`` makes a token for an account and the name of its Secret. With ``automatic`` each new account gets a
    Secret, as up to 1.23.
    """

    def __init__(
        self,
        registry: Registry,
        issue: Callable[[Object, str], str],
        ca_certificate: bytes,
        *,
        automatic: bool,
    ) -> None:
        super().__init__(registry)
        self._issue = issue
        self._ca = b64encode(ca_certificate).decode()
        self._automatic = automatic

    def __call__(self, change: Change) -> None:
        """React to a change of a Secret or an account."""
        if change.kind is SECRETS:
            self._secret_changed(change)
        elif change.kind is ACCOUNTS:
            self._account_changed(change)

    def bootstrap(self) -> None:
        """Put the CA's certificate into Secrets again where it was renewed since."""
        for secret in list(self._registry.list(SECRETS)):
            account = self._account_of(secret) if secret.get("type") == TYPE else None
            if account is not None:
                self._fill(secret, account)

    def renew(self, ca_certificate: bytes) -> None:
        """Publish a new certificate of the CA, PEM."""
        self._ca = b64encode(ca_certificate).decode()
        self.bootstrap()

    def _secret_changed(self, change: Change) -> None:
        secret = change.new
        if secret is None:
            if change.old is not None and self._automatic and change.old.get("type") == TYPE:
                self._unlist(change.old)
            return
        if secret.get("type") != TYPE:
            return
        current = self._current(SECRETS, secret)
        if current is None or is_deleted(current):
            return
        account = self._account_of(current)
        if account is None:
            self._delete_object(SECRETS, current)
        else:
            self._fill(current, account)

    def _account_changed(self, change: Change) -> None:
        if change.new is None or (change.old is not None and _uid(change.old) != _uid(change.new)):
            assert change.old is not None, "a change without objects"
            for secret in self._secrets_of(change.old):
                self._delete_object(SECRETS, secret)
            if change.new is None:
                return
        if self._automatic:
            self._create_secret(change.new)

    def _fill(self, secret: Object, account: Object) -> None:
        data = secret.get("data") or {}
        metadata = account["metadata"]
        wanted = {
            "ca.crt": self._ca,
            "namespace": b64encode(metadata["namespace"].encode()).decode(),
        }
        annotations = annotations_of(secret)
        complete = data.get("token") and all(
            data.get(key) == value for key, value in wanted.items()
        )
        if complete and annotations.get(UID) == metadata["uid"]:
            return

        def change(obj: Object) -> None:
            filled = {**(obj.get("data") or {}), **wanted}
            if not filled.get("token"):
                token = self._issue(account, name_of(obj))
                filled["token"] = b64encode(token.encode()).decode()
            obj["data"] = dict(sorted(filled.items()))
            obj["metadata"]["annotations"] = {
                **annotations,
                NAME: metadata["name"],
                UID: metadata["uid"],
            }

        self._registry.edit(SECRETS, secret, MANAGER, change)

    def _create_secret(self, account: Object) -> None:
        current = self._current(ACCOUNTS, account)
        if current is None or is_deleted(current):
            return
        metadata = current["metadata"]
        listed = {ref.get("name") for ref in current.get("secrets") or ()}
        active = is_active_namespace(self._registry, metadata["namespace"])
        if not active or any(name_of(secret) in listed for secret in self._secrets_of(current)):
            return
        name = f"{metadata['name']}-token-{self._registry.new_suffix()}"
        secret = {
            "metadata": {
                "name": name,
                "namespace": metadata["namespace"],
                "annotations": {NAME: metadata["name"], UID: metadata["uid"]},
            },
            "type": TYPE,
        }
        self._registry.create(SECRETS, secret, manager=MANAGER)
        secrets = [*(current.get("secrets") or ()), {"name": name}]
        self._registry.edit(ACCOUNTS, current, MANAGER, lambda obj: obj.update(secrets=secrets))

    def _unlist(self, secret: Object) -> None:
        """Remove a deleted Secret from the list of its account."""
        account = self._account_of(secret)
        name = name_of(secret)
        if account is None or {"name": name} not in (account.get("secrets") or ()):
            return
        secrets = [ref for ref in account["secrets"] if ref.get("name") != name]
        self._registry.edit(ACCOUNTS, account, MANAGER, lambda obj: obj.update(secrets=secrets))

    def _account_of(self, secret: Object) -> Object | None:
        metadata = secret["metadata"]
        annotations = metadata.get("annotations") or {}
        account = self._registry.find(ACCOUNTS, metadata["namespace"], annotations.get(NAME, ""))
        if account is None or annotations.get(UID) not in (None, "", _uid(account)):
            return None
        return account

    def _secrets_of(self, account: Object) -> list[Object]:
        metadata = account["metadata"]
        return [
            secret
            for secret in self._registry.list(SECRETS, metadata["namespace"])
            if secret.get("type") == TYPE
            and annotations_of(secret).get(NAME) == metadata["name"]
            and annotations_of(secret).get(UID) in (None, "", metadata["uid"])
        ]


def _uid(obj: Object) -> str:
    return uid_of(obj)
