"""The strategy of FlowSchemas.

Source: k8s.io/kubernetes ``pkg/apis/flowcontrol/{v1/defaults,validation}``, ``pkg/registry/flowcontrol``.
"""

from __future__ import annotations

from typing_extensions import override

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import dns_label, dns_subdomain
from labkit.embedded.apiserver.registry.strategies.fields.struct_diff import internal
from labkit.embedded.apiserver.registry.strategies.flowcontrol.levels import check_conditions
from labkit.embedded.apiserver.registry.strategies.flowcontrol.mandatory import MANDATORY_SCHEMAS
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema import schemas

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch")
KINDS = {"ServiceAccount": "serviceAccount", "User": "user", "Group": "group"}
"""Kinds of subjects, and the field of each, in the order of the checks."""
MAX_PRECEDENCE, DEFAULT_PRECEDENCE = 10000, 1000


class FlowSchemaStrategy(Strategy):
    """Flow schemas."""

    @override
    def default(self, obj: Object) -> None:
        spec = obj["spec"]
        if not spec.get("matchingPrecedence"):
            spec["matchingPrecedence"] = DEFAULT_PRECEDENCE

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        spec, name = obj["spec"], obj["metadata"].get("name", "")
        precedence, place = spec["matchingPrecedence"], "spec.matchingPrecedence"
        if precedence <= 0:
            errors.invalid(place, precedence, "must be a positive value")
        if precedence > MAX_PRECEDENCE:
            errors.invalid(place, precedence, f"must not be greater than {MAX_PRECEDENCE}")
        if precedence == 1 and name != "exempt":
            errors.invalid(place, precedence, "only the schema named 'exempt' may have matchingPrecedence 1")
        method = spec.get("distinguisherMethod")
        if method is not None and method.get("type") not in ("ByNamespace", "ByUser"):
            shown = {"Type": method.get("type", "")}
            errors.not_supported("spec.distinguisherMethod.type", shown, ["ByNamespace", "ByUser"])
        level = (spec.get("priorityLevelConfiguration") or {}).get("name", "")
        place = "spec.priorityLevelConfiguration.name"
        errors.check_required(place, level, dns_subdomain, "must reference a priority level")
        for index, rule in enumerate(spec.get("rules") or ()):
            _check_rule(rule, f"spec.rules[{index}]", errors)
        fixed = MANDATORY_SCHEMAS.get(name)
        if fixed is not None and spec != fixed:
            shown = internal(schemas()["flowcontrol.v1.FlowSchemaSpec"], spec)
            errors.invalid("spec", shown, f"spec of '{name}' must equal the fixed value")
        check_conditions(obj["status"], errors)


def _check_rule(rule: Object, path: str, errors: FieldErrors) -> None:
    subjects = rule.get("subjects") or []
    errors.check_present(f"{path}.subjects", subjects, "subjects must contain at least one value")
    for index, subject in enumerate(subjects):
        _check_subject(subject, f"{path}.subjects[{index}]", errors)
    resources, others = rule.get("resourceRules") or [], rule.get("nonResourceRules") or []
    if not resources and not others:
        errors.required(path, "at least one of resourceRules and nonResourceRules has to be non-empty")
    for index, inner in enumerate(resources):
        _check_resources(inner, f"{path}.resourceRules[{index}]", errors)
    for index, inner in enumerate(others):
        place = f"{path}.nonResourceRules[{index}]"
        _check_verbs(inner, place, errors)
        urls = inner.get("nonResourceURLs") or []
        if not urls:
            errors.required(f"{place}.nonResourceURLs", "nonResourceURLs must contain at least one value")
        elif "*" in urls:
            _alone(urls, f"{place}.nonResourceURLs", "non-resource URLs", errors)
        else:
            for number, url in enumerate(urls):
                _check_url(url, f"{place}.nonResourceURLs[{number}]", errors)


def _check_url(url: str, path: str, errors: FieldErrors) -> None:
    if not url:
        errors.invalid(path, "", "must not be empty")
    elif url == "/":
        return
    elif not url.startswith("/"):
        errors.invalid(path, url, "must start with slash")
    elif " " in url:
        errors.invalid(path, url, "must not contain white-space")
    elif "//" in url:
        errors.invalid(path, url, "must not contain double slash")
    elif "*" in url[:-1] or (url.endswith("*") and not url.endswith("/*")):
        errors.invalid(path, url, "wildcard can only do suffix matching")


def _alone(values: list[str], path: str, others: str, errors: FieldErrors) -> None:
    if len(values) > 1:
        errors.invalid(path, values, f"if '*' is present, must not specify other {others}")


def _check_verbs(rule: Object, path: str, errors: FieldErrors) -> None:
    verbs = rule.get("verbs") or []
    if not verbs:
        errors.required(f"{path}.verbs", "verbs must contain at least one value")
    elif "*" in verbs:
        _alone(verbs, f"{path}.verbs", "verbs", errors)
    elif not set(verbs) <= set(VERBS):
        errors.not_supported(f"{path}.verbs", verbs, VERBS)


def _check_resources(rule: Object, path: str, errors: FieldErrors) -> None:
    _check_verbs(rule, path, errors)
    for name, noun in (("apiGroups", "api group"), ("resources", "resource")):
        values = rule.get(name) or []
        if not values:
            errors.required(f"{path}.{name}", f"resource rules must supply at least one {noun}")
        elif "*" in values:
            _alone(values, f"{path}.{name}", f"{noun}s", errors)
    spaces = rule.get("namespaces") or []
    if not spaces and not rule.get("clusterScope"):
        why = "resource rules that are not cluster scoped must supply at least one namespace"
        errors.required(f"{path}.namespaces", why)
    elif "*" in spaces:
        _alone(spaces, f"{path}.namespaces", "namespaces", errors)
    else:
        for index, name in enumerate(spaces):
            start = "each member of this list must be '*' or a DNS-1123 label"
            errors.invalid_each(f"{path}.namespaces[{index}]", name, (f"{start}; {why}" for why in dns_label(name)))


def _check_subject(subject: Object, path: str, errors: FieldErrors) -> None:
    kind = subject.get("kind", "")
    if kind not in KINDS:
        errors.not_supported(f"{path}.kind", kind, sorted(KINDS))
        return
    field = KINDS[kind]
    value, place = subject.get(field), f"{path}.{field}"
    if value is None:
        errors.required(place, f"{field} is required when subject kind is '{kind}'")
    else:
        name = value.get("name", "")
        if not name:
            errors.required(f"{place}.name")
        elif kind == "ServiceAccount" and name != "*":
            errors.check_format(f"{place}.name", name, dns_subdomain)
        if kind == "ServiceAccount":
            why = "must specify namespace for service account"
            errors.check_required(f"{place}.namespace", value.get("namespace", ""), dns_label, why)
    for other, field in KINDS.items():
        if other != kind and subject.get(field) is not None:
            errors.forbidden(f"{path}.{field}", f"{field} is forbidden when subject kind is not '{other}'")
