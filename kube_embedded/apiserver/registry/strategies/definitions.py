"""CustomResourceDefinitions.

Source: k8s.io/apiextensions-apiserver ``pkg/registry/customresourcedefinition``,
``pkg/apis/apiextensions/validation``. Errors name the fields of the internal version, which has the fields
that all versions share in ``spec.validation``, ``spec.subresources`` and ``spec.additionalPrinterColumns``.
"""

import copy
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import SplitResult, urlsplit

from typing_extensions import override

from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.kinds import Kind
from kube_embedded.machinery.request import Object
from kube_embedded.machinery.schema.decoding import MAX_PLAIN_DEPTH, TOO_DEEP
from kube_embedded.machinery.status import bad_request

from ..custom.internal_form import internal
from ..custom.kinds import holds
from ..custom.schema_rules import rule_warnings, unknown_formats
from ..custom.structural import Schema
from ..custom.version_rules import check_deprecation, check_parts
from ..errors import FieldErrors
from ..metadata import validate_metadata
from ..names import dns_1035_label, dns_subdomain, subdomain_name
from ..strategy import Strategy, StrategyContext, common_update_errors

FINALIZER = "customresourcecleanup.apiextensions.k8s.io"
# The real server protects *.k8s.io and *.kubernetes.io from definitions without a review.
APPROVED = "api-approved.kubernetes.io"
PROPOSAL = "see https://github.com/kubernetes/enhancements/pull/1111"
SHARED = {"schema": "validation"}
SHARED |= {name: name for name in ("subresources", "additionalPrinterColumns", "selectableFields")}
"""Fields of a version to those of the whole definition in the internal version."""
MAX_DEPTH = MAX_PLAIN_DEPTH - 20
CONVERSION_WARNING = (
    "spec.conversion.strategy: this server calls no conversion webhook: it converts as None does"
)


def condition(type_: str, status: str, reason: str, message: str) -> Object:
    """A condition of a definition, without its time."""
    return {"type": type_, "status": status, "reason": reason, "message": message}


PENDING = condition(
    "Terminating",
    "True",
    "InstanceDeletionPending",
    "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
)


def set_condition(definition: Object, new: Object, now: str) -> None:
    """Set a condition of a definition in place; its time changes with its status alone."""
    conditions = definition["status"]["conditions"] = list(
        definition["status"].get("conditions") or ()
    )
    for index, known in enumerate(conditions):
        if known.get("type") == new["type"]:
            time = known.get("lastTransitionTime")
            fresh = known.get("status") != new["status"] or not time
            conditions[index] = {**known, **new, "lastTransitionTime": now if fresh else time}
            return
    conditions.append({"lastTransitionTime": now, **new})


