"""Token Secrets: filled in for the service account they name, deleted with it.

Up to Kubernetes 1.23 (``era="1.20"``) each new service account got such a Secret by
itself; today such Secrets are created by hand, or better replaced by a TokenRequest.

Source: k8s.io/kubernetes ``pkg/controller/serviceaccount/tokens_controller.go``; KEP 2799.
"""

from base64 import b64encode
from collections.abc import Callable

from typing_extensions import override

from ..apiserver.registry.registry import Change, Registry
from ..machinery.kinds import BY_RESOURCE
from ..machinery.objects import annotations_of, is_deleted, name_of, namespace_of, uid_of
from ..machinery.request import Object
from .controller import Publisher
from .namespaces import is_active_namespace

TYPE = "kubernetes.io/service-account-token"
NAME = "kubernetes.io/service-account.name"
UID = "kubernetes.io/service-account.uid"

ACCOUNTS = BY_RESOURCE["", "v1", "serviceaccounts"]
SECRETS = BY_RESOURCE["", "v1", "secrets"]


class TokenSecrets(Publisher):
    """Fills in and deletes the token Secrets of service accounts.

    ``issue`` returns a token for an account and the name of its Secret. With ``automatic`` each new account gets a
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
        super().__init__(registry, ca_certificate)
        self._issue = issue
        self._automatic = automatic

    def __call__(self, change: Change) -> None:
        """React to a change of a Secret or an account."""
        new = change.new
        old = change.old
        if change.kind is SECRETS:
            if new is not None:
                self._sync_secret(new)
            elif old is not None and self._automatic and _is_token(old):
                self._unlist(old)
        elif change.kind is ACCOUNTS:
            # An account that was deleted and created again under its name is another one, and so are its tokens.
            if old is not None and (new is None or uid_of(old) != uid_of(new)):
                for secret in self._secrets_of(old):
                    self._delete_object(SECRETS, secret)
            if new is not None and self._automatic:
                self._create_secret(new)

    @override
    def bootstrap(self) -> None:
        """Put the CA's certificate into Secrets again if it has been renewed."""
        for secret in list(self._registry.list(SECRETS)):
            account = self._account_of(secret)
            if account is not None and _is_token(secret):
                self._fill(secret, account)

    def _sync_secret(self, secret: Object) -> None:
        current = self._current(SECRETS, secret)
        if current is None or is_deleted(current) or not _is_token(current):
            return
        account = self._account_of(current)
        if account is None:
            self._delete_object(SECRETS, current)
        else:
            self._fill(current, account)

    def _fill(self, secret: Object, account: Object) -> None:
        """Add the missing parts of a Secret; a token that it has stays valid, and stays."""
        data = secret.get("data") or {}
        content = {"ca.crt": self._ca, "namespace": namespace_of(account)}
        filled = {
            **data,
            **{name: b64encode(value.encode()).decode() for name, value in content.items()},
        }
        identity = {NAME: name_of(account), UID: uid_of(account)}
        annotations = {**annotations_of(secret), **identity}
        if data.get("token") and (filled, annotations) == (data, annotations_of(secret)):
            return
        if not data.get("token"):
            token = self._issue(account, name_of(secret))
            filled["token"] = b64encode(token.encode()).decode()

        def change(obj: Object) -> None:
            obj["data"] = dict(sorted(filled.items()))
            obj["metadata"]["annotations"] = annotations

        self._edit(SECRETS, secret, change)

    def _create_secret(self, account: Object) -> None:
        current = self._current(ACCOUNTS, account)
        if current is None or is_deleted(current):
            return
        namespace = namespace_of(current)
        listed = current.get("secrets") or []
        # A Secret that exists but is not listed does not count: a client can have dropped it from the list.
        if not is_active_namespace(self._registry, namespace) or any(
            {"name": name_of(secret)} in listed for secret in self._secrets_of(current)
        ):
            return
        name = f"{name_of(current)}-token-{self._registry.new_suffix()}"
        annotations = {NAME: name_of(current), UID: uid_of(current)}
        metadata = {"name": name, "namespace": namespace, "annotations": annotations}
        self._create_object(SECRETS, {"metadata": metadata, "type": TYPE})
        self._list(current, [*listed, {"name": name}])

    def _unlist(self, secret: Object) -> None:
        """Remove a deleted Secret from the list of its account, which gets another one then."""
        account = self._account_of(secret)
        listed = (account or {}).get("secrets") or []
        if account is not None and {"name": name_of(secret)} in listed:
            self._list(account, [item for item in listed if item.get("name") != name_of(secret)])

    def _list(self, account: Object, secrets: list[Object]) -> None:
        self._edit(ACCOUNTS, account, lambda obj: obj.update(secrets=secrets))

    def _account_of(self, secret: Object) -> Object | None:
        name = annotations_of(secret).get(NAME, "")
        account = self._registry.find(ACCOUNTS, namespace_of(secret), name)
        return account if account is not None and _belongs(secret, account) else None

    def _secrets_of(self, account: Object) -> list[Object]:
        secrets = self._registry.list(SECRETS, namespace_of(account))
        return [secret for secret in secrets if _is_token(secret) and _belongs(secret, account)]


def _is_token(secret: Object) -> bool:
    return bool(secret.get("type") == TYPE)


def _belongs(secret: Object, account: Object) -> bool:
    """Return whether a Secret names an account; it need not have the uid yet."""
    annotations = annotations_of(secret)
    uid = annotations.get(UID) or uid_of(account)
    return (annotations.get(NAME), uid) == (name_of(account), uid_of(account))
