"""Which names can be segments of a URL path.

Source: k8s.io/apimachinery ``pkg/api/validation/path``; k8s.io/client-go ``rest/request.go``.
"""

from .golang.quote import go_quote


def path_segment_errors(name: str) -> list[str]:
    """Why a name cannot be a path segment, empty if it can."""
    # Clients resolve these two before they send a path: such an object could not be addressed.
    if name in (".", ".."):
        return [f"may not be '{name}'"]
    return [f"may not contain '{part}'" for part in ("/", "%") if part in name]


def unaskable(name: str) -> str:
    """The error of a component that requests an object by such a name; empty if the name is valid."""
    if not name:
        return "resource name may not be empty"
    errors = path_segment_errors(name)
    return f"invalid resource name {go_quote(name)}: [{' '.join(errors)}]" if errors else ""
