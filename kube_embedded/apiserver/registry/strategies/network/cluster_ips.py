"""Cluster IPs and IP families of services: validation, and the choice of families.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``ValidateServiceClusterIPsRelatedFields``,
``validateUpgradeDowngradeClusterIPs``), ``pkg/registry/core/service/storage/alloc.go``.
"""

import ipaddress

from kube_embedded.machinery.request import Object

from ...errors import FieldErrors
from ...names import address_messages

FAMILIES = ("IPv4", "IPv6")
FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
ONE_FAMILY = "IPv4"
"""The only family of addresses that the cluster hands out."""


def headless(spec: Object) -> bool:
    """Return whether a service has no cluster IP."""
    return spec.get("clusterIPs") == ["None"]


def check_cluster_addresses(spec: Object, errors: FieldErrors) -> None:
    """Check the cluster IPs and families of a service."""
    if spec["type"] == "ExternalName":
        return
    address = spec.get("clusterIP", "")
    addresses = spec.get("clusterIPs") or []
    families = spec.get("ipFamilies") or []
    if address and not addresses:
        errors.required("spec.clusterIPs")
    elif address and addresses[0] != address:
        errors.invalid("spec.clusterIPs", addresses, "first value must match `clusterIP`")
    elif addresses and not address:
        errors.invalid(
            "spec.clusterIPs", addresses, "must be empty when `clusterIP` is not specified"
        )
    for index, family in enumerate(families):
        errors.check_choice(f"spec.ipFamilies[{index}]", family, FAMILIES)
        if family in families[:index]:
            errors.duplicate(f"spec.ipFamilies[{index}]", family)
    errors.check_choice("spec.ipFamilyPolicy", spec.get("ipFamilyPolicy"), FAMILY_POLICIES)
    if _check_texts(addresses, errors):
        _check_families(addresses, families, errors)


def _check_texts(addresses: list[str], errors: FieldErrors) -> bool:
    """Return whether all are addresses, or the only one is ``None``."""
    before = len(errors)
    for index, address in enumerate(addresses):
        if index == 0 and address == "None":
            if len(addresses) > 1:
                errors.invalid(
                    "spec.clusterIPs", addresses, "'None' must be the first and only value"
                )
        else:
            errors.check_format(f"spec.clusterIPs[{index}]", address, address_messages)
    good = len(errors) == before
    if len(addresses) > 2:
        errors.invalid("spec.clusterIPs", addresses, "may only hold up to 2 values")
    return good


def _check_families(addresses: list[str], families: list[str], errors: FieldErrors) -> None:
    if addresses == ["None"]:
        return
    versions = [f"IPv{ipaddress.ip_address(address).version}" for address in addresses]
    if len(addresses) > 1 and len(set(versions)) == 1:
        errors.invalid(
            "spec.clusterIPs", addresses, "may specify no more than one IP for each IP family"
        )
    for index, (address, version, family) in enumerate(
        zip(addresses, versions, families, strict=False)
    ):
        if family in FAMILIES and version != family:
            detail = f"expected an {family} value as indicated by `ipFamilies[{index}]`"
            errors.invalid(f"spec.clusterIPs[{index}]", address, detail)


def check_address_changes(spec: Object, before: Object, errors: FieldErrors) -> None:
    """Check changes of cluster IPs and families."""
    # Such services have no addresses; they are allocated and released when the type changes.
    if "ExternalName" in (spec["type"], before["type"]):
        return
    new = spec.get("clusterIPs") or []
    old = before.get("clusterIPs") or []
    if not (headless(spec) and headless(before)):
        path = "spec.clusterIPs"
        if len(new) == len(old):
            for index, (address, stored) in enumerate(zip(new, old, strict=True)):
                if address != stored:
                    errors.invalid(f"{path}[{index}]", new, "may not change once set")
        elif not new:
            errors.invalid(f"{path}[0]", None, "primary clusterIP can not be unset")
        elif old and new[0] != old[0]:
            errors.invalid(f"{path}[0]", new, "may not change once set")
    if headless(spec) or headless(before):
        return
    families = spec.get("ipFamilies") or []
    had = before.get("ipFamilies") or []
    if len(families) == len(had):
        for family, stored in zip(families, had, strict=True):
            if family != stored:
                errors.invalid("spec.ipFamilies[0]", families, "may not change once set")
    elif families and had and families[0] != had[0]:
        errors.invalid("spec.ipFamilies[0]", new, "may not change once set")


def settle_families(spec: Object, old: Object | None, errors: FieldErrors) -> None:
    """Choose the families of a service, in place, and refuse those that the cluster lacks."""
    path = "spec.ipFamilyPolicy"
    addresses = spec.get("clusterIPs") or []
    families = list(spec.get("ipFamilies") or ())
    policy = spec.get("ipFamilyPolicy")
    # Whoever writes the endpoints of such a service chooses their families, whatever the cluster has.
    alone = headless(spec) and not spec.get("selector")
    if policy is None:
        stored = old.get("ipFamilyPolicy") if old is not None else None
        policy = spec["ipFamilyPolicy"] = stored or ("RequireDualStack" if alone else "SingleStack")
    if policy == "SingleStack":
        must = "must be 'RequireDualStack' or 'PreferDualStack' when multiple"
        if len(addresses) == 2:
            errors.invalid(path, policy, f"{must} cluster IPs are specified")
        if len(families) == 2:
            errors.invalid(path, policy, f"{must} IP families are specified")
    for index, address in enumerate(addresses if addresses != ["None"] else ()):
        family = f"IPv{ipaddress.ip_address(address).version}"
        if index >= len(families):
            if family != ONE_FAMILY:
                errors.invalid(
                    f"spec.clusterIPs[{index}]",
                    addresses,
                    f"{family} is not configured on this cluster",
                )
            else:
                families.append(family)
    if errors:
        return
    if alone:
        families = families or [ONE_FAMILY]
        if len(families) < 2 and policy != "SingleStack":
            families.append(FAMILIES[1 - FAMILIES.index(families[0])])
        spec["ipFamilies"] = families
        return
    if policy == "RequireDualStack":
        errors.invalid(path, policy, "this cluster is not configured for dual-stack services")
    for index, family in enumerate(families):
        if family != ONE_FAMILY:
            errors.invalid(f"spec.ipFamilies[{index}]", family, "not configured on this cluster")
    spec["ipFamilies"] = families or [ONE_FAMILY]
