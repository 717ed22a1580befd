"""Paths inside volumes and on nodes: where they may lead.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``validateLocalDescendingPath``).
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.errors import FieldErrors


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
