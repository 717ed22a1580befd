"""The environment of a container: its own variables, and variables for the Services of its namespace.

Sources: k8s.io/kubernetes ``pkg/kubelet/envvars``, ``pkg/kubelet/kubelet_pods.go``.
"""

import re

from ...machinery.objects import name_of, namespace_of
from ...machinery.request import Object
from ..api import SERVICE_ADDRESS, ClusterApi
from .downward_api import source_value
from .problems import ConfigProblem
from .references import decode, resolve

# The limits of one argument or variable, and of all together: MAX_ARG_STRLEN and ARG_MAX of Linux, see execve(2).
MAX_TEXT = 128 << 10
MAX_TEXTS = 2 << 20


def service_variables(name: str, address: str, ports: list[Object]) -> dict[str, str]:
    """Return the variables of one Service, including the ones of Docker's links."""
    prefix = _variable(name)
    variables = {f"{prefix}_SERVICE_HOST": address}
    if ports:
        variables[f"{prefix}_SERVICE_PORT"] = str(ports[0]["port"])
    for port in ports:
        if port.get("name"):
            variables[f"{prefix}_SERVICE_PORT_{_variable(port['name'])}"] = str(port["port"])
    for port in ports:
        protocol = (port.get("protocol") or "TCP").lower()
        url = f"{protocol}://{address}:{port['port']}"
        variables.setdefault(f"{prefix}_PORT", url)
        base = f"{prefix}_PORT_{port['port']}_{protocol.upper()}"
        variables[base] = url
        variables[f"{base}_PROTO"] = protocol
        variables[f"{base}_PORT"] = str(port["port"])
        variables[f"{base}_ADDR"] = address
    return variables


def _variable(name: str) -> str:
    return name.upper().replace("-", "_")


def container_environment(api: ClusterApi, pod: Object, container: Object) -> dict[str, str]:
    """The variables of a container, without its image's; ``ConfigProblem`` if one refers to something missing."""
    namespace = namespace_of(pod)
    services: dict[str, str] = {}
    if pod["spec"].get("enableServiceLinks", True):
        for service in api.list("services", namespace):
            spec = service["spec"]
            addressed = spec.get("clusterIP") not in (None, "", "None")
            if addressed and name_of(service) != "kubernetes":
                ports = spec.get("ports") or []
                services |= service_variables(name_of(service), spec["clusterIP"], ports)
    # The API server's variables come in any case, whatever the links: client libraries look for them.
    master = api.get("services", "default", "kubernetes") or {"spec": {}}
    address = master["spec"].get("clusterIP") or SERVICE_ADDRESS
    ports = master["spec"].get("ports") or [{"name": "https", "port": 443, "protocol": "TCP"}]
    services |= service_variables("kubernetes", address, ports)
    own: dict[str, str] = {}
    known = dict(services)
    for source in container.get("envFrom") or ():
        own.update(_from(api, namespace, source))
    known.update(own)
    entries = container.get("env") or ()
    # In their order: a variable can refer only to earlier variables.
    for entry in entries:
        if entry.get("valueFrom"):
            value = _referenced(api, pod, container, entry["valueFrom"])
            if value is None:
                continue
        else:
            value = expand(entry.get("value") or "", known, len(entries))
        own[entry["name"]] = known[entry["name"]] = value
    return {**own, **{name: value for name, value in services.items() if name not in own}}


def expand(text: str, variables: dict[str, str], count: int) -> str:
    """Replace ``$(NAME)`` by its value, and ``$$`` by a dollar; unknown names stay.

    ``ConfigProblem`` if it becomes too long for one of ``count`` texts: a text can double with each name.
    """

    def one(match: re.Match[str]) -> str:
        return "$" if match[0] == "$$" else variables.get(match[1], match[0])

    expanded = re.sub(r"\$\$|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)", one, text)
    # ``count`` texts of the limit's share cannot exceed the limit together.
    if expanded != text and len(expanded) > min(MAX_TEXT, MAX_TEXTS // count):
        raise ConfigProblem("argument list too long")
    return expanded


def _from(api: ClusterApi, namespace: str, source: Object) -> dict[str, str]:
    """The variables of an entry of ``envFrom``."""
    reference = resolve(api, namespace, source, ConfigProblem, "Ref")
    if reference is None or reference.found is None:
        return {}
    prefix = source.get("prefix") or ""
    data = reference.found.get("data") or {}
    return {prefix + key: _text(reference.kind, value) for key, value in data.items()}


def _text(kind: str, value: str) -> str:
    return decode(kind, value).decode("utf-8", "replace")


def _referenced(api: ClusterApi, pod: Object, container: Object, source: Object) -> str | None:
    """The value of a ``valueFrom``, None for no variable."""
    namespace = namespace_of(pod)
    if source.get("fieldRef") or source.get("resourceFieldRef"):
        return source_value(api, pod, container, source) or ""
    reference = resolve(api, namespace, source, ConfigProblem, "KeyRef")
    if reference is None:
        return ""
    data = (reference.found or {}).get("data") or {}
    key = reference.spec.get("key") or ""
    if key in data:
        return _text(reference.kind, data[key])
    if reference.spec.get("optional"):
        return None
    what = reference.kind[0].upper() + reference.kind[1:]
    raise ConfigProblem(
        f"couldn't find key {key} in {what} {namespace}/{reference.spec.get('name') or ''}"
    )
