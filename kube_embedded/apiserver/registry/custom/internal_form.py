"""Parts of a definition as Go prints its internal version, where every field has its name in Go.

Source: k8s.io/apiextensions-apiserver ``pkg/apis/apiextensions/{types,types_jsonschema}.go``.
"""

from typing import Any

from kube_embedded.files import read_json

FORMS: dict[str, Any] = read_json(__file__, "internal_form.json")
"""Each type: a field in Go to its name in JSON and its zero value; and ``inner``, the types of fields."""
INNER: dict[str, str] = FORMS["inner"]


def internal(value: Any, type_: str = "schema") -> Any:
    """A value of a type, or a list of such."""
    if isinstance(value, list):
        return [internal(item, type_) for item in value]
    return {
        name: _field(plain, value.get(plain), zero) for name, (plain, zero) in FORMS[type_].items()
    }


def _field(name: str, value: Any, zero: Any) -> Any:
    if value is None:
        return zero
    if name == "properties":
        return {key: internal(value[key]) for key in sorted(value)}
    # A struct of a flag and a schema in Go, either of which JSON can hold.
    if name == "additionalProperties":
        return {
            "Allows": value is not False,
            "Schema": internal(value) if isinstance(value, dict) else None,
        }
    form = internal(value, INNER[name]) if name in INNER else value
    return {"Schema": form, "JSONSchemas": None} if name == "items" else form