class DefinitionStrategy(Strategy):
    """The rules of CustomResourceDefinitions."""

    unconditional_update = False
    returns_deleted = True
    generation = True
    known_finalizers = False
    full_checks = 0

    @override
    def default(self, obj: Object) -> None:
        spec = obj["spec"]
        if _is_deep(spec, MAX_DEPTH):
            raise bad_request(TOO_DEEP)
        names = spec["names"]
        if not names.get("singular"):
            names["singular"] = names.get("kind", "").lower()
        if not names.get("listKind") and names.get("kind"):
            names["listKind"] = f"{names['kind']}List"
        if spec.get("conversion") is None:
            spec["conversion"] = {"strategy": "None"}
        service = ((spec["conversion"].get("webhook") or {}).get("clientConfig") or {}).get(
            "service"
        )
        if service is not None:
            service.setdefault("port", 443)
        if not obj["status"].get("storedVersions"):
            obj["status"]["storedVersions"] = _storage(spec)[:1] or None

    @override
    def prepare_create(self, context: StrategyContext, obj: Object) -> None:
        obj["metadata"]["generation"] = 1
        stored = _storage(obj["spec"])[:1] or None
        names = {"plural": "", "kind": ""}
        obj["status"] = {"conditions": None, "acceptedNames": names, "storedVersions": stored}

    @override
    def prepare_update(self, context: StrategyContext, new: Object, old: Object) -> None:
        new["status"] = {**old["status"]}
        self.count_generation(new, old)
        # Versions are only added: objects may still be stored in the old ones. Clients remove them after a
        # migration.
        stored = list(old["status"].get("storedVersions") or ())
        new["status"]["storedVersions"] = stored + [
            name for name in _storage(new["spec"])[:1] if name not in stored
        ]

    @override
    def validate(self, kind: Kind, obj: Object) -> FieldErrors:
        errors = FieldErrors()
        spec = obj["spec"]

        def named(name: str, prefix: bool) -> list[str]:
            expected = f"{spec['names'].get('plural', '')}.{spec.get('group', '')}"
            more = [] if name == expected else ['must be spec.names.plural+"."+spec.group']
            return subdomain_name(name, prefix) + more

        validate_metadata(obj["metadata"], False, named, errors)
        _check_spec(spec, errors)
        self._check_rest(obj, None, errors)
        return errors

    @override
    def validate_update(self, kind: Kind, new: Object, old: Object) -> FieldErrors:
        errors = common_update_errors(kind, new, old, known_finalizers=False)
        spec = new["spec"]
        before = old["spec"]
        _check_spec(spec, errors)
        fixed = ["group", "names.plural"]
        # A definition whose names are not accepted yet has no objects, so that its scope and kind can change.
        if holds(old, "Established"):
            fixed = ["scope", "names.kind", *fixed]
        for name in fixed:
            holder, _, field = name.rpartition(".")
            new_value, old_value = (
                (part[holder] if holder else part).get(field) for part in (spec, before)
            )
            errors.check_unchanged(f"spec.{name}", new_value, old_value)
        self._check_rest(new, old, errors)
        return errors

    @override
    def check_status(self, new: Object, old: Object, errors: FieldErrors) -> None:
        _check_names(new["status"].get("acceptedNames") or {}, "status.acceptedNames", errors)

    def _check_rest(self, new: Object, old: Object | None, errors: FieldErrors) -> None:
        self.check_status(new, {}, errors)
        _check_stored(
            new["status"].get("storedVersions") or [], new["spec"]["versions"] or [], errors
        )
        _check_approval(new, old, errors)
        # It was the default in v1beta1, and only definitions from that time can still have it.
        if new["spec"].get("preserveUnknownFields") and not (old or {"spec": {}})["spec"].get(
            "preserveUnknownFields"
        ):
            detail = "set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
            errors.invalid("spec.preserveUnknownFields", True, f"cannot set to true, {detail}")

    @override
    def begin_deletion(self, old: Object, now: str) -> Object | None:
        if old["metadata"].get("deletionTimestamp"):
            return None
        # The definition stays readable until its objects are gone; the condition gives the reason.
        marked = copy.deepcopy(dict(old))
        metadata = marked["metadata"]
        metadata["deletionTimestamp"] = now
        # The controller of definitions removes it when the last custom object is gone.
        if FINALIZER not in metadata.get("finalizers", ()):
            metadata["finalizers"] = [*metadata.get("finalizers", ()), FINALIZER]
        set_condition(marked, PENDING, now)
        return marked

    @override
    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        texts: list[str] = []
        schemas = _schemas(obj["spec"])
        before = [
            text
            for schema in _schemas((old or {"spec": {}})["spec"]).values()
            for text in unknown_formats(schema)
        ]
        for schema in schemas.values():
            texts += [text for text in unknown_formats(schema) if text not in before]
        for path, schema in schemas.items():
            texts += rule_warnings(schema, path)
        if obj["spec"]["conversion"].get("strategy") == "Webhook":
            texts.append(CONVERSION_WARNING)
        return texts


def _is_deep(value: Any, most: int) -> bool:
    """Return whether objects and lists are nested too deeply to be encoded again."""
    if not isinstance(value, dict | list):
        return False
    return not most or any(
        _is_deep(item, most - 1) for item in (value.values() if isinstance(value, dict) else value)
    )


