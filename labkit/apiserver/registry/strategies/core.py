"""Namespaces, config maps, secrets, service accounts, nodes and other plain core kinds.

Source: k8s.io/kubernetes ``pkg/registry/core``, ``pkg/apis/core/validation``.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

import orjson

from labkit.apiserver.registry.errors import FieldErrors
from labkit.apiserver.registry.names import (
    IP_MESSAGE,
    NameRule,
    config_key,
    dns_label,
    dns_subdomain,
    ip_address,
    label_name,
    port_name,
    port_number,
)
from labkit.apiserver.registry.strategies.poddefaults import default_pod_spec
from labkit.apiserver.registry.strategy import Context, Strategy
from labkit.apiserver.request import Object

MAX_SECRET_BYTES = 1024 * 1024
IMMUTABLE = "field is immutable when `immutable` is set"
NAME_LABEL = "kubernetes.io/metadata.name"
ACCOUNT_NAME = "kubernetes.io/service-account.name"
SECRET_KEYS = {
    "kubernetes.io/dockercfg": ".dockercfg",
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
    "kubernetes.io/ssh-auth": "ssh-privatekey",
}


@dataclass
class NamespaceStrategy(Strategy):
    """Namespaces: labelled with their name, kept by a finalizer until they are empty."""

    name_rule: NameRule = label_name
    returns_deleted: bool = True
    status: bool = True

    def default(self, obj: Object) -> None:
        """See ``Strategy``."""
        name = obj["metadata"].get("name")
        if name:
            labels = obj["metadata"].setdefault("labels", {})
            labels[NAME_LABEL] = name
        obj["status"].setdefault("phase", "Active")

    def prepare_create(self, context: Context, obj: Object) -> None:
        """See ``Strategy``."""
        obj["status"] = {"phase": "Active"}
        finalizers = obj["spec"].get("finalizers", [])
        if "kubernetes" not in finalizers:
            obj["spec"]["finalizers"] = [*finalizers, "kubernetes"]
        name = obj["metadata"].get("name")
        if name:
            obj["metadata"].setdefault("labels", {})[NAME_LABEL] = name

    def prepare_update(self, context: Context, new: Object, old: Object) -> None:
        """See ``Strategy``."""
        new["spec"] = dict(old["spec"])
        new["status"] = old["status"]

    def prepare_status_update(self, context: Context, new: Object, old: Object) -> None:
        """``/status`` and ``/finalize`` each write their own part."""
        if new["spec"].get("finalizers", []) == old["spec"].get("finalizers", []):
            new["spec"] = old["spec"]


@dataclass
class ConfigMapStrategy(Strategy):
    """Config maps."""

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
        size = 0
        for key, value in data.items():
            for message in config_key(key):
                errors.invalid(f"data[{key}]", key, message)
            if key in binary:
                errors.invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
            size += len(value.encode())
        for key, value in binary.items():
            for message in config_key(key):
                errors.invalid(f"binaryData[{key}]", key, message)
            size += len(base64.b64decode(value or ""))
        if size > MAX_SECRET_BYTES:
            errors.too_long("", MAX_SECRET_BYTES)

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        check_immutable(new, old, ("data", "binaryData"), errors)
        self.check(new, errors)


def check_immutable(new: Object, old: Object, fields: tuple[str, ...], errors: FieldErrors) -> None:
    """What ``immutable: true`` forbids."""
    if not old.get("immutable"):
        return
    if not new.get("immutable"):
        errors.forbidden("immutable", IMMUTABLE)
    for field in fields:
        if (new.get(field) or {}) != (old.get(field) or {}):
            errors.forbidden(field, IMMUTABLE)


@dataclass
class SecretStrategy(Strategy):
    """Secrets."""

    def default(self, obj: Object) -> None:
        """See ``Strategy``."""
        if not obj.get("type"):
            obj["type"] = "Opaque"
        text = obj.pop("stringData", None)
        if text:
            data = dict(obj.get("data") or {})
            for key, value in text.items():
                data[key] = base64.b64encode(value.encode()).decode()
            obj["data"] = data

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        data = obj.get("data") or {}
        size = 0
        for key, value in data.items():
            for message in config_key(key):
                errors.invalid(f"data[{key}]", key, message)
            size += len(base64.b64decode(value or ""))
        if size > MAX_SECRET_BYTES:
            errors.too_long("data", MAX_SECRET_BYTES)
        kind = obj.get("type", "")
        if kind == "kubernetes.io/service-account-token":
            if not (obj["metadata"].get("annotations") or {}).get(ACCOUNT_NAME):
                errors.required(f"metadata.annotations[{ACCOUNT_NAME}]")
        elif kind in SECRET_KEYS:
            key = SECRET_KEYS[kind]
            if key not in data:
                errors.required(f"data[{key}]")
            elif kind != "kubernetes.io/ssh-auth":
                try:
                    orjson.loads(base64.b64decode(data[key] or ""))
                except orjson.JSONDecodeError:
                    errors.invalid(f"data[{key}]", "<secret contents redacted>", "invalid JSON")
        elif kind == "kubernetes.io/basic-auth":
            if "username" not in data and "password" not in data:
                errors.required("data[username]")
                errors.required("data[password]")
        elif kind == "kubernetes.io/tls":
            for key in ("tls.crt", "tls.key"):
                if key not in data:
                    errors.required(f"data[{key}]")

    def prepare_update(self, context: Context, new: Object, old: Object) -> None:
        """See ``Strategy``."""
        if not new.get("type"):
            new["type"] = old["type"]

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        if new.get("type") != old.get("type"):
            errors.invalid("type", new.get("type"), "field is immutable")
        check_immutable(new, old, ("data",), errors)
        self.check(new, errors)


@dataclass
class NodeStrategy(Strategy):
    """Nodes."""

    status: bool = True

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        seen: set[tuple[str, str]] = set()
        for index, taint in enumerate(obj["spec"].get("taints") or ()):
            key, effect = taint.get("key", ""), taint.get("effect", "")
            if effect not in ("NoSchedule", "PreferNoSchedule", "NoExecute"):
                errors.not_supported(
                    f"spec.taints[{index}].effect", effect, ["NoSchedule", "PreferNoSchedule", "NoExecute"]
                )
            if (key, effect) in seen:
                errors.duplicate(f"spec.taints[{index}]", taint)
            seen.add((key, effect))


@dataclass
class EndpointsStrategy(Strategy):
    """Endpoints."""

    create_on_update: bool = True

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        for index, subset in enumerate(obj.get("subsets") or ()):
            path = f"subsets[{index}]"
            ready, other = subset.get("addresses") or [], subset.get("notReadyAddresses") or []
            if not ready and not other:
                errors.required(path, "must specify `addresses` or `notReadyAddresses`")
            for name, addresses in (("addresses", ready), ("notReadyAddresses", other)):
                for number, address in enumerate(addresses):
                    if not ip_address(address.get("ip", "")):
                        errors.invalid(f"{path}.{name}[{number}].ip", address.get("ip", ""), IP_MESSAGE)
            ports = subset.get("ports") or []
            for number, port in enumerate(ports):
                place = f"{path}.ports[{number}]"
                if len(ports) > 1 and not port.get("name"):
                    errors.required(f"{place}.name")
                elif port.get("name"):
                    for message in dns_label(port["name"]):
                        errors.invalid(f"{place}.name", port["name"], message)
                for message in port_number(port.get("port", 0)):
                    errors.invalid(f"{place}.port", port.get("port", 0), message)

    def default(self, obj: Object) -> None:
        """See ``Strategy``."""
        for subset in obj.get("subsets") or ():
            for port in subset.get("ports") or ():
                port.setdefault("protocol", "TCP")


@dataclass
class ServiceAccountStrategy(Strategy):
    """Service accounts."""

    returns_deleted: bool = True


@dataclass
class PriorityClassStrategy(Strategy):
    """Priority classes."""

    generation: bool = True

    def default(self, obj: Object) -> None:
        """See ``Strategy``."""
        obj.setdefault("preemptionPolicy", "PreemptLowerPriority")

    def count_generation(self, new: Object, old: Object) -> None:
        """See ``Strategy``."""
        new["metadata"]["generation"] = old["metadata"].get("generation", 1)

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        name = obj["metadata"].get("name", "")
        if name.startswith("system-") and name not in ("system-cluster-critical", "system-node-critical"):
            errors.forbidden(
                "metadata.name", "priority class names with 'system-' prefix are reserved for system use only"
            )
        elif obj.get("value", 0) > 1_000_000_000 and not name.startswith("system-"):
            errors.forbidden("value", "maximum allowed value of a user defined priority is 1000000000")

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        if new.get("value") != old.get("value"):
            errors.forbidden("value", "may not be changed in an update.")
        if new.get("preemptionPolicy") != old.get("preemptionPolicy"):
            errors.invalid("preemptionPolicy", new.get("preemptionPolicy"), "field is immutable")


def check_port(value: object, path: str, errors: FieldErrors) -> None:
    """A port by number or name."""
    if isinstance(value, str):
        for message in port_name(value):
            errors.invalid(path, value, message)
    elif isinstance(value, int):
        for message in port_number(value):
            errors.invalid(path, value, message)


def check_subdomain(value: str, path: str, errors: FieldErrors) -> None:
    """A name that other objects have."""
    for message in dns_subdomain(value):
        errors.invalid(path, value, message)


@dataclass
class PodTemplateStrategy(Strategy):
    """Pod templates."""

    returns_deleted: bool = True
    generation: bool = True

    def default(self, obj: Object) -> None:
        """See ``Strategy``."""
        default_pod_spec(obj["template"]["spec"])

    def count_generation(self, new: Object, old: Object) -> None:
        """See ``Strategy``."""
        same = new.get("template") == old.get("template")
        new["metadata"]["generation"] = old["metadata"].get("generation", 1) + (0 if same else 1)
