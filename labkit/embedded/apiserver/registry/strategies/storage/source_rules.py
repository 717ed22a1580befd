"""Building blocks of the rules for volume sources.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.machinery.request import Object

Rule = Callable[[Object, str, FieldErrors], None]
"""(a source, where it stands, what is wrong so far): adds what is wrong with it."""


def needs(*fields: str) -> Rule:
    """Make a rule that requires some fields."""

    def rule(source: Object, path: str, errors: FieldErrors) -> None:
        for field in fields:
            errors.check_present(f"{path}.{field}", source.get(field))

    return rule


def names_secret(*fields: str) -> Rule:
    """Make a rule that requires a secret reference, if there is one, to be complete."""

    def rule(source: Object, path: str, errors: FieldErrors) -> None:
        if source.get("secretRef") is not None:
            needs(*fields)(source["secretRef"], f"{path}.secretRef", errors)

    return rule


def both(*rules: Rule) -> Rule:
    """Combine several rules."""

    def rule(source: Object, path: str, errors: FieldErrors) -> None:
        for part in rules:
            part(source, path, errors)

    return rule


PLACES = {"gcePersistentDisk": "persistentDisk"}
"""Sources whose causes stand under another name than their own."""
SECOND_PLACES = {"cephfs": "cephFS", "downwardAPI": "downwarAPI"}
"""The same, of the cause that a volume has one source already."""


def check_sources(
    volume: Object, rules: Mapping[str, Rule], path: str, errors: FieldErrors, always: str = ""
) -> None:
    """Check that a volume, or the spec of one, has one valid source.

    ``rules`` stand in the order of the checks; the source ``always`` may stand beside another.
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
            errors.forbidden(
                f"{path}.{SECOND_PLACES.get(field, field)}",
                "may not specify more than 1 volume type",
            )
    errors.check_present(path, count, "must specify a volume type")
