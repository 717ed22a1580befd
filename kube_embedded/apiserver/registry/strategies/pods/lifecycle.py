"""Rules for probes, lifecycle hooks, and how containers restart."""

from functools import lru_cache
from typing import Any

from kube_embedded.machinery.request import Object

from ...errors import FieldErrors
from ...names import http_header
from ..fields.numbers import check_port
from ..fields.rules import (
    Rule,
    at_most,
    choice,
    each,
    every,
    fields,
    must,
    not_negative,
    one_of,
    present,
    required_choice,
    rule,
    zero,
)

PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def _headers(headers: Any, path: str, errors: FieldErrors) -> None:
    # The real server names the list, without the header's index.
    for header in headers or ():
        errors.check_format(path, header.get("name", ""), http_header)


# pkg/apis/core/validation/validation.go: validateHTTPGetAction, validateTCPSocketAction, validateGRPCAction
HTTP_GET = fields(
    path=present, port=check_port, scheme=zero("", choice("HTTP", "HTTPS")), httpHeaders=_headers
)
SOCKET = fields(port=zero(0, check_port))

# pkg/apis/core/validation/validation.go: validateProbe, validateLivenessProbe, validateReadinessProbe
SECONDS = fields(
    initialDelaySeconds=not_negative,
    timeoutSeconds=not_negative,
    periodSeconds=not_negative,
    successThreshold=not_negative,
    failureThreshold=not_negative,
    terminationGracePeriodSeconds=must(lambda period: period > 0, "must be greater than 0"),
)
SUCCEEDS_ONCE = fields(successThreshold=must(lambda times: times == 1, "must be 1"))
ENDS_NO_POD = fields(
    terminationGracePeriodSeconds=must(lambda _: False, "must not be set for readinessProbes")
)


@lru_cache(maxsize=16)
def hooks(grace: int | None) -> Rule:
    """Return the rule for the lifecycle hooks and probes of a container that has ``grace`` seconds to end."""
    detail = f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"

    def sleep(action: Any, path: str, errors: FieldErrors) -> None:
        seconds = action.get("seconds", 0)
        if grace is not None and not 0 <= seconds <= grace:
            errors.invalid(path, seconds, detail)

    handler = one_of(
        "must specify a handler type",
        "may not specify more than 1 handler type",
        exec=fields(command=present),
        httpGet=HTTP_GET,
        tcpSocket=SOCKET,
        grpc=SOCKET,
        sleep=sleep,
    )
    restarting = every(handler, SECONDS, SUCCEEDS_ONCE)
    return fields(
        lifecycle=fields(postStart=handler, preStop=handler),
        livenessProbe=restarting,
        readinessProbe=every(handler, SECONDS, ENDS_NO_POD),
        startupProbe=restarting,
    )


# pkg/apis/core/validation/validation.go: validateContainerRestartPolicy
POLICY = choice("Always", "Never", "OnFailure")
RESTART_RULES = every(
    at_most(20),
    each(
        fields(
            action=zero("", choice("Restart", "RestartAllContainers")),
            exitCodes=every(
                rule(FieldErrors.check_set, "must be specified"),
                fields(operator=zero("", choice("In", "NotIn")), values=at_most(255)),
            ),
        )
    ),
)


def check_restarts(
    container: Object, path: str, errors: FieldErrors, *, init: bool = False
) -> None:
    """Check the restart policy of a container, which can be an ``init`` container, and its rules."""
    policy = container.get("restartPolicy")
    rules = container.get("restartPolicyRules")
    if policy is None and rules:
        detail = "must specify restartPolicy when restart rules are used"
        errors.required(f"{path}.restartPolicy", detail)
        if init:
            return
    POLICY(policy, f"{path}.restartPolicy", errors)
    RESTART_RULES(rules, f"{path}.restartPolicyRules", errors)


# pkg/apis/core/validation/validation.go: validateResizePolicy
RESIZED = required_choice("cpu", "memory")
RESIZE_POLICY = required_choice("NotRequired", "RestartContainer")


def check_resize_policy(container: Object, restart: str, path: str, errors: FieldErrors) -> None:
    """Check the resize policy of a container of a pod with the restart policy ``restart``."""
    # All causes except a repeated resource name the list, not its item.
    field_path = f"{path}.resizePolicy"
    seen: set[str] = set()
    for index, item in enumerate(container.get("resizePolicy") or ()):
        resource = item.get("resourceName", "")
        policy = item.get("restartPolicy", "")
        errors.check_unique(f"{field_path}[{index}]", resource, seen)
        RESIZED(resource, field_path, errors)
        RESIZE_POLICY(policy, field_path, errors)
        if restart == "Never" and policy != "NotRequired":
            detail = "must be 'NotRequired' when pod `restartPolicy` is 'Never'"
            errors.invalid(field_path, policy, detail)
