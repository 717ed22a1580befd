"""Validation of JobSpecs, of Jobs and of CronJobs' templates.

Source: k8s.io/kubernetes ``pkg/apis/batch/validation``.
"""

from __future__ import annotations

import re

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import qualified_name
from labkit.embedded.apiserver.registry.strategies.fields.paths import check_domain_path
from labkit.embedded.apiserver.registry.strategies.workloads.selection import check_template
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.request import Object

COUNTS = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
)
MAX_RULES = 20
MAX_VALUES = 255
MAX_MANAGER_BYTES = 63
ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
OPERATORS = ("In", "NotIn")
STATUSES = ("False", "True", "Unknown")
NEEDS_INDEXES = "requires indexed completion mode"


def default_policy(spec: Object) -> None:
    """Default the status of pod conditions in failure policies to ``True``."""
    for rule in (spec.get("podFailurePolicy") or {}).get("rules") or ():
        for pattern in rule.get("onPodConditions") or ():
            if not pattern.get("status"):
                pattern["status"] = "True"


def check_job_spec(spec: Object, path: str, errors: FieldErrors) -> None:
    """Check the spec of a job or of a cron job's template."""
    errors.check_counts(path, spec, *COUNTS)
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        errors.required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified")
    if spec.get("managedBy") is not None:
        check_domain_path(spec["managedBy"], f"{path}.managedBy", errors)
        errors.check_length(f"{path}.managedBy", spec["managedBy"], MAX_MANAGER_BYTES)
    mode = spec.get("completionMode")
    if mode not in (None, "NonIndexed", "Indexed"):
        errors.not_supported(f"{path}.completionMode", mode, ["NonIndexed", "Indexed"])
    elif mode != "Indexed":
        for name in ("backoffLimitPerIndex", "maxFailedIndexes"):
            if spec.get(name) is not None:
                errors.invalid(f"{path}.{name}", spec[name], NEEDS_INDEXES)
    if spec.get("podFailurePolicy") is not None:
        _check_failure_policy(spec, f"{path}.podFailurePolicy.rules", errors)
    if spec.get("successPolicy") is not None:
        _check_success_policy(spec, f"{path}.successPolicy", errors)
    replacement = spec.get("podReplacementPolicy")
    choices = (
        ("Failed",)
        if spec.get("podFailurePolicy") is not None
        else ("Failed", "TerminatingOrFailed")
    )
    errors.check_choice(f"{path}.podReplacementPolicy", replacement, choices)
    check_template(spec["template"], f"{path}.template", errors)
    policy = spec["template"]["spec"].get("restartPolicy")
    place = f"{path}.template.spec.restartPolicy"
    if policy in ("Always", ""):
        errors.required(place, 'valid values: "OnFailure", "Never"')
    elif policy not in ("OnFailure", "Never"):
        errors.not_supported(place, policy, ["OnFailure", "Never"])
    elif spec.get("podFailurePolicy") is not None and policy != "Never":
        errors.invalid(
            place, policy, 'only "Never" is supported when podFailurePolicy is specified'
        )


def _one_of(value: str, choices: tuple[str, ...], place: str, errors: FieldErrors) -> None:
    detail = "valid values: [" + " ".join(go_quote(choice) for choice in choices) + "]"
    errors.check_required_choice(place, value, choices, detail)


def _check_failure_policy(spec: Object, path: str, errors: FieldErrors) -> None:
    rules = spec["podFailurePolicy"].get("rules") or []
    errors.check_count(path, rules, MAX_RULES)
    for index, rule in enumerate(rules):
        place, action = f"{path}[{index}]", rule.get("action", "")
        _one_of(action, ACTIONS, f"{place}.action", errors)
        codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions") or []
        if codes is not None:
            _check_exit_codes(codes, f"{place}.onExitCodes", errors)
        errors.check_count(f"{place}.onPodConditions", conditions, MAX_RULES)
        for number, pattern in enumerate(conditions):
            where = f"{place}.onPodConditions[{number}]"
            errors.check_format(f"{where}.type", pattern.get("type", ""), qualified_name)
            _one_of(pattern.get("status", ""), STATUSES, f"{where}.status", errors)


def _check_exit_codes(codes: Object, path: str, errors: FieldErrors) -> None:
    _one_of(codes.get("operator", ""), OPERATORS, f"{path}.operator", errors)
    values: list[int] = codes.get("values") or []
    errors.check_count(f"{path}.values", values, MAX_VALUES)
    for index, value in enumerate(values):
        if codes.get("operator") == "In" and value == 0:
            errors.invalid(f"{path}.values[{index}]", value, "must not be 0 for the In operator")
        if value in values[:index]:
            errors.duplicate(f"{path}.values[{index}]", value)
    if values != sorted(values):
        errors.invalid(f"{path}.values", values, "must be ordered")


def _check_success_policy(spec: Object, path: str, errors: FieldErrors) -> None:
    rules = spec["successPolicy"].get("rules") or []
    if spec.get("completionMode") != "Indexed":
        names = {"succeededIndexes": "SucceededIndexes", "succeededCount": "SucceededCount"}
        shown = [{go: rule.get(name) for name, go in names.items()} for rule in rules]
        errors.invalid(path, {"Rules": shown or spec["successPolicy"].get("rules")}, NEEDS_INDEXES)
        return
    why = "at least one rules must be specified when the successPolicy is specified"
    errors.check_present(f"{path}.rules", rules, why)
    errors.check_count(f"{path}.rules", rules, MAX_RULES)
    completions = spec.get("completions") or 0
    for index, rule in enumerate(rules):
        place = f"{path}.rules[{index}]"
        count, indexes = rule.get("succeededCount"), rule.get("succeededIndexes")
        total = 0
        if indexes is not None:
            try:
                total = count_indexes(indexes, completions)
            except ValueError as problem:
                errors.invalid(
                    f"{place}.succeededIndexes",
                    indexes,
                    f"error parsing succeededIndexes: {problem}",
                )
        if count is not None:
            _check_success_count(
                count, completions, total if indexes is not None else None, place, errors
            )


def _check_success_count(
    count: int, completions: int, total: int | None, path: str, errors: FieldErrors
) -> None:
    place = f"{path}.succeededCount"
    errors.check_not_negative(place, count)
    if count > completions:
        what = "the number of specified completions"
        errors.invalid(place, count, f"must be less than or equal to {completions} ({what})")
    if total is not None and count > total:
        what = "the number of indexes in the specified succeededIndexes field"
        errors.invalid(place, count, f"must be less than or equal to {total} ({what})")


def count_indexes(text: str, completions: int) -> int:
    """Count the indexes of a text such as ``0,2-4``; a ValueError says what is wrong with it."""
    if not text:
        return 0
    total, last = 0, -1
    for part in text.split(","):
        limits = part.split("-")
        if len(limits) > 2:
            raise ValueError(
                f"the fragment {go_quote(part)} violates the requirement that an index interval can have at most "
                "two parts separated by '-'"
            )
        numbers = [_index(limit, completions) for limit in limits]
        first, end = numbers[0], numbers[-1]
        if len(numbers) == 2 and first >= end:
            raise ValueError(f"non-increasing order, previous: {first}, current: {end}")
        if last >= first:
            raise ValueError(f"non-increasing order, previous: {last}, current: {first}")
        total, last = total + end - first + 1, end
    return total


def _index(text: str, completions: int) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise ValueError(f"cannot convert string to integer for index: {go_quote(text)}")
    if int(text) >= completions:
        raise ValueError(f"too large index: {go_quote(text)}")
    return int(text)