def _storage(spec: Object) -> list[str]:
    """The versions that are marked as the one in which objects are stored."""
    return [
        version.get("name", "") for version in spec.get("versions") or () if version.get("storage")
    ]


def _shared(spec: Object) -> tuple[Object, list[Object]]:
    """The fields that all versions share, by their internal names, and the versions without these."""
    versions = list(spec.get("versions") or ())
    common: Object = {}
    for name, shared in SHARED.items():
        values = [version.get(name) for version in versions]
        if versions and all(value == values[0] for value in values):
            common[shared] = values[0]
            versions = [{**version, name: None} for version in versions]
    return common, versions


def _schemas(spec: Object) -> dict[str, Schema]:
    """The schemas by the path that errors give them."""
    common, versions = _shared(spec)
    places = [("spec.validation.openAPIV3Schema", common.get("validation"))]
    places += [
        (f"spec.versions[{index}].schema.openAPIV3Schema", version.get("schema"))
        for index, version in enumerate(versions)
    ]
    return {
        path: holder["openAPIV3Schema"]
        for path, holder in places
        if holder and holder.get("openAPIV3Schema")
    }


def _check_spec(spec: Object, errors: FieldErrors) -> None:
    group = spec.get("group", "")
    errors.check_present("spec.group", group)
    if group:
        problems = ",".join(dns_subdomain(group))
        if not problems and "." not in group:
            problems = "should be a domain with at least one dot"
        errors.check_problem("spec.group", group, problems)
    errors.check_required_choice("spec.scope", spec.get("scope"), ("Cluster", "Namespaced"))
    common, versions = _shared(spec)
    if (common.get("validation") or {}).get("openAPIV3Schema") is None:
        for index, version in enumerate(versions):
            if (version.get("schema") or {}).get("openAPIV3Schema") is None:
                errors.required(f"spec.versions[{index}].schema.openAPIV3Schema")
    names: list[str] = [version.get("name", "") for version in versions]
    for index, version in enumerate(versions):
        path = f"spec.versions[{index}]"
        _labels([(f"{path}.name", names[index])], errors)
        check_deprecation(version, f"{path}.deprecationWarning", errors)
        check_parts(version, path, "schema", errors)
    printed = internal(versions, "version") if spec.get("versions") is not None else None
    if len(set(names)) < len(names):
        errors.invalid("spec.versions", printed, "must contain unique version names")
    if len(_storage(spec)) != 1:
        errors.invalid(
            "spec.versions", printed, "must have exactly one version marked as storage version"
        )
    # The internal version repeats the name of the first version.
    _labels([("spec.version", name) for name in names[:1] if name], errors)
    for name in ("plural", "singular", "kind", "listKind"):
        errors.check_present(f"spec.names.{name}", spec["names"].get(name))
    _check_names(spec["names"], "spec.names", errors)
    check_parts(common, "spec", "validation", errors)
    _check_conversion(spec.get("conversion") or {}, errors)


def _labels(values: Iterable[tuple[str, str]], errors: FieldErrors) -> None:
    """Check texts, given with their paths, that must be labels; all problems of a text make one cause."""
    for path, text in values:
        errors.check_problem(path, text, ",".join(dns_1035_label(text)))


def _check_names(names: Object, path: str, errors: FieldErrors) -> None:
    _labels(
        ((f"{path}.{name}", names[name]) for name in ("plural", "singular") if names.get(name)),
        errors,
    )
    for name in ("kind", "listKind"):
        problems = ",".join(dns_1035_label(names.get(name, "").lower()))
        if names.get(name) and problems:
            detail = f"may have mixed case, but should otherwise match: {problems}"
            errors.invalid(f"{path}.{name}", names[name], detail)
    _labels(_items(names, path, "shortNames"), errors)
    if names.get("kind") and names.get("kind") == names.get("listKind"):
        errors.invalid(
            f"{path}.listKind", names["listKind"], "kind and listKind may not be the same"
        )
    _labels(_items(names, path, "categories"), errors)


