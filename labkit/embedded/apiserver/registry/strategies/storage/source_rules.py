"""Rules of where a volume comes from: what they are made of, and that there is one source.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.machinery.request import Object

Rule = Callable[[Object, str, FieldErrors], None]
"""(a source, where it stands, what is wrong so far): adds what is wrong with it."""


def needs(*fields: str) -> Rule:
    """A rule that some fields are given."""

    def rule(source: Object, path: str, errors: FieldErrors) -> None:
        for field in fields:
            errors.check_present(f"{path}.{field}", source.get(field))

    return rule


def names_secret(*fields: str) -> Rule:
    """A rule that a reference to a secret, if there is one, is complete."""

    def rule(source: Object, path: str, errors: FieldErrors) -> None:
        if source.get("secretRef") is not None:
            needs(*fields)(source["secretRef"], f"{path}.secretRef", errors)

    return rule


def both(*rules: Rule) -> Rule:
    """Several rules as one."""

    def rule(source: Object, path: str, errors: FieldErrors) -> None:
        for part in rules:
            part(source, path, errors)

    return rule


def ordinary(source: Object, path: str, errors: FieldErrors) -> None:
    """No rule at all."""


PLACES = {"gcePersistentDisk": "persistentDisk"}
"""Sources whose causes stand under another name than their own."""
SECOND_PLACES = {"cephfs": "cephFS", "downwardAPI": "downwarAPI"}
"""The same, of the cause that a volume has one source already."""


def check_sources(volume: Object, rules: Mapping[str, Rule], path: str, errors: FieldErrors, always: str = "") -> None:
    """That a volume has one source, and that this is good.

    Args:
        volume: The volume, or the spec of one.
        rules: The sources that there are, in the order in which they are looked at.
        path: Where the volume stands.
        errors: What is wrong so far.
        always: A source that may stand beside another.
    """
    count = 0
    for field, rule in rules.items():
        source = volume.get(field)
        if source is None:
            continue
        count += 1
        if count == 1 or field == always:
            rule(source, f"{path}.{PLACES.get(field, field)}", errors)
        else:
            errors.forbidden(f"{path}.{SECOND_PLACES.get(field, field)}", "may not specify more than 1 volume type")
    errors.check_present(path, count, "must specify a volume type")
