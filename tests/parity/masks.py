"""Replace values that vary from run to run, as listed in the recordings' README.

The same function runs over both sides. A recording hardly changes, because it was masked when it
was made.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any

UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
TIME = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
JWT = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+")
CLUSTER_IP = re.compile(r"\b10\.(?:9[6-9]|10\d|11[01])\.\d{1,3}\.\d{1,3}\b")
AGE = re.compile(r"(?:\d+y)?(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?")
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*-----END CERTIFICATE-----\n?", re.DOTALL)
ERRORS = re.compile(r"RBAC: \[([^\]]*)\]")

TEXT_MASKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (UUID, "<uid>"),
    (TIME, "<time>"),
    (CERTIFICATE, "<ca.crt>"),
    (re.compile(r"\bkube-api-access-[a-z0-9]{5}\b"), "kube-api-access-<rand>"),
    (re.compile(r"X509SHA256=[0-9a-f]{64}"), "X509SHA256=<hash>"),
    (
        re.compile(r"https?://(?:127\.0\.0\.1|localhost|\[::1\]|<server>)(?::\d+)?(?=/openid)"),
        "https://<server>",
    ),
    (re.compile(r"(Too large resource version: \d+, current: )\d+"), r"\g<1><rv>"),
)
"""Masks that apply inside any string."""

YAML_MASKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r'(resourceVersion: )"\d+"'), r'\1"<rv>"'),
)
"""Masks for bodies that were recorded as text."""

WHOLE_FIELDS = {
    "gitCommit": "<commit>",
    "goVersion": "<go>",
    "platform": "<platform>",
    "serverAddress": "<server>",
    "continue": "<continue>",
}
"""Fields masked whole wherever they hold text."""


def mask_text(text: str, names: Mapping[str, str] | None = None) -> str:
    """One string with everything in it masked that varies.

    Args:
        text: Any string of an answer.
        names: Further literal strings to replace, such as the server's address.
    """
    for literal, mask in (names or {}).items():
        text = text.replace(literal, mask)
    for pattern, mask in TEXT_MASKS:
        text = pattern.sub(mask, text)
    text = CLUSTER_IP.sub(
        lambda match: match[0] if match[0] == "10.96.0.1" else "<clusterip>", text
    )
    # The real server collects the errors of missing roles in no fixed order.
    return ERRORS.sub(lambda match: f"RBAC: [{', '.join(sorted(match[1].split(', ')))}]", text)


def mask(body: Any, names: Mapping[str, str] | None = None) -> Any:
    """A decoded body with all masks applied.

    Args:
        body: Decoded JSON, or text.
        names: Further literal strings to replace.
    """
    if isinstance(body, str):
        text = mask_text(body, names)
        for pattern, replacement in YAML_MASKS:
            text = pattern.sub(replacement, text)
        return text
    return _value("", body, names or {})


def _value(key: str, value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _value(name, item, names) for name, item in _tidied(value).items()}
    if isinstance(value, list):
        items = _in_one_second(value) if key == "managedFields" else value
        return [_element(key, item, names) for item in items]
    if isinstance(value, str):
        return _string(key, value, names)
    return value


def _element(key: str, item: Any, names: Mapping[str, str]) -> Any:
    if key == "managedFields" and isinstance(item, dict):
        kept = ("manager", "operation", "apiVersion", "subresource")
        return {name: item[name] for name in kept if name in item}
    if key == "columnDefinitions" and isinstance(item, dict):
        return {**item, "description": "<text>"}
    if key == "cells" and isinstance(item, str) and item and AGE.fullmatch(item):
        return "<age>"
    return _value(key, item, names)


def _in_one_second(entries: list[Any]) -> list[Any]:
    """Return the managers in the order they have when all write within one second, as in the recording.

    They are in the order of their last writes, and who has changed nothing yet has no time and comes first.
    """
    if not any(isinstance(entry, dict) and "time" in entry for entry in entries):
        return entries
    fields = ("manager", "apiVersion", "subresource")
    return sorted(
        entries,
        key=lambda entry: (
            entry["operation"],
            "time" in entry,
            *(entry.get(name, "") for name in fields),
        ),
    )


def _string(key: str, text: str, names: Mapping[str, str]) -> Any:
    if key == "resourceVersion" and text not in ("", "0"):
        return "<rv>"
    if key in WHOLE_FIELDS and text:
        return WHOLE_FIELDS[key]
    if JWT.fullmatch(text):
        return decode_jwt(text)
    return mask_text(text, names)


def _tidied(document: dict[str, Any]) -> dict[str, Any]:
    """Sort the lists of a SelfSubjectRulesReview that have no fixed order."""
    unordered = [
        name
        for name in ("resourceRules", "nonResourceRules")
        if isinstance(document.get(name), list)
    ]
    if not unordered:
        return document
    return {**document, **{name: sorted(document[name], key=_rule_order) for name in unordered}}


def _rule_order(rule: Any) -> str:
    if not isinstance(rule, dict):
        return str(rule)
    fields = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
    return json.dumps({name: rule[name] for name in fields if name in rule})


def decode_jwt(token: str) -> Any:
    """A token's header and claims, with times relative to its ``iat``."""
    try:
        header, claims = (json.loads(_base64url(part)) for part in token.split(".")[:2])
    except (ValueError, binascii.Error):
        return token
    issued = claims.get("iat")
    return {"<jwt>": {"header": _header(header), "claims": _claims(claims, issued)}}


def _header(header: dict[str, Any]) -> dict[str, Any]:
    return {name: "<kid>" if name == "kid" else value for name, value in header.items()}


def _claims(claims: dict[str, Any], issued: int | None) -> dict[str, Any]:
    masked: dict[str, Any] = {}
    for name, value in claims.items():
        if name in ("exp", "iat", "nbf", "warnafter") and issued is not None:
            masked[name] = f"<iat+{value - issued}>"
        elif isinstance(value, dict):
            masked[name] = _claims(value, issued)
        else:
            masked[name] = _value(name, value, {})
    return masked


def _base64url(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
