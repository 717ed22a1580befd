"""Validation of file paths, and of paths with a domain.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``validateLocalDescendingPath``).
"""

import re

from ...errors import FieldErrors
from ...names import dns_subdomain, regex_error
from .rules import every, must

HTTP_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"


# The parameters of each are a path, its field in the object, and the errors; a missing path passes.
check_no_backsteps = must(lambda path: ".." not in path.split("/"), "must not contain '..'")
check_descending = every(
    must(lambda path: not path.startswith("/"), "must be a relative path"), check_no_backsteps
)
# The kubelet reserves names that begin with "..", such as the link through which it swaps all files at once.
check_not_reserved = every(
    check_descending,
    must(
        lambda path: not path.startswith("..") or path.startswith("../"), "must not start with '..'"
    ),
)


def check_domain_path(value: str, path: str, errors: FieldErrors) -> None:
    """Check a path with a domain, such as ``acme.io/foo``."""
    if not value:
        errors.required(path)
        return
    host, _, rest = value.partition("/")
    # Only the first slash separates: the path after the domain can have more.
    if not host or not rest:
        errors.invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')
        return
    errors.check_format(path, host, dns_subdomain)
    if not re.fullmatch(HTTP_PATH, rest):
        errors.invalid(path, rest, regex_error("Invalid path", HTTP_PATH))
