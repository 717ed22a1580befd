"""How addresses are written."""

from __future__ import annotations

import ipaddress


def address_warnings(value: str, path: str) -> list[str]:
    """An address of version 6 that is not written as it should be.

    Source: k8s.io/apimachinery ``pkg/util/validation/ip.go``.
    """
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return []
    if address.version == 6 and str(address) != value:
        return [f'{path}: IPv6 address "{value}" should be in RFC 5952 canonical format ("{address}")']
    return []
