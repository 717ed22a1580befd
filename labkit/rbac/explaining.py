"""Explanations as plain data and as text, for the X-ray and the matrix."""

from typing import Any

from kube_embedded.rbac.subjects import ANONYMOUS
from labkit.core.language import shown, text

from .changes import smallest_changes
from .explain import Explanation
from .policy import Policy
from .words import question_text, rule_text

NEVER = text(
    "Never grant anything to {who}: whoever reaches the server would have it. "
    "Let the caller show a credential, and give the right to its user.",
    ANONYMOUS,
)
"""What is said in place of the change that would allow a stranger's request."""


def explanation_data(explanation: Explanation, policy: Policy) -> dict[str, Any]:
    """Convert an explanation to the data that the page draws: only strings and lists."""
    stranger = explanation.subject.user == ANONYMOUS
    changes = (
        []
        if explanation.allowed or stranger
        else smallest_changes(policy, explanation.subject, explanation.question)
    )
    return {
        "question": question_text(explanation.question, explanation.subject.label),
        "allowed": explanation.allowed,
        "reason": explanation.reason,
        "grants": [
            {
                "binding": grant.binding_title,
                "role": grant.role_title,
                "rule": rule_text(grant.rule),
                "subject": grant.subject_title,
            }
            for grant in explanation.grants
        ],
        "nearMisses": [
            {"what": text(miss.what), "why": miss.why} for miss in explanation.near_misses[:8]
        ],
        "changes": [
            {
                "title": change.title,
                "commands": list(change.commands),
                "alsoAllows": list(change.also_allows),
            }
            for change in changes
        ],
        "never": NEVER if stranger and not explanation.allowed else "",
    }


def explanation_text(data: dict[str, Any]) -> str:
    """Render it as text."""
    lines = [
        data["question"],
        ("allowed" if data["allowed"] else "forbidden")
        + (f": {data['reason']}" if data["reason"] else ""),
    ]
    lines += [
        _line(
            "  granted by {binding} → {role}: {rule}",
            grant["binding"],
            grant["role"],
            grant["rule"],
        )
        for grant in data["grants"]
    ]
    lines += [
        _line("  near miss ({what}): {why}", miss["what"], miss["why"])
        for miss in data["nearMisses"]
    ]
    for change in data["changes"][:1]:
        also = "; ".join(change["alsoAllows"])
        lines.append(_line("  to allow it: {change}", change["title"]))
        lines += [f"    {command}" for command in change["commands"]]
        lines.append(
            _line("    it would also allow: {what}.", also)
            if also
            else _line("    it would allow nothing else.")
        )
    if data["never"]:
        lines.append(f"  {shown(data['never'])}")
    return "\n".join(lines)


def _line(template: str, *values: object) -> str:
    return shown(text(template, *values))
