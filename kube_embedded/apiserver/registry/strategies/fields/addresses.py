"""IP addresses that are legal but discouraged, and those that are forbidden."""

import ipaddress

from ...errors import FieldErrors
from ...names import without_zeros


def address_warnings(value: str, path: str) -> list[str]:
    """Warn of an IPv6 address that is not in its canonical form (``pkg/util/validation/ip.go``)."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return []
    if address.version == 6 and str(address) != value:
        return [
            f'{path}: IPv6 address "{value}" should be in RFC 5952 canonical format ("{address}")'
        ]
    return []


# Nodes use link-local addresses for themselves, such as for a cloud's metadata service.
def check_not_special(address: str, path: str, errors: FieldErrors) -> None:
    """Refuse unspecified, loopback and link-local addresses (``ValidateNonSpecialIP``)."""
    parsed = ipaddress.ip_address(without_zeros(address))
    if parsed.is_unspecified:
        errors.invalid(path, address, f"may not be unspecified ({address})")
    if parsed.is_loopback:
        errors.invalid(path, address, "may not be in the loopback range (127.0.0.0/8, ::1/128)")
    if parsed.is_link_local:
        errors.invalid(
            path, address, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"
        )
    if parsed in ipaddress.ip_network("224.0.0.0/24" if parsed.version == 4 else "ff02::/16"):
        errors.invalid(
            path, address, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"
        )
