"""The API services, priority levels and flow schemas of a new cluster.

They are stored as they are: creating each of them by the rules of its kind would take longer than
the rest of a start.
Source: k8s.io/kubernetes ``pkg/controlplane/apiserver/aggregator.go``; k8s.io/apiserver
``pkg/apis/flowcontrol/bootstrap``.
"""

from collections.abc import Iterator

from kube_embedded.files import read_json

from ..apiserver.registry.registry import Registry, timestamp
from ..apiserver.registry.strategies.schema_only import available
from ..apiserver.storage import Key
from ..controllers.conditions import condition
from ..machinery.kinds import BY_KIND, GROUPS, KINDS, Kind
from ..machinery.objects import name_of
from ..machinery.request import Object

_SPECS: dict[str, dict[str, Object]] = read_json(__file__, "flows.json")
"""``levels`` and ``schemas``: name to spec."""
FLOWS = "flowcontrol.apiserver.k8s.io"
# The priority of a second version: below every v1, so that clients find the stable one first.
NEWER_VERSION = 30
CONSUMER = "api-priority-and-fairness-config-consumer-v1"
PRODUCER = "api-priority-and-fairness-config-producer-v1"
NOTE = "apf.kubernetes.io/autoupdate-spec"
LABEL = "kube-aggregator.kubernetes.io/automanaged"
CONDITION = ("lastTransitionTime", "message", "reason", "status", "type")


def bootstrap_services(registry: Registry) -> None:
    """Store the missing ones."""
    now = timestamp(registry.clock())
    for kind, obj in [*_api_services(now), *_priority_levels(now), *_flow_schemas(now)]:
        key = Key(kind.resource, "", name_of(obj))
        if registry.store.get(key) is None:
            # Written past the registry: it would validate and default a hundred objects at each start of a new
            # cluster.
            obj["metadata"]["uid"] = registry.new_uid()
            registry.store.put(key, registry.ordered(kind, obj))


def _api_services(now: str) -> Iterator[tuple[Kind, Object]]:
    kind = BY_KIND["apiregistration.k8s.io", "APIService"]
    for group, version in dict.fromkeys((row.group, row.version) for row in KINDS):
        priorities = GROUPS[group]
        # A group without an APIService of its own is not shown by ``kubectl get apiservices``.
        if priorities is None:
            continue
        least, priority = priorities
        spec: Object = {"group": group} if group else {}
        spec |= {
            "version": version,
            "groupPriorityMinimum": least,
            "versionPriority": priority if version == "v1" else NEWER_VERSION,
        }
        metadata = {"name": f"{version}.{group}", "labels": {LABEL: "onstart"}}
        obj = _new_object(kind, metadata, spec, "kube-apiserver", now)
        yield kind, {**obj, "status": {"conditions": [available(now)]}}


def _priority_levels(now: str) -> Iterator[tuple[Kind, Object]]:
    kind = BY_KIND[FLOWS, "PriorityLevelConfiguration"]
    for name, spec in _SPECS["levels"].items():
        metadata = {"name": name, "generation": 1, "annotations": {NOTE: "true"}}
        yield kind, {**_new_object(kind, metadata, spec, PRODUCER, now), "status": {}}


def _flow_schemas(now: str) -> Iterator[tuple[Kind, Object]]:
    kind = BY_KIND[FLOWS, "FlowSchema"]
    fields: Object = {'k:{"type":"Dangling"}': {".": {}, **{f"f:{name}": {} for name in CONDITION}}}
    owned = {"f:status": {"f:conditions": fields}}
    status = {
        **managed_entry(kind.group_version, CONSUMER, "Apply", owned, now),
        "subresource": "status",
    }
    for name, spec in _SPECS["schemas"].items():
        metadata = {"name": name, "generation": 1, "annotations": {NOTE: "true"}}
        obj = _new_object(kind, metadata, spec, PRODUCER, now)
        # Two components write flow schemas: one their spec, the other their status.
        obj["metadata"]["managedFields"].insert(0, status)
        level = spec["priorityLevelConfiguration"]["name"]
        message = f'This FlowSchema references the PriorityLevelConfiguration object named "{level}" and it exists'
        exists = condition("Dangling", "False", "Found", message, lastTransitionTime=now)
        yield kind, {**obj, "status": {"conditions": [exists]}}


def _new_object(kind: Kind, metadata: Object, spec: Object, manager: str, now: str) -> Object:
    """An object with the managed fields of its creator; specs hold no lists that merge."""
    owned: Object = {
        f"f:{name}": {".": {}, **{f"f:{key}": {} for key in metadata[name]}}
        for name in ("annotations", "labels")
        if name in metadata
    }
    fields = {"f:metadata": owned, "f:spec": _fields(spec)}
    return {
        "kind": kind.kind,
        "apiVersion": kind.group_version,
        "metadata": {
            **metadata,
            "creationTimestamp": now,
            "managedFields": [managed_entry(kind.group_version, manager, "Update", fields, now)],
        },
        "spec": spec,
    }


def _fields(value: Object) -> Object:
    """The fields that the creator of a spec owns; a struct that is never absent is not owned itself."""
    fields: Object = {}
    for name in sorted(value):
        inner = value[name]
        below = _fields(inner) if isinstance(inner, dict) else {}
        own: Object = {".": {}} if below and name != "priorityLevelConfiguration" else {}
        fields[f"f:{name}"] = {**own, **below}
    return fields


def managed_entry(
    group_version: str, manager: str, operation: str, fields: Object, now: str
) -> Object:
    """An entry of ``managedFields``."""
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": group_version,
        "time": now,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
