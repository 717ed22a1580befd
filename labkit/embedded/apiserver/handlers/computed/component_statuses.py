"""ComponentStatuses: the health of the control plane's components, which here are one process.

When the process answers, every component is healthy.

Source: k8s.io/kubernetes ``pkg/registry/core/componentstatus/rest.go``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.handlers.decode.list_options import check_list_options, read_options
from labkit.embedded.apiserver.handlers.decode.selection import selection
from labkit.embedded.apiserver.handlers.represent.results import Many, One, Result
from labkit.embedded.machinery.kinds import BY_RESOURCE, Kind
from labkit.embedded.machinery.request import Object, Request
from labkit.embedded.machinery.status import not_found

KIND = BY_RESOURCE["", "v1", "componentstatuses"]
COMPONENTS = ("scheduler", "controller-manager", "etcd-0")


def component_statuses(request: Request, kind: Kind) -> Result:
    """Get one component's status or list all. Revisions, limits and continue tokens have no meaning here."""
    if request.info.verb == "get":
        name = request.info.name
        if name not in COMPONENTS:
            raise not_found("componentstatus", "", name)
        return One(kind, _status(name))
    options = read_options(request)
    check_list_options(options, watch=False)
    matches = selection(kind, options)
    statuses = [status for status in map(_status, COMPONENTS) if matches is None or matches(status)]
    return Many(kind, {}, statuses)


def _status(name: str) -> Object:
    return {
        "kind": KIND.kind,
        "apiVersion": KIND.group_version,
        "metadata": {"name": name},
        "conditions": [{"type": "Healthy", "status": "True", "message": "ok"}],
    }
