"""The strategies of Namespaces, ConfigMaps, Secrets, ServiceAccounts and PriorityClasses.

Source: k8s.io/kubernetes ``pkg/registry/core``, ``pkg/apis/core/validation``.
"""

import base64

from typing_extensions import override

from kube_embedded.machinery.golang import json as gojson
from kube_embedded.machinery.request import Object
from kube_embedded.machinery.status import forbidden

from ..errors import FieldErrors
from ..metadata import check_known_finalizer
from ..names import config_key, label_name, qualified_name
from ..strategy import Strategy, StrategyContext

# Below the 1.5 MiB that etcd accepts in one request; config maps have the same limit.
MAX_SECRET_BYTES = 1024 * 1024
IMMUTABLE = "field is immutable when `immutable` is set"
# KEP-2161: selectors of namespaces can name a namespace by this label.
NAME_LABEL = "kubernetes.io/metadata.name"
ACCOUNT_NAME = "kubernetes.io/service-account.name"
SYSTEM_CLASSES = ("system-cluster-critical", "system-node-critical")
SECRET_KEYS = {
    "kubernetes.io/dockercfg": ".dockercfg",
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
    "kubernetes.io/ssh-auth": "ssh-privatekey",
}


class NamespaceStrategy(Strategy):
    """Namespaces: labelled with their name, and protected by a finalizer until they are empty."""

    returns_deleted = True
    status = True

    name_rule = staticmethod(label_name)

    @override
    def default(self, obj: Object) -> None:
        self._label(obj["metadata"])
        obj["status"].setdefault("phase", "Active")

    @override
    def prepare_create(self, context: StrategyContext, obj: Object) -> None:
        obj["status"] = {"phase": "Active"}
        finalizers = obj["spec"].get("finalizers", [])
        # The controller that empties a namespace removes this finalizer through /finalize.
        if "kubernetes" not in finalizers:
            obj["spec"]["finalizers"] = [*finalizers, "kubernetes"]
        self._label(obj["metadata"])

    def _label(self, metadata: Object) -> None:
        if metadata.get("name"):
            metadata.setdefault("labels", {})[NAME_LABEL] = metadata["name"]

    @override
    def prepare_update(self, context: StrategyContext, new: Object, old: Object) -> None:
        # The spec has finalizers alone, and only /finalize changes them.
        new["spec"] = dict(old["spec"])
        new["status"] = old["status"]

    @override
    def prepare_status_update(self, context: StrategyContext, new: Object, old: Object) -> None:
        """Keep the spec that is stored unless the write changes its finalizers (``/finalize``)."""
        if new["spec"].get("finalizers", []) == old["spec"].get("finalizers", []):
            new["spec"] = old["spec"]

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        for name in obj["spec"].get("finalizers") or ():
            self._check_finalizer(name, "spec.finalizers", errors)

    @override
    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """Accept any change: ``prepare_update`` has restored all other fields."""

    @override
    def check_status(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """Check the finalizers and the phase, for both ``/status`` and ``/finalize``."""
        for index, name in enumerate(new["spec"].get("finalizers") or ()):
            self._check_finalizer(name, f"spec.finalizers[{index}]", errors)
        phase = new["status"].get("phase", "")
        ending = bool(new["metadata"].get("deletionTimestamp"))
        if ending and phase != "Terminating":
            errors.invalid(
                "status.Phase",
                phase,
                "may only be 'Terminating' if `deletionTimestamp` is not empty",
            )
        elif not ending and phase != "Active":
            errors.invalid(
                "status.Phase", phase, "may only be 'Active' if `deletionTimestamp` is empty"
            )

    def _check_finalizer(self, name: str, path: str, errors: FieldErrors) -> None:
        errors.check_format(path, name, qualified_name)
        check_known_finalizer(name, path, errors)


class ConfigMapStrategy(Strategy):
    """Config maps."""

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        data = obj.get("data") or {}
        binary = obj.get("binaryData") or {}
        size = 0
        for key, value in data.items():
            errors.check_format(f"data[{key}]", key, config_key)
            if key in binary:
                # One key would become one file with two contents in a volume.
                errors.invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
            size += len(value.encode())
        for key, value in binary.items():
            errors.check_format(f"binaryData[{key}]", key, config_key)
            size += len(base64.b64decode(value or ""))
        if size > MAX_SECRET_BYTES:
            errors.too_long("[]", MAX_SECRET_BYTES)

    @override
    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        check_immutable(new, old, ("data", "binaryData"), errors)
        self.check(new, errors)


def check_immutable(new: Object, old: Object, fields: tuple[str, ...], errors: FieldErrors) -> None:
    """Refuse changes of an object with ``immutable: true``."""
    if not old.get("immutable"):
        return
    if not new.get("immutable"):
        errors.forbidden("immutable", IMMUTABLE)
    for field in fields:
        if (new.get(field) or {}) != (old.get(field) or {}):
            errors.forbidden(field, IMMUTABLE)


class SecretStrategy(Strategy):
    """Secrets."""

    @override
    def default(self, obj: Object) -> None:
        if not obj.get("type"):
            obj["type"] = "Opaque"
        # It can only be written: no answer shows it.
        text = obj.pop("stringData", None)
        if text:
            data = dict(obj.get("data") or {})
            for key, value in text.items():
                data[key] = base64.b64encode(value.encode()).decode()
            obj["data"] = data

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        data = obj.get("data") or {}
        size = 0
        for key, value in data.items():
            errors.check_format(f"data[{key}]", key, config_key)
            size += len(base64.b64decode(value or ""))
        if size > MAX_SECRET_BYTES:
            errors.too_long("data", MAX_SECRET_BYTES)
        kind = obj.get("type", "")
        if kind == "kubernetes.io/service-account-token":
            errors.check_present(
                f"metadata.annotations[{ACCOUNT_NAME}]",
                (obj["metadata"].get("annotations") or {}).get(ACCOUNT_NAME),
            )
        elif kind in SECRET_KEYS:
            key = SECRET_KEYS[kind]
            if key not in data or (kind == "kubernetes.io/ssh-auth" and not data[key]):
                errors.required(f"data[{key}]")
            elif kind != "kubernetes.io/ssh-auth":
                try:
                    gojson.loads(base64.b64decode(data[key] or ""))
                except gojson.SyntaxProblem as error:
                    errors.invalid(f"data[{key}]", "<secret contents redacted>", str(error))
        # One of the two is enough.
        elif kind == "kubernetes.io/basic-auth" and not data.keys() & {"username", "password"}:
            errors.required("data[username]")
            errors.required("data[password]")
        elif kind == "kubernetes.io/tls":
            for key in ("tls.crt", "tls.key"):
                errors.check_present(f"data[{key}]", key in data)

    @override
    def prepare_update(self, context: StrategyContext, new: Object, old: Object) -> None:
        if not new.get("type"):
            new["type"] = old["type"]

    @override
    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        errors.check_unchanged("type", new.get("type"), old.get("type"))
        check_immutable(new, old, ("data",), errors)
        self.check(new, errors)

    @override
    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        is_pair = obj.get("type") == "kubernetes.io/tls"
        lacks = is_pair and b"-----BEGIN " not in base64.b64decode(obj["data"].get("tls.crt") or "")
        return ["tls: failed to find any PEM data in certificate input"] if lacks else []


class ServiceAccountStrategy(Strategy):
    """Service accounts."""

    returns_deleted = True

    @override
    def drop_fields(self, new: Object, old: Object | None) -> None:
        """Keep only the names of the secrets."""
        if new.get("secrets"):
            # The type has more fields, with which a caller could refer to a secret of another namespace.
            new["secrets"] = [
                {"name": item["name"]} if item.get("name") else {} for item in new["secrets"]
            ]


class PriorityClassStrategy(Strategy):
    """Priority classes."""

    generation = True
    full_checks = 0

    @override
    def default(self, obj: Object) -> None:
        obj.setdefault("preemptionPolicy", "PreemptLowerPriority")

    @override
    def count_generation(self, new: Object, old: Object) -> None:
        new["metadata"]["generation"] = old["metadata"].get("generation", 1)

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        name = obj["metadata"].get("name", "")
        if name.startswith("system-") and name not in SYSTEM_CLASSES:
            errors.forbidden(
                "metadata.name",
                "priority class names with 'system-' prefix are reserved for system use only. "
                f"error: {name} is not a known system priority class",
            )
        elif obj.get("value", 0) > 1_000_000_000 and not name.startswith("system-"):
            errors.forbidden(
                "value", "maximum allowed value of a user defined priority is 1000000000"
            )
        policy = obj.get("preemptionPolicy")
        if policy is not None:
            errors.check_required_choice(
                "preemptionPolicy", policy, ("PreemptLowerPriority", "Never")
            )

    @override
    def check_deletion(self, name: str) -> None:
        if name in SYSTEM_CLASSES:
            reason = "this is a system priority class and cannot be deleted"
            raise forbidden("priorityclasses", "scheduling.k8s.io", name, reason)

    @override
    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        if new.get("value") != old.get("value"):
            errors.forbidden("value", "may not be changed in an update.")
        errors.check_unchanged(
            "preemptionPolicy", new.get("preemptionPolicy"), old.get("preemptionPolicy")
        )
