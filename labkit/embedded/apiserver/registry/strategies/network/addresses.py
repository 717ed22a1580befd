"""The strategies of IPAddresses and ServiceCIDRs.

Source: k8s.io/kubernetes ``pkg/apis/networking/validation``, ``pkg/registry/networking``;
k8s.io/apimachinery ``pkg/util/validation/ip.go``.
"""

from __future__ import annotations

import ipaddress

from typing_extensions import override

from labkit.embedded.apiserver.registry import names
from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.request import Object


def address_name(name: str, prefix: bool) -> list[str]:
    """The rule for the names of IPAddresses: the address in its canonical form."""
    return names.address_messages(name) or _not_canonical(name, str(ipaddress.ip_address(name)))


def canonical_range(value: str) -> list[str]:
    """The problems of a CIDR, which must be in its canonical form."""
    return names.range_messages(value) or _not_canonical(value, str(ipaddress.ip_network(value)))


def _not_canonical(value: str, canonical: str) -> list[str]:
    return [] if canonical == value else [f'must be in canonical form ("{canonical}")']


class AddressStrategy(Strategy):
    """IPAddresses."""

    name_rule = staticmethod(address_name)

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        parent = obj["spec"].get("parentRef")
        if parent is None:
            errors.required("spec.parentRef")
            return
        errors.check_if_given("spec.parentRef.group", parent.get("group", ""), names.dns_subdomain)
        for field in ("resource", "name", "namespace"):
            check = errors.check_if_given if field == "namespace" else errors.check_required
            check(f"spec.parentRef.{field}", parent.get(field, ""), names.path_segment_name)


class RangeStrategy(Strategy):
    """ServiceCIDRs; writes of the object may change its status."""

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        ranges, path = obj["spec"].get("cidrs") or [], "spec.cidrs"
        if not ranges:
            errors.required(path, "at least one CIDR required")
        elif len(ranges) > 2:
            errors.invalid(path, {"CIDRs": ranges}, "may only hold up to 2 values")
        elif len(ranges) == 2 and {_version(each) for each in ranges} in ({4}, {6}):
            why = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
            errors.invalid(path, {"CIDRs": ranges}, why)
        else:
            errors.check_each(path, ranges, canonical_range)


def _version(text: str) -> int:
    try:
        return ipaddress.ip_interface(text).version
    except ValueError:
        return 0
