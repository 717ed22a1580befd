"""Defaults of pods.

Source: k8s.io/kubernetes ``pkg/apis/core/v1/defaults.go``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.strategies.pods.resources import default_pod_resources
from labkit.embedded.machinery.image_reference import parse_reference
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema import schemas

PROBE_DEFAULTS = {
    "timeoutSeconds": 1,
    "periodSeconds": 10,
    "successThreshold": 1,
    "failureThreshold": 3,
}
CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")


def default_pod_spec(spec: Object) -> None:
    """Set the defaults of a pod template in its decoded PodSpec."""
    if not spec.get("serviceAccountName") and spec.get("serviceAccount"):
        spec["serviceAccountName"] = spec["serviceAccount"]
    if spec.get("serviceAccountName"):
        spec["serviceAccount"] = spec["serviceAccountName"]
    else:
        spec.pop("serviceAccount", None)
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("securityContext", {})
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("schedulerName", "default-scheduler")
    for list_name in CONTAINER_LISTS:
        for container in spec.get(list_name) or ():
            default_container(container)
    for volume in spec.get("volumes") or ():
        default_volume(volume)
    if spec.get("volumes"):
        order_fields(spec, "core.v1.PodSpec")


def default_pod(spec: Object) -> None:
    """Set the defaults of a pod: those of a template, and some that templates do not show."""
    default_pod_spec(spec)
    for list_name in ("initContainers", "containers"):
        for container in spec.get(list_name) or ():
            limits = (container.get("resources") or {}).get("limits")
            if limits is not None:
                requests = container["resources"].setdefault("requests", {})
                for name, value in limits.items():
                    requests.setdefault(name, value)
            if spec.get("hostNetwork"):
                for port in container.get("ports") or ():
                    if not port.get("hostPort"):
                        port["hostPort"] = port.get("containerPort", 0)
                        order_fields(port, "core.v1.ContainerPort")
    default_pod_resources(spec)
    if spec["terminationGracePeriodSeconds"] < 0:
        spec["terminationGracePeriodSeconds"] = 1
    spec.setdefault("enableServiceLinks", True)
    order_fields(spec, "core.v1.PodSpec")


def order_fields(obj: Object, struct: str) -> None:
    """Sort fields into the order in which they are printed."""
    for name in schemas()[struct].fields:
        if name in obj:
            obj[name] = obj.pop(name)


def pull_policy(image: str) -> str:
    """The default pull policy of an image."""
    reference = parse_reference(image)
    return "Always" if reference is not None and reference.pulls_latest else "IfNotPresent"


def default_container(container: Object) -> None:
    """Set the defaults of one container."""
    if not container.get("imagePullPolicy"):
        container["imagePullPolicy"] = pull_policy(container.get("image", ""))
    if not container.get("terminationMessagePath"):
        container["terminationMessagePath"] = "/dev/termination-log"
    if not container.get("terminationMessagePolicy"):
        container["terminationMessagePolicy"] = "File"
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(probe) is not None:
            default_probe(container[probe])
    for handler in (container.get("lifecycle") or {}).values():
        if isinstance(handler, dict):
            default_http_get(handler.get("httpGet"))
    for variable in container.get("env") or ():
        _default_field_ref(variable.get("valueFrom") or {})
    order_fields(container, "core.v1.Container")


def default_probe(probe: Object) -> None:
    """Set the defaults of a probe."""
    default_http_get(probe.get("httpGet"))
    if probe.get("grpc") is not None and probe["grpc"].get("service") is None:
        probe["grpc"]["service"] = ""
    for field, value in PROBE_DEFAULTS.items():
        if not probe.get(field):
            probe[field] = value
    order_fields(probe, "core.v1.Probe")


def default_http_get(action: Object | None) -> None:
    """Set the defaults of an HTTP request."""
    if action is None:
        return
    if not action.get("path"):
        action["path"] = "/"
    if not action.get("scheme"):
        action["scheme"] = "HTTP"
    order_fields(action, "core.v1.HTTPGetAction")


def default_volume(volume: Object) -> None:
    """Set the defaults of one volume."""
    if all(name == "name" for name in volume):
        volume["emptyDir"] = {}
    for source in ("secret", "configMap", "downwardAPI", "projected"):
        if volume.get(source) is not None:
            volume[source].setdefault("defaultMode", 420)
    if volume.get("hostPath") is not None:
        volume["hostPath"].setdefault("type", "")
    for item in (volume.get("downwardAPI") or {}).get("items") or ():
        _default_field_ref(item)
    for source in (volume.get("projected") or {}).get("sources") or ():
        token = source.get("serviceAccountToken")
        if token is not None and token.get("expirationSeconds") is None:
            token["expirationSeconds"] = 3600
            order_fields(token, "core.v1.ServiceAccountTokenProjection")
        for item in (source.get("downwardAPI") or {}).get("items") or ():
            _default_field_ref(item)
    template = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
    if template is not None:
        template["spec"].setdefault("volumeMode", "Filesystem")
    if volume.get("image") is not None and not volume["image"].get("pullPolicy"):
        volume["image"]["pullPolicy"] = pull_policy(volume["image"].get("reference", ""))


def _default_field_ref(item: Object) -> None:
    """Set the default version of the pod's field that an item refers to."""
    reference = item.get("fieldRef")
    if reference is not None and not reference.get("apiVersion"):
        reference["apiVersion"] = "v1"
        order_fields(reference, "core.v1.ObjectFieldSelector")
