"""Defaults of pods, and the fields of disabled feature gates, which are dropped."""

from collections.abc import Iterable, Iterator

from kube_embedded.machinery.image_reference import parse_reference
from kube_embedded.machinery.request import Object

from .resources import default_pod_resources
from .specs import every_container

# pkg/apis/core/v1/defaults.go: the fields that get a value if they are missing (those of pointers) or empty
SPEC = {
    "restartPolicy": "Always",
    "dnsPolicy": "ClusterFirst",
    "terminationGracePeriodSeconds": 30,
    "schedulerName": "default-scheduler",
}
CONTAINER = {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}
PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
HTTP_GET = {"path": "/", "scheme": "HTTP"}
FIELD_REF = {"apiVersion": "v1"}


def _fill(holder: Object | None, values: Object) -> None:
    """Give values to the empty fields of a struct, if there is one."""
    if holder is not None:
        holder.update({name: value for name, value in values.items() if not holder.get(name)})


def default_pod_spec(spec: Object) -> None:
    """Set the defaults of a pod template in its decoded PodSpec."""
    # serviceAccount is the field's old name: both are shown, and the new name wins.
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    else:
        spec.pop("serviceAccount", None)
    for name, value in SPEC.items():
        spec.setdefault(name, value)
    spec.setdefault("securityContext", {})
    for container, _ in every_container(spec):
        _default_container(container)
    for volume in spec.get("volumes") or ():
        _default_volume(volume)


def default_pod(spec: Object) -> None:
    """Set the defaults of a pod: the defaults of a template, and some that templates do not show."""
    default_pod_spec(spec)
    for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        limits = (container.get("resources") or {}).get("limits")
        if limits is not None:
            requests = container["resources"].setdefault("requests", {})
            for name, value in limits.items():
                requests.setdefault(name, value)
        if spec.get("hostNetwork"):
            for port in container.get("ports") or ():
                _fill(port, {"hostPort": port.get("containerPort", 0)})
    default_pod_resources(spec)
    if spec["terminationGracePeriodSeconds"] < 0:
        spec["terminationGracePeriodSeconds"] = 1
    spec.setdefault("enableServiceLinks", True)


def pull_policy(image: str) -> str:
    """The default pull policy of an image."""
    reference = parse_reference(image)
    return "Always" if reference is not None and reference.pulls_latest else "IfNotPresent"


def _default_container(container: Object) -> None:
    policy = container.get("imagePullPolicy") or pull_policy(container.get("image", ""))
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(probe) is not None:
            _default_probe(container[probe])
    for hook in ("postStart", "preStop"):
        handler = (container.get("lifecycle") or {}).get(hook) or {}
        _fill(handler.get("httpGet"), HTTP_GET)
    for variable in container.get("env") or ():
        _default_field_ref(variable.get("valueFrom") or {})
    _fill(container, {**CONTAINER, "imagePullPolicy": policy})


def _default_probe(probe: Object) -> None:
    _fill(probe.get("httpGet"), HTTP_GET)
    if probe.get("grpc") is not None:
        probe["grpc"]["service"] = probe["grpc"].get("service") or ""
    _fill(probe, PROBE)


def _default_volume(volume: Object) -> None:
    if all(name == "name" for name in volume):
        volume["emptyDir"] = {}
    for source in ("secret", "configMap", "downwardAPI", "projected"):
        if volume.get(source) is not None:
            volume[source].setdefault("defaultMode", 0o644)
    if volume.get("hostPath") is not None:
        volume["hostPath"].setdefault("type", "")
    for holder in (volume, *_projections({"volumes": [volume]})):
        for item in (holder.get("downwardAPI") or {}).get("items") or ():
            _default_field_ref(item)
        token = holder.get("serviceAccountToken")
        if token is not None and token.get("expirationSeconds") is None:
            token["expirationSeconds"] = 3600
    template = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
    if template is not None:
        template["spec"].setdefault("volumeMode", "Filesystem")
    image = volume.get("image")
    _fill(image, {"pullPolicy": pull_policy((image or {}).get("reference", ""))})


def _default_field_ref(holder: Object) -> None:
    _fill(holder.get("fieldRef"), FIELD_REF)


# pkg/api/pod/util.go: DropDisabledPodFields; pkg/features/kube_features.go has the gates that are off
def drop_disabled(spec: Object, before: Object) -> None:
    """Drop disabled fields of a PodSpec, in place, unless the old one (empty for a new pod) has them."""
    for field in ("clusterTrustBundle", "podCertificate"):
        _drop(field, _projections(spec), _projections(before))
    _drop("schedulingGroup", [spec], [before])
    if not any("stopSignal" in lifecycle for _, lifecycle in _lifecycles(before)):
        for container, lifecycle in _lifecycles(spec):
            # A lifecycle that holds nothing else goes as well; an empty one that was sent stays.
            if lifecycle.pop("stopSignal", None) is not None and not lifecycle:
                del container["lifecycle"]


def drop_disabled_status(status: Object, before: Object) -> None:
    """Drop disabled fields of a PodStatus, in place, unless the old one has them."""
    _drop("nodeAllocatableResourceClaimStatuses", [status], [before])
    _drop("volumeStatus", _mounts(status), _mounts(before))


def _drop(field: str, holders: Iterable[Object], before: Iterable[Object]) -> None:
    if not any(field in holder for holder in before):
        for holder in holders:
            holder.pop(field, None)


def _projections(spec: Object) -> Iterator[Object]:
    for volume in spec.get("volumes") or ():
        yield from (volume.get("projected") or {}).get("sources") or ()


def _lifecycles(spec: Object) -> Iterator[tuple[Object, Object]]:
    for container, _ in every_container(spec):
        yield container, container.get("lifecycle") or {}


def _mounts(status: Object) -> Iterator[Object]:
    for form in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for container in status.get(form) or ():
            yield from container.get("volumeMounts") or ()
