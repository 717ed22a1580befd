"""Webhook configurations, admission policies and their bindings. They are stored, but nothing is called or evaluated.

Source: k8s.io/kubernetes ``pkg/apis/admissionregistration/{v1/defaults,validation}``. Expressions are not compiled.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence

from typing_extensions import override

from labkit.embedded.apiserver.registry import names
from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.metadata import validate_selector
from labkit.embedded.apiserver.registry.strategies.fields.webhooks import (
    DEFAULT_PORT,
    REVIEWS,
    check_client,
    check_reviews,
)
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.request import Object

FAILURE, MATCH, REINVOCATION = ("Fail", "Ignore"), ("Equivalent", "Exact"), ("IfNeeded", "Never")
SIDE_EFFECTS, SCOPES = ("None", "NoneOnDryRun"), ("*", "Cluster", "Namespaced")
OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
ACTIONS, REASONS = ("Audit", "Deny", "Warn"), ("Forbidden", "Invalid", "RequestEntityTooLarge")
MATCH_DEFAULTS: Object = {
    "matchPolicy": "Equivalent",
    "namespaceSelector": {},
    "objectSelector": {},
}
HOOK_DEFAULTS: Object = {**MATCH_DEFAULTS, "failurePolicy": "Fail", "timeoutSeconds": 10}
MAX_CONDITIONS = 64
ONE_OF_BOTH = "validations or auditAnnotations must contain at least one item"
NOT_CALLED = "webhooks: this server calls no admission webhooks"
NOT_EVALUATED = "spec: this server evaluates no admission policies"


class ExtensionStrategy(Strategy):
    """What the kinds of this group share."""

    unconditional_update = False
    change_checks = 0
    known_finalizers = False
    generation = True


class WebhooksStrategy(ExtensionStrategy):
    """Configurations of validating webhooks."""

    reinvokes = False
    """Whether webhooks can be called again, after others have changed an object."""

    @override
    def default(self, obj: Object) -> None:
        for hook in obj.get("webhooks") or ():
            _fill(hook, HOOK_DEFAULTS)
            if self.reinvokes:
                _fill(hook, {"reinvocationPolicy": "Never"})
            _fill_rules(hook.get("rules"))
            service = (hook.get("clientConfig") or {}).get("service")
            if service is not None:
                _fill(service, {"port": DEFAULT_PORT})

    @override
    def count_generation(self, new: Object, old: Object) -> None:
        super().count_generation(
            {**new, "spec": new.get("webhooks")}, {**old, "spec": old.get("webhooks")}
        )

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        seen: set[str] = set()
        for index, hook in enumerate(obj.get("webhooks") or ()):
            path = f"webhooks[{index}]"
            _check_hook(hook, path, errors)
            detail = f"must specify one of {REVIEWS}"
            check_reviews(
                hook.get("admissionReviewVersions"),
                f"{path}.admissionReviewVersions",
                errors,
                detail,
            )
            if hook.get("name"):
                errors.check_unique(f"{path}.name", hook["name"], seen)

    @override
    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        return [NOT_CALLED] if obj.get("webhooks") else []


class MutatingWebhooksStrategy(WebhooksStrategy):
    """Configurations of mutating webhooks."""

    reinvokes = True


class NotEvaluated(ExtensionStrategy):
    """Admission policies or their bindings."""

    mutating = False
    """Whether they change objects."""

    @override
    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        return [NOT_EVALUATED]


class PolicyStrategy(NotEvaluated):
    """Admission policies."""

    @override
    def default(self, obj: Object) -> None:
        _fill(obj["spec"], {"failurePolicy": "Fail"})
        _fill_match(obj["spec"].get("matchConstraints"))

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        spec = obj["spec"]
        errors.check_choice("spec.failurePolicy", spec.get("failurePolicy"), FAILURE)
        if spec.get("matchConstraints") is None:
            errors.required("spec.matchConstraints")
        else:
            _check_match(spec["matchConstraints"], "spec.matchConstraints", errors)
            errors.check_present(
                "spec.matchConstraints.resourceRules", spec["matchConstraints"].get("resourceRules")
            )
        _check_conditions(spec.get("matchConditions") or (), "spec.matchConditions", errors)
        if self.mutating:
            errors.check_present(
                "spec.mutations", spec.get("mutations"), "mutations must contain at least one item"
            )
            errors.check_required_choice(
                "spec.reinvocationPolicy", spec.get("reinvocationPolicy"), REINVOCATION
            )
            return
        if not spec.get("validations") and not spec.get("auditAnnotations"):
            errors.required("spec.validations", ONE_OF_BOTH)
            errors.required("spec.auditAnnotations", ONE_OF_BOTH)
        for index, validation in enumerate(spec.get("validations") or ()):
            path, expression = f"spec.validations[{index}]", validation.get("expression", "")
            errors.check_present(
                f"{path}.expression", expression.strip(), "expression is not specified"
            )
            errors.check_choice(f"{path}.reason", validation.get("reason"), REASONS)


class ValidatingPolicyStrategy(PolicyStrategy):
    """Validating admission policies."""

    status = True


class MutatingPolicyStrategy(PolicyStrategy):
    """Mutating admission policies."""

    mutating = True


class BindingStrategy(NotEvaluated):
    """Bindings of validating admission policies."""

    @override
    def default(self, obj: Object) -> None:
        _fill_match(obj["spec"].get("matchResources"))

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        spec = obj["spec"]
        errors.check_required("spec.policyName", spec.get("policyName"), names.dns_subdomain)
        if spec.get("paramRef") is not None:
            _check_param(spec["paramRef"], "spec.paramRef", errors)
        if spec.get("matchResources") is not None:
            _check_match(spec["matchResources"], "spec.matchResources", errors)
        if self.mutating:
            return
        path, actions, seen = (
            "spec.validationActions",
            spec.get("validationActions") or [],
            set[str](),
        )
        for index, action in enumerate(actions):
            errors.check_choice(f"{path}[{index}]", action, ACTIONS)
            errors.check_unique(f"{path}[{index}]", action, seen)
        if {"Deny", "Warn"} <= seen:
            why = "repeating the same validation failure information in the API response and headers serves no purpose"
            errors.invalid(path, actions, f"must not contain both Deny and Warn ({why})")
        errors.check_present(path, actions, "at least one validation action is required")


class MutatingBindingStrategy(BindingStrategy):
    """Bindings of mutating admission policies."""

    mutating = True


def _fill(holder: Object, defaults: Object) -> None:
    for name, value in defaults.items():
        if holder.get(name) is None:
            holder[name] = copy.deepcopy(value)


def _fill_rules(rules: Iterable[Object] | None) -> None:
    for rule in rules or ():
        _fill(rule, {"scope": "*"})


def _fill_match(match: Object | None) -> None:
    if match is not None:
        _fill(match, MATCH_DEFAULTS)
        _fill_rules(match.get("resourceRules"))
        _fill_rules(match.get("excludeResourceRules"))


def _check_hook(hook: Object, path: str, errors: FieldErrors) -> None:
    name = hook.get("name", "")
    errors.check_present(f"{path}.name", name)
    if name:
        errors.check_problem(f"{path}.name", name, ",".join(names.dns_subdomain(name)))
        if name.count(".") < 2:
            errors.invalid(
                f"{path}.name",
                name,
                "should be a domain with at least three segments separated by dots",
            )
    for index, rule in enumerate(hook.get("rules") or ()):
        _check_rule(rule, f"{path}.rules[{index}]", errors)
    errors.check_choice(f"{path}.failurePolicy", hook.get("failurePolicy"), FAILURE)
    errors.check_choice(f"{path}.matchPolicy", hook.get("matchPolicy"), MATCH)
    if hook.get("sideEffects") is None:
        errors.required(f"{path}.sideEffects", f"must specify one of {', '.join(SIDE_EFFECTS)}")
    errors.check_choice(f"{path}.sideEffects", hook.get("sideEffects"), SIDE_EFFECTS)
    seconds = hook.get("timeoutSeconds")
    if seconds is not None and not 1 <= seconds <= 30:
        errors.invalid(
            f"{path}.timeoutSeconds", seconds, "the timeout value must be between 1 and 30 seconds"
        )
    for field in ("namespaceSelector", "objectSelector"):
        validate_selector(hook.get(field), f"{path}.{field}", errors)
    errors.check_choice(f"{path}.reinvocationPolicy", hook.get("reinvocationPolicy"), REINVOCATION)
    check_client(hook["clientConfig"], f"{path}.clientConfig", errors)
    _check_conditions(hook.get("matchConditions") or (), f"{path}.matchConditions", errors)


def _check_rule(rule: Object, path: str, errors: FieldErrors) -> None:
    for field, others in (
        ("operations", "operations"),
        ("apiGroups", "API groups"),
        ("apiVersions", "API versions"),
    ):
        values = rule.get(field) or []
        errors.check_present(f"{path}.{field}", values)
        if len(values) > 1 and "*" in values:
            errors.invalid(
                f"{path}.{field}", values, f"if '*' is present, must not specify other {others}"
            )
        for index, value in enumerate(values):
            if field == "operations":
                errors.check_choice(f"{path}.{field}[{index}]", value, OPERATIONS)
            elif field == "apiVersions":
                errors.check_present(f"{path}.{field}[{index}]", value)
    errors.check_present(f"{path}.resources", rule.get("resources"))
    for index, text in enumerate(rule.get("resources") or ()):
        errors.check_present(f"{path}.resources[{index}]", text)
    errors.check_choice(f"{path}.scope", rule.get("scope"), SCOPES)


def _check_match(match: Object, path: str, errors: FieldErrors) -> None:
    errors.check_choice(f"{path}.matchPolicy", match.get("matchPolicy"), MATCH)
    for field in ("namespaceSelector", "objectSelector"):
        validate_selector(match.get(field), f"{path}.{field}", errors)
    for field in ("resourceRules", "excludeResourceRules"):
        for index, rule in enumerate(match.get(field) or ()):
            place, seen = f"{path}.{field}[{index}]", set[str]()
            for at, name in enumerate(rule.get("resourceNames") or ()):
                errors.check_format(f"{place}.resourceNames[{at}]", name, names.path_segment_name)
                errors.check_unique(f"{place}.resourceNames[{at}]", name, seen)
            _check_rule(rule, place, errors)


def _check_conditions(conditions: Sequence[Object], path: str, errors: FieldErrors) -> None:
    errors.check_count(path, conditions, MAX_CONDITIONS)
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        place, name = f"{path}[{index}]", condition.get("name", "")
        errors.check_present(f"{place}.expression", condition.get("expression", "").strip())
        errors.check_required(f"{place}.name", name, names.qualified_name)
        if name:
            errors.check_unique(f"{place}.name", name, seen)


def _check_param(param: Object, path: str, errors: FieldErrors) -> None:
    name, selector = param.get("name"), param.get("selector")
    both = "name and selector are mutually exclusive"
    errors.check_if_given(f"{path}.name", name, names.path_segment_name)
    if name and selector is not None:
        errors.forbidden(f"{path}.name", both)
    validate_selector(selector, f"{path}.selector", errors)
    if name and selector is not None:
        errors.forbidden(f"{path}.selector", both)
    if not name and selector is None:
        errors.required(path, "one of name or selector must be specified")
    action = param.get("parameterNotFoundAction")
    errors.check_required_choice(f"{path}.parameterNotFoundAction", action, ("Deny", "Allow"))
