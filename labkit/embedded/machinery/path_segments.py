"""Names as segments of a path: what no object can be called, and what no client asks for.

Source: k8s.io/apimachinery ``pkg/api/validation/path``; k8s.io/client-go ``rest/request.go``.
"""

from __future__ import annotations

from labkit.embedded.machinery.golang.quote import go_quote


def path_segment_errors(name: str) -> list[str]:
    """Why a name can be no segment of a path, empty if it can."""
    if name in (".", ".."):
        return [f"may not be '{name}'"]
    return [f"may not contain '{part}'" for part in ("/", "%") if part in name]


def unaskable(name: str) -> str:
    """What a part of the server is told that asks for an object by such a name; empty if it may ask."""
    if not name:
        return "resource name may not be empty"
    errors = path_segment_errors(name)
    return f"invalid resource name {go_quote(name)}: [{' '.join(errors)}]" if errors else ""
