"""Resources and resource claims of containers and of pods as a whole: defaults and rules.

See https://kubernetes.io/docs/tasks/configure-pod-container/assign-pod-level-resources/.
"""

from collections.abc import Collection

from kube_embedded.machinery.pods.resources import pod_level, together
from kube_embedded.machinery.quota.amounts import Amount, read, read_one
from kube_embedded.machinery.quota.names import (
    HUGE_PAGES,
    extended,
    native,
    standard,
    standard_in_container,
)
from kube_embedded.machinery.request import Object

from ...errors import FieldErrors
from ...names import dns_label, dns_subdomain, qualified_name
from ..fields.numbers import check_amount
from ..fields.rules import fields, matches
from ..fields.struct_diff import go_struct

FORMS = ("requests", "limits")


# pkg/apis/core/v1/defaults.go: setDefaultResources, defaultPodRequests, defaultHugePagePodLimits
def default_pod_resources(spec: Object) -> None:
    """Set the defaults of a pod with resources of its own, in place."""
    resources = spec.get("resources") or {}
    limits = dict(resources.get("limits") or {})
    requests = dict(resources.get("requests") or {})
    if limits:
        resources["limits"] = dict(sorted(limits.items()))
        for name, amount in together(spec, "requests").items():
            if pod_level(name) and not name.startswith(HUGE_PAGES):
                requests.setdefault(name, str(amount))
        for name, value in limits.items():
            if pod_level(name):
                requests.setdefault(name, value)
        if requests:
            resources["requests"] = dict(sorted(requests.items()))


# pkg/apis/core/validation/validation.go: ValidateResourceRequirements
def check_resources(
    resources: Object,
    path: str,
    errors: FieldErrors,
    *,
    claims: Collection[str] = (),
    pod: bool = False,
) -> None:
    """Check requests and limits of a container, or of a ``pod``. ``claims`` are the names of the pod's claims."""
    limits = read(resources.get("limits"))
    requests = read(resources.get("requests"))
    for name, limit in limits.items():
        field_path = f"{path}.limits[{name}]"
        check_resource_name(name, field_path, errors, pod=pod)
        check_amount(name, limit, field_path, errors)
        _check_pages(name, limit, field_path, errors)
    for name, request in requests.items():
        field_path = f"{path}.requests[{name}]"
        check_resource_name(name, field_path, errors, pod=pod)
        check_amount(name, request, field_path, errors)
        # Extended resources and huge pages cannot be overcommitted.
        fixed = not native(name) or name.startswith(HUGE_PAGES)
        relation = "equal to" if fixed else "less than or equal to"
        if name not in limits:
            if fixed:
                detail = "Limit must be set for non overcommitable resources"
                errors.required(f"{path}.limits", detail)
        elif request.value > limits[name].value or (fixed and request.value != limits[name].value):
            detail = f"must be {relation} {name} limit of {limits[name]}"
            errors.invalid(f"{path}.requests", str(request), detail)
        _check_pages(name, request, field_path, errors)
    names = limits.keys() | requests.keys()
    if any(name.startswith(HUGE_PAGES) for name in names) and not names & {"cpu", "memory"}:
        errors.forbidden(path, "HugePages require cpu or memory")
    _check_used_claims(resources.get("claims") or [], claims, f"{path}.claims", errors)


def check_standard_name(name: str, path: str, errors: FieldErrors) -> bool:
    """Require a standard or a qualified resource name, and return whether it is one."""
    valid = errors.check_format(path, name, qualified_name)
    if valid and "/" not in name and not standard(name):
        errors.invalid(path, name, "must be a standard resource type or fully qualified")
        return False
    return valid


def check_resource_name(name: str, path: str, errors: FieldErrors, *, pod: bool = False) -> None:
    """Check the name of a resource of containers, or of pods as a whole."""
    known = check_standard_name(name, path, errors)
    if pod:
        if known and not pod_level(name):
            errors.not_supported(path, name, ["cpu", HUGE_PAGES, "memory"])
    elif "/" not in name:
        if not standard_in_container(name):
            errors.invalid(path, name, "must be a standard resource for containers")
    elif not native(name) and not extended(name):
        errors.invalid(path, name, "doesn't follow extended resource name standard")


def _check_pages(name: str, amount: Amount, path: str, errors: FieldErrors) -> None:
    if name.startswith(HUGE_PAGES):
        size = read_one(name.removeprefix(HUGE_PAGES)).value
        if not size or amount.value % size:
            detail = f"{amount} is not positive integer multiple of {name}"
            errors.invalid(path, str(amount), detail)


# pkg/apis/core/validation/validation.go: validatePodResourceClaims
CLAIM_SOURCES = ("resourceClaimName", "resourceClaimTemplateName")
CLAIM = fields(**dict.fromkeys(CLAIM_SOURCES, matches(dns_subdomain)))


def check_resource_claims(claims: list[Object], path: str, errors: FieldErrors) -> None:
    """Check the claims of a pod."""
    names: set[str] = set()
    for index, claim in enumerate(claims):
        field_path = f"{path}[{index}]"
        name = claim.get("name", "")
        if not name:
            errors.required(f"{field_path}.name")
        elif name in names:
            errors.duplicate(f"{field_path}.name", name)
        else:
            errors.check_format(f"{field_path}.name", name, dns_label)
            names.add(name)
        count = len(claim.keys() & set(CLAIM_SOURCES))
        if count != 1:
            detail = (
                "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
                if count
                else "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
            )
            errors.invalid(field_path, go_struct("core.v1.PodResourceClaim", claim), detail)
        CLAIM(claim, field_path, errors)


# pkg/apis/core/validation/validation.go: validateResourceClaimNames
def _check_used_claims(
    claims: list[Object], names: Collection[str], path: str, errors: FieldErrors
) -> None:
    """Check the claims that a container uses: references to ``names`` claims of the pod, or to requests of them."""
    used: set[str] = set()
    for index, claim in enumerate(claims):
        field_path = f"{path}[{index}]"
        name = claim.get("name", "")
        request = claim.get("request", "")
        if not name:
            errors.required(field_path)
            continue
        errors.check_if_given(f"{field_path}.request", request, dns_label)
        errors.check_unique(field_path, f"{name}/{request}" if request else name, used)
        if name not in names:
            errors.not_found(field_path, name)
            listed = f": {', '.join(sorted(names))}" if names else " which is empty"
            errors[-1]["message"] += (
                f": must be one of the names in pod.spec.resourceClaims{listed}"
            )
