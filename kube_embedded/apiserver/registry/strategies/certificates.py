"""The strategy of CertificateSigningRequests: an immutable spec, conditions, one certificate.

Source: k8s.io/kubernetes ``pkg/apis/certificates/validation``, ``pkg/registry/certificates``.
"""

import copy
from collections.abc import Sequence

from typing_extensions import override

from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.kinds import Kind
from kube_embedded.machinery.request import Object

from ..errors import FieldErrors
from ..names import NameRule, dns_label, dns_subdomain
from ..strategy import Strategy, StrategyContext, common_update_errors, timestamp

APPROVAL = ("Approved", "Denied")
FINAL = (*APPROVAL, "Failed")
LEGACY_SIGNER = "kubernetes.io/legacy-unknown"
# 571 = 253 (domain) + 1 + 253 (path) + 1 + 63 (namespace): pkg/apis/certificates/validation.
MAX_SIGNER, MAX_DOMAIN = 571, 253


def conditions_of(obj: Object, kind: str) -> list[Object]:
    """The conditions of one type."""
    return [item for item in obj["status"].get("conditions") or () if item.get("type") == kind]


class SigningRequestStrategy(Strategy):
    """Certificate signing requests."""

    status = True

    name_rule: NameRule = staticmethod(lambda name, prefix: [])  # any name

    @override
    def prepare_update(self, context: StrategyContext, new: Object, old: Object) -> None:
        super().prepare_update(context, new, old)
        new["spec"] = copy.deepcopy(old["spec"])

    @override
    def prepare_status_update(self, context: StrategyContext, new: Object, old: Object) -> None:
        """Keep the approval conditions that are stored."""
        super().prepare_status_update(context, new, old)
        conditions = new["status"].get("conditions") or []
        for kind in APPROVAL:
            before = conditions_of(old, kind)
            indexes = [index for index, item in enumerate(conditions) if item.get("type") == kind]
            if len(before) == len(indexes):
                for index, stored in zip(indexes, before, strict=True):
                    conditions[index] = copy.deepcopy(stored)
        complete_times(context, new, old)

    @override
    def prepare_part_update(
        self, context: StrategyContext, part: str, new: Object, old: Object
    ) -> None:
        """Keep all but the conditions, which ``/approval`` writes."""
        super().prepare_status_update(context, new, old)
        complete_times(context, new, old)
        conditions = new["status"].get("conditions")
        new["status"] = copy.deepcopy(old["status"])
        new["status"].pop("conditions", None)
        if conditions:
            new["status"] = {"conditions": conditions, **new["status"]}

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        self._check(obj, None, errors)

    @override
    def validate_update(self, kind: Kind, new: Object, old: Object) -> FieldErrors:
        return self._update_errors(kind, new, old)

    @override
    def validate_status_update(self, kind: Kind, new: Object, old: Object) -> FieldErrors:
        return self._update_errors(kind, new, old, certificate=True)

    @override
    def validate_part_update(self, kind: Kind, part: str, new: Object, old: Object) -> FieldErrors:
        return self._update_errors(kind, new, old, approval=True)

    def _check(self, obj: Object, old: Object | None, errors: FieldErrors) -> None:
        # Imported here: it needs cryptography, which most servers never load.
        from kube_embedded.machinery.pki.signing_requests import (
            USAGES,
            check_certificates,
            check_request,
        )

        spec = obj["spec"]
        before = {} if old is None else old["spec"]
        request = spec.get("request") or ""
        problem = check_request(request) if old is None or request != before.get("request") else ""
        errors.check_problem("spec.request", spec.get("request"), problem)
        usages = spec.get("usages") or []
        errors.check_present("spec.usages", usages)
        for index, usage in enumerate(usages):
            errors.check_choice(f"spec.usages[{index}]", usage, USAGES)
        for index, usage in enumerate(usages):
            if usage in usages[:index]:
                errors.duplicate(f"spec.usages[{index}]", usage)
        signer = spec.get("signerName", "")
        # certificates/v1beta1 defaulted to it; objects that were stored with it stay valid.
        if signer == LEGACY_SIGNER and before.get("signerName") != LEGACY_SIGNER:
            errors.invalid(
                "spec.signerName",
                signer,
                "the legacy signerName is not allowed via this API version",
            )
        else:
            check_signer(signer, "spec.signerName", errors)
        seconds = spec.get("expirationSeconds")
        if seconds is not None and seconds < 600:
            detail = "may not specify a duration less than 600 seconds (10 minutes)"
            errors.invalid("spec.expirationSeconds", seconds, detail)
        check_conditions(obj["status"].get("conditions") or [], errors)
        certificate = obj["status"].get("certificate") or ""
        if old is None or certificate != (old["status"].get("certificate") or ""):
            errors.check_problem(
                "status.certificate", "<certificate data>", check_certificates(certificate)
            )

    def _update_errors(
        self,
        kind: Kind,
        new: Object,
        old: Object,
        *,
        certificate: bool = False,
        approval: bool = False,
    ) -> FieldErrors:
        errors = common_update_errors(kind, new, old)
        self._check(new, old, errors)
        for name in FINAL:
            if len(conditions_of(new, name)) < len(conditions_of(old, name)):
                errors.forbidden(
                    "status.conditions",
                    f"updates may not remove a condition of type {go_quote(name)}",
                )
        for name in () if approval else APPROVAL:
            if len(conditions_of(new, name)) > len(conditions_of(old, name)):
                errors.forbidden(
                    "status.conditions", f"updates may not add a condition of type {go_quote(name)}"
                )
        issued, before = (obj["status"].get("certificate") or "" for obj in (new, old))
        if issued != before and not certificate:
            errors.forbidden("status.certificate", "updates may not set certificate content")
        elif issued != before and before:
            errors.forbidden(
                "status.certificate", "updates may not modify existing certificate content"
            )
        return errors


