"""Paths inside volumes and on nodes: where they may lead.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``validateLocalDescendingPath``).
"""

from __future__ import annotations

import re

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import dns_subdomain, regex_error

HTTP_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"


def has_backsteps(value: str) -> bool:
    """Whether a path leads upwards somewhere."""
    return ".." in value.split("/")


def check_no_backsteps(value: str, path: str, errors: FieldErrors) -> None:
    """A path that never leads upwards."""
    if has_backsteps(value):
        errors.invalid(path, value, "must not contain '..'")


def check_descending(value: str, path: str, errors: FieldErrors) -> None:
    """A relative path that never leads upwards."""
    if value.startswith("/"):
        errors.invalid(path, value, "must be a relative path")
    check_no_backsteps(value, path, errors)


def check_not_reserved(value: str, path: str, errors: FieldErrors) -> None:
    """The same, of a file that a volume gets: names that begin with ``..`` are the kubelet's."""
    check_descending(value, path, errors)
    if value.startswith("..") and not value.startswith("../"):
        errors.invalid(path, value, "must not start with '..'")


def check_domain_path(value: str, path: str, errors: FieldErrors) -> None:
    """A domain, a slash and a path, such as ``acme.io/foo``."""
    if not value:
        errors.required(path)
        return
    host, _, rest = value.partition("/")
    if not host or not rest:
        errors.invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')
        return
    errors.check_format(path, host, dns_subdomain)
    if not re.fullmatch(HTTP_PATH, rest):
        errors.invalid(path, rest, regex_error("Invalid path", HTTP_PATH))