def _items(names: Object, path: str, field: str) -> Iterator[tuple[str, str]]:
    for index, text in enumerate(names.get(field) or ()):
        yield f"{path}.{field}[{index}]", text


def _check_conversion(conversion: Object, errors: FieldErrors) -> None:
    path = "spec.conversion"
    strategy = conversion.get("strategy", "")
    webhook = conversion.get("webhook") or {}
    errors.check_required_choice(f"{path}.strategy", strategy, ("None", "Webhook"))
    config = webhook.get("clientConfig")
    versions = webhook.get("conversionReviewVersions")
    if strategy != "Webhook":
        detail = "should not be set when strategy is not set to Webhook"
        for name, value in (
            ("webhookClientConfig", config),
            ("conversionReviewVersions", versions),
        ):
            if value:
                errors.forbidden(f"{path}.{name}", detail)
        return
    required = "required when strategy is set to Webhook"
    errors.check_present(f"{path}.webhookClientConfig", config, required)
    # No webhook is called, so its service and the rest of its URL are not checked.
    scheme = (config or {}).get("url", "https://").partition("://")[0]
    if scheme != "https":
        detail = "'https' is the only allowed URL scheme; desired format: https://host[/path]"
        errors.invalid(f"{path}.webhookClientConfig.url", scheme, detail)
    errors.check_present(f"{path}.conversionReviewVersions", versions)
    if versions and not {"v1", "v1beta1"}.intersection(versions):
        detail = "must include at least one of v1, v1beta1"
        errors.invalid(f"{path}.conversionReviewVersions", versions, detail)


def _split(url: str) -> SplitResult | None:
    """The parts of a URL, None if it is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _check_stored(stored: list[str], versions: list[Object], errors: FieldErrors) -> None:
    path = "status.storedVersions"
    if not stored:
        errors.invalid(path, None, "must have at least one stored version")
        return
    names = [version.get("name", "") for version in versions]
    for version in versions:
        if version.get("storage") and version.get("name", "") not in stored:
            errors.invalid(path, stored, f"must have the storage version {version.get('name', '')}")
    for index, name in enumerate(stored):
        if name not in names:
            detail = (
                f"missing from spec.versions; {name} was previously a storage version, and must remain in "
                f"spec.versions until a storage migration ensures no data remains persisted in {name} and removes "
                f"{name} from status.storedVersions"
            )
            errors.invalid(f"{path}[{index}]", name, detail)


def approval(definition: Object) -> tuple[str, str]:
    """Return the state of a definition's approval as a Kubernetes API (empty if none is needed), and its reason."""
    group: str = definition["spec"].get("group", "")
    if not group.endswith((".k8s.io", ".kubernetes.io")) and group not in (
        "k8s.io",
        "kubernetes.io",
    ):
        return "", ""
    text: str = (definition["metadata"].get("annotations") or {}).get(APPROVED, "")
    parts = _split(text)
    must = f'protected groups must have approval annotation "{APPROVED}"'
    if not text:
        return "Missing", f"{must}, {PROPOSAL}"
    if text.startswith("unapproved"):
        return "Unapproved", f"not approved: {go_quote(text)}"
    if parts is not None and parts.scheme and parts.netloc:
        return "Approved", f"approved in {text}"
    return "Invalid", f'{must} with either a URL or a reason starting with "unapproved", {PROPOSAL}'


def _check_approval(new: Object, old: Object | None, errors: FieldErrors) -> None:
    state, detail = approval(new)
    if old is not None and approval(old)[0] == state:
        return
    path = f"metadata.annotations[{APPROVED}]"
    if state == "Invalid":
        errors.invalid(path, new["metadata"]["annotations"][APPROVED], detail)
    elif state == "Missing":
        errors.required(path, detail)