def complete_times(context: StrategyContext, new: Object, old: Object) -> None:
    """Set the times that conditions lack."""
    now = timestamp(context.clock())
    for condition in new["status"].get("conditions") or ():
        if not condition.get("lastUpdateTime"):
            condition["lastUpdateTime"] = now
        if not condition.get("lastTransitionTime"):
            same = [
                known["lastTransitionTime"]
                for known in conditions_of(old, condition.get("type", ""))
                if known.get("status") == condition.get("status")
                and known.get("lastTransitionTime")
            ]
            condition["lastTransitionTime"] = same[0] if same else now


def check_conditions(conditions: Sequence[Object], errors: FieldErrors) -> None:
    """Check the conditions: known statuses, no type twice, one decision at most."""
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        path = f"status.conditions[{index}]"
        kind = condition.get("type", "")
        status = condition.get("status", "")
        errors.check_present(f"{path}.type", kind)
        allowed = ("True",) if kind in FINAL else ("False", "True", "Unknown")
        errors.check_required_choice(f"{path}.status", status, allowed)
        if kind in APPROVAL and seen & (set(APPROVAL) - {kind}):
            errors.invalid(
                "status.conditions", kind, "Approved and Denied conditions are mutually exclusive"
            )
        errors.check_unique(f"{path}.type", kind, seen)


def check_signer(name: str, path: str, errors: FieldErrors) -> None:
    """Check a signer's name, such as ``example.com/signer-name``."""
    if not name:
        errors.required(path)
        return
    parts = name.split("/")
    if len(parts) != 2:
        errors.invalid(
            path,
            name,
            "must be a fully qualified domain and path of the form 'example.com/signer-name'",
        )
        return
    domain, rest = parts
    errors.check_length(path, domain, MAX_DOMAIN)
    labels = domain.split(".")
    for value, pieces, rule in (
        (domain, labels, dns_label),
        (rest, rest.split("."), dns_subdomain),
    ):
        for piece in pieces:
            messages = [f"validating label {go_quote(piece)}: {message}" for message in rule(piece)]
            errors.invalid_each(path, value, messages)
            if messages:
                break
        if value is domain and len(labels) < 2:
            errors.invalid(
                path, domain, "should be a domain with at least two segments separated by dots"
            )
    errors.check_length(path, name, MAX_SIGNER)
