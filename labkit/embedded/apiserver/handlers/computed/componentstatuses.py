"""The health of the control plane's parts: asked for when someone reads it, and never stored.

All that there is here is one process: when it answers, each part is well.

Source: k8s.io/kubernetes ``pkg/registry/core/componentstatus/rest.go``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.handlers.decode.listoptions import check_list_options, list_options
from labkit.embedded.apiserver.handlers.represent.negotiation import Form
from labkit.embedded.apiserver.handlers.represent.responses import Responder
from labkit.embedded.apiserver.handlers.verbs.read import selection
from labkit.embedded.machinery.kinds import BY_RESOURCE
from labkit.embedded.machinery.request import Object, Request, Response
from labkit.embedded.machinery.status import not_found

KIND = BY_RESOURCE["", "v1", "componentstatuses"]
COMPONENTS = ("scheduler", "controller-manager", "etcd-0")


def component_statuses(request: Request, verb: str, form: Form, responder: Responder) -> Response:
    """GET of one component's status or of all; revisions, limits and continue tokens mean nothing here.

    Args:
        request: Its name or selectors say which.
        verb: ``get`` or ``list``.
        form: What is asked for.
        responder: Makes the answer.

    Raises:
        ApiError: 404 for an unknown component, 400 for bad options.
    """
    if verb == "get":
        name = request.info.name
        if name not in COMPONENTS:
            raise not_found("componentstatus", "", name)
        return responder.object(request, form, 200, KIND, _status(name))
    options = list_options(request)
    check_list_options(options, watch=False)
    matches, _ = selection(KIND, options)
    statuses = [status for status in map(_status, COMPONENTS) if matches is None or matches(status)]
    return responder.list(request, form, KIND, {}, statuses)


def _status(name: str) -> Object:
    return {
        "kind": KIND.kind,
        "apiVersion": KIND.group_version,
        "metadata": {"name": name},
        "conditions": [{"type": "Healthy", "status": "True", "message": "ok"}],
    }
