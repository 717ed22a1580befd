"""Structs of the schema as OpenAPI components."""

from collections.abc import Iterable, Iterator

from kube_embedded.files import read_json

from ...machinery.kinds import CustomKind
from ...machinery.request import Object
from ...machinery.schema.tables import Field, Struct, Type, schemas
from .descriptions import OWN, describe

PREFIX = "#/components/schemas/"
META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_TYPES = read_json(__file__, "types.json")
SCALARS: dict[str, Object] = _TYPES["scalars"]
ZEROS: Object = {"string": "", "int32": 0, "int64": 0, "bool": False}
"""Go's zero value of a required field, by its type."""

SPECIAL: dict[str, tuple[str, Object]] = _TYPES["special"]
"""Types that are text or anything in JSON: the component's name, and the component."""

ELEMENTS: dict[str, list[str]] = _TYPES["elements"]
"""Field of a struct to the values that its elements may have."""

DISCOVERY: dict[str, Object] = {META + name: schema for name, schema in _TYPES["discovery"].items()}
"""Components of discovery, which no object refers to."""

SECURITY: Object = _TYPES["security"]
PATCH: Object = {
    "type": "object",
    "description": "What to change, in the form that the content type names.",
}


def component_name(struct_name: str) -> str:
    """A struct's name in OpenAPI."""
    if struct_name.startswith("meta.v1."):
        return META + struct_name.removeprefix("meta.v1.")
    if struct_name.startswith(("apiextensions-apiserver.", "kube-aggregator.")):
        return f"io.k8s.{struct_name}"
    return f"io.k8s.api.{struct_name}"


def model_name(kind: CustomKind, name: str) -> str:
    """The name of a custom kind's component: the group's parts backwards, the version and the Kind."""
    return ".".join([*reversed(kind.group.split(".")), kind.version, name])


def reference(name: str) -> Object:
    """A reference to a component."""
    return {"$ref": PREFIX + name}


def components(roots: Iterable[str]) -> dict[str, Object]:
    """All components that some structs (named as in the schema's tables) need, by name, sorted."""
    schemas_by_name: dict[str, Object] = {f"{META}Patch": PATCH}
    # Structs refer to each other in circles (JSONSchemaProps), hence a list instead of recursion.
    todo = [name for name in roots if name in schemas()]
    seen = set(todo)
    while todo:
        struct = schemas()[todo.pop()]
        schemas_by_name[component_name(struct.name)] = component(struct)
        for type_ in needed(struct):
            if type_.form in SPECIAL:
                name, special = SPECIAL[type_.form]
                schemas_by_name[name] = special
            elif type_.form == "struct" and type_.struct_name not in seen:
                seen.add(type_.struct_name)
                todo.append(type_.struct_name)
    for schema in schemas_by_name.values():
        _describe_references(schema, schemas_by_name)
    return {name: schemas_by_name[name] for name in sorted(schemas_by_name)}


def _describe_references(schema: Object, components: dict[str, Object]) -> None:
    """Copy a component's description to the properties that reference it, which have none in the client."""
    properties = schema.get("properties") or {}
    for name, item in properties.items():
        target = next(iter(item.get("allOf", ())), item).get("$ref")
        if target is not None and "description" not in item:
            kind = target.rpartition(".")[2]
            text = (
                OWN.get(kind)
                or OWN.get(name)
                or components[target.removeprefix(PREFIX)].get("description", "")
            )
            properties[name] = described(item, text)


def needed(struct: Struct) -> Iterator[Type]:
    """The types of a struct's fields, and of the items of lists and maps."""
    for field in struct.fields.values():
        type_ = field.type
        while type_.element is not None:
            type_ = type_.element
        yield type_


def component(struct: Struct) -> Object:
    """A struct as a component."""
    about = describe(struct.name)
    component: Object = described({"type": "object"}, about.text)
    required = [field.name for field in struct.fields.values() if field.required]
    if required:
        component["required"] = required
    properties = component["properties"] = {}
    for name, field in struct.fields.items():
        text = about.fields.get(name, "")
        schema = property_(field)
        if field.enum:
            # As kube-openapi's generator ends it, but without the meanings of the values.
            values = "".join(f'\n - `"{value}"`' for value in field.enum)
            text += f"\n\nPossible enum values:{values}"
        elements = ELEMENTS.get(f"{struct.name}.{name}")
        if elements:
            schema["items" if "items" in schema else "additionalProperties"]["enum"] = elements
        properties[name] = described(schema, text.strip())
    # kubectl finds a kind's schema by this extension.
    if struct.kinds:
        component["x-kubernetes-group-version-kind"] = [
            {"group": group, "version": version, "kind": kind}
            for group, version, kind in struct.kinds
        ]
    if struct.atomic:
        component["x-kubernetes-map-type"] = "atomic"
    return component


def described(schema: Object, text: str) -> Object:
    """Add a description to a schema. A reference cannot have siblings, so it moves into ``allOf``."""
    # OpenAPI 3.0 ignores all siblings of a reference.
    if "$ref" in schema:
        schema = {"allOf": [schema]}
    return {"description": text, **schema} if text else schema


def property_(field: Field) -> Object:
    """A field as a property."""
    schema = schema_of(field.type)
    form = field.type.form
    extra: Object = {}
    if field.default is not None:
        extra["default"] = field.default
    elif form == "struct" and not field.pointer:
        extra["default"] = {}
    elif field.required and not field.pointer and form in ZEROS:
        extra["default"] = ZEROS[form]
    # Server-side apply in clients (kubectl, controller-runtime) reads these keywords.
    # The list of a List kind has no type.
    typed = form == "list" and not (
        field.type.item.form == "struct" and field.type.item.struct.kinds
    )
    map_type = "atomic" if field.atomic and form == "map" else ""
    if form == "struct" and field.type.struct.atomic and not field.atomic:
        map_type = "granular"
    keywords = {
        "enum": list(field.enum),
        "x-kubernetes-list-type": field.list_type if typed else "",
        "x-kubernetes-list-map-keys": list(field.keys) if typed else [],
        "x-kubernetes-patch-merge-key": field.merge_key,
        "x-kubernetes-patch-strategy": ",".join(field.strategies),
        "x-kubernetes-map-type": map_type,
    }
    extra |= {keyword: value for keyword, value in keywords.items() if value}
    if extra and "$ref" in schema:
        schema = {"allOf": [schema]}
    return {**schema, **extra}


def schema_of(type_: Type) -> Object:
    """A type as a schema."""
    if type_.form == "struct":
        return reference(component_name(type_.struct_name))
    if type_.form == "list":
        return {"type": "array", "items": schema_of(type_.item)}
    if type_.form == "map":
        return {"type": "object", "additionalProperties": schema_of(type_.item)}
    if type_.form in SPECIAL:
        return reference(SPECIAL[type_.form][0])
    return dict(SCALARS[type_.form])
