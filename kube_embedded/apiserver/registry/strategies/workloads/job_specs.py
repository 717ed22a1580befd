"""Rules for the JobSpecs of Jobs and of CronJobs' templates.

Source: k8s.io/kubernetes ``pkg/apis/batch/validation/validation.go``.
"""

import re
from typing import Any

from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.request import Object

from ...errors import FieldErrors
from ...names import qualified_name
from ..fields.paths import check_domain_path
from ..fields.rules import (
    Rule,
    at_most,
    choice,
    each,
    every,
    fields,
    matches,
    not_negative,
    optional,
    required_choice,
    rule,
    zero,
)
from ..fields.struct_diff import go_struct
from .selection import check_template

NEEDS_INDEXES = "requires indexed completion mode"


def default_policy(spec: Object) -> None:
    """Default the status of pod conditions in failure policies to ``True``."""
    for failure in (spec.get("podFailurePolicy") or {}).get("rules") or ():
        for pattern in failure.get("onPodConditions") or ():
            if not pattern.get("status"):
                pattern["status"] = "True"


def _listed_choice(*choices: str) -> Rule:
    listed = " ".join(go_quote(choice) for choice in choices)
    return required_choice(*choices, detail=f"valid values: [{listed}]")


def _check_order(codes: Any, path: str, errors: FieldErrors) -> None:
    values: list[int] = codes.get("values") or []
    for index, value in enumerate(values):
        field_path = f"{path}.values[{index}]"
        # A container that exits with 0 has not failed, so no rule about failures could match.
        if codes.get("operator") == "In" and value == 0:
            errors.invalid(field_path, value, "must not be 0 for the In operator")
        if value in values[:index]:
            errors.duplicate(field_path, value)
    if values != sorted(values):
        errors.invalid(f"{path}.values", values, "must be ordered")


# validatePodFailurePolicy
EXIT_CODES = every(
    fields(operator=_listed_choice("In", "NotIn"), values=at_most(255)), _check_order
)
POD_CONDITION = fields(
    type=zero("", matches(qualified_name)), status=_listed_choice("False", "True", "Unknown")
)
FAILURE_POLICY = fields(
    rules=every(
        at_most(20),
        each(
            fields(
                action=_listed_choice("Count", "FailIndex", "FailJob", "Ignore"),
                onExitCodes=optional(EXIT_CODES),
                onPodConditions=every(at_most(20), each(POD_CONDITION)),
            )
        ),
    )
)


# validateSuccessPolicy
def _check_success_policy(spec: Any, path: str, errors: FieldErrors) -> None:
    policy = spec.get("successPolicy")
    field_path = f"{path}.successPolicy"
    if policy is None:
        return
    if spec.get("completionMode") != "Indexed":
        errors.invalid(field_path, go_struct("batch.v1.SuccessPolicy", policy), NEEDS_INDEXES)
        return
    detail = "at least one rules must be specified when the successPolicy is specified"
    errors.check_present(f"{field_path}.rules", policy.get("rules"), detail)
    at_most(20)(policy.get("rules"), f"{field_path}.rules", errors)
    for index, success in enumerate(policy.get("rules") or ()):
        _check_success_rule(
            success, spec.get("completions") or 0, f"{field_path}.rules[{index}]", errors
        )


def _check_success_rule(success: Object, completions: int, path: str, errors: FieldErrors) -> None:
    count = success.get("succeededCount", 0)
    field_path = f"{path}.succeededCount"
    limits = [(completions, "specified completions")]
    indexes = success.get("succeededIndexes")
    if indexes is not None:
        total = 0
        try:
            total = count_indexes(indexes, completions)
        except ValueError as problem:
            detail = f"error parsing succeededIndexes: {problem}"
            errors.invalid(f"{path}.succeededIndexes", indexes, detail)
        limits.append((total, "indexes in the specified succeededIndexes field"))
    errors.check_not_negative(field_path, count)
    for limit, noun in limits:
        if count > limit:
            detail = f"must be less than or equal to {limit} (the number of {noun})"
            errors.invalid(field_path, count, detail)


# validateJobSpec
def _check_modes(spec: Any, path: str, errors: FieldErrors) -> None:
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        errors.required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified")
    MANAGER(spec, path, errors)
    if spec.get("completionMode") in (None, "NonIndexed"):
        for name in ("backoffLimitPerIndex", "maxFailedIndexes"):
            if spec.get(name) is not None:
                errors.invalid(f"{path}.{name}", spec[name], NEEDS_INDEXES)


def _check_pods(spec: Any, path: str, errors: FieldErrors) -> None:
    fails = spec.get("podFailurePolicy") is not None
    choices = ("Failed",) if fails else ("Failed", "TerminatingOrFailed")
    errors.check_choice(f"{path}.podReplacementPolicy", spec.get("podReplacementPolicy"), choices)
    check_template(spec["template"], f"{path}.template", errors)
    policy = spec["template"]["spec"].get("restartPolicy")
    field_path = f"{path}.template.spec.restartPolicy"
    if policy in ("Always", ""):
        errors.required(field_path, 'valid values: "OnFailure", "Never"')
    elif policy not in ("OnFailure", "Never"):
        errors.not_supported(field_path, policy, ["OnFailure", "Never"])
    elif fails and policy != "Never":
        detail = 'only "Never" is supported when podFailurePolicy is specified'
        errors.invalid(field_path, policy, detail)


MANAGER = fields(
    managedBy=optional(every(check_domain_path, rule(FieldErrors.check_length, 63))),
    completionMode=choice("NonIndexed", "Indexed"),
)
check_job_spec = every(
    fields(
        parallelism=not_negative,
        completions=not_negative,
        activeDeadlineSeconds=not_negative,
        backoffLimit=not_negative,
        ttlSecondsAfterFinished=not_negative,
        backoffLimitPerIndex=not_negative,
        maxFailedIndexes=not_negative,
    ),
    _check_modes,
    fields(podFailurePolicy=FAILURE_POLICY),
    _check_success_policy,
    _check_pods,
)


def count_indexes(text: str, completions: int) -> int:
    """Count the indexes of a text such as ``0,2-4``; raise a ValueError with the problem."""
    if not text:
        return 0
    total = 0
    last = -1
    for part in text.split(","):
        limits = part.split("-")
        if len(limits) > 2:
            raise ValueError(
                f"the fragment {go_quote(part)} violates the requirement that an index interval can have at most "
                "two parts separated by '-'"
            )
        numbers = [_index(limit, completions) for limit in limits]
        first = numbers[0]
        end = numbers[-1]
        if len(numbers) == 2 and first >= end:
            raise ValueError(f"non-increasing order, previous: {first}, current: {end}")
        if last >= first:
            raise ValueError(f"non-increasing order, previous: {last}, current: {first}")
        total += end - first + 1
        last = end
    return total


# Eighteen digits are enough for any index, and the limit makes int() fast for long texts.
def _index(text: str, completions: int) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise ValueError(f"cannot convert string to integer for index: {go_quote(text)}")
    if int(text) >= completions:
        raise ValueError(f"too large index: {go_quote(text)}")
    return int(text)
