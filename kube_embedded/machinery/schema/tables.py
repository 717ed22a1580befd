"""The generated schema tables as Python objects, built lazily."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from kube_embedded.files import read_json

SCALAR_GO_TYPES = {
    **{name: name for name in ("string", "int32", "int64", "bool", "float64")},
    "bytes": "[]uint8",
    "time": "v1.Time",
    "microtime": "v1.MicroTime",
    "quantity": "resource.Quantity",
    "intstr": "intstr.IntOrString",
    "raw": "runtime.RawExtension",
    "any": "v1.FieldsV1",
    "json": "v1.JSON",
}

CONTAINERS = {"[]": ("list", "[]"), "{}": ("map", "map[string]")}
"""The beginning of a code, to the form of its type and the prefix in Go."""


@dataclass(slots=True, eq=False)
class Type:
    """The type of a field or of a list's or map's elements.

    Args:
        form: A scalar's name, or ``struct``, ``list``, ``map``, ``|list``, ``|names``, ``|bool``; ``deduced`` for
            values of custom resources that have no declared type.
        struct_name: The table's key of a struct.
        element: Type of a list's or map's elements.
        go: How Go prints the type.
    """

    form: str
    struct_name: str
    element: Type | None
    go: str
    table: Schemas

    @property
    def struct(self) -> Struct:
        """The struct of a ``struct``."""
        return self.table[self.struct_name]

    @property
    def item(self) -> Type:
        """The element type of a list or map."""
        assert self.element is not None
        return self.element


@dataclass(slots=True, eq=False)
class Field:
    """One field of a struct.

    Args:
        name: Its name in JSON.
        pointer: An explicit zero value is stored.
        omit_empty: Left out when empty.
        omit_zero: Left out when zero, structs too.
        required: OpenAPI requires it.
        default: The default in OpenAPI, else None.
        default_empty: In OpenAPI it is the empty text by default, though it is then left out.
        enum: The allowed values, empty for any.
        list_type: ``map``, ``set`` or ``atomic``.
        keys: Of a list of type ``map``.
        strategies: Of a strategic merge patch: ``merge``, ``replace``, ``retainKeys``.
        atomic: A map or struct that has one owner as a whole.
        go: Its name in Go.
        place: Its name in paths of messages: includes the name of the embedded Go struct that has it.
    """

    name: str
    type: Type
    pointer: bool
    omit_empty: bool
    omit_zero: bool
    required: bool
    default: Any
    default_empty: bool
    enum: tuple[str, ...]
    list_type: str
    keys: tuple[str, ...]
    merge_key: str
    strategies: tuple[str, ...]
    atomic: bool
    go: str
    place: str


@dataclass(slots=True, eq=False)
class Struct:
    """A struct of the API.

    Args:
        name: The table's key, such as ``core.v1.PodSpec``.
        go: The Go struct's name, such as ``PodSpec``.
        fields: By JSON name, in the order in which Go prints them.
        kinds: (group, version, kind) of a top-level type.
        atomic: It has one owner as a whole.
        rest: The type of fields that are not declared; None if they are not allowed.
        resets: Of a custom kind: subresource to the fields that writes through it never own.
    """

    name: str
    go: str
    fields: dict[str, Field]
    kinds: tuple[tuple[str, str, str], ...]
    atomic: bool
    rest: Type | None = None
    resets: dict[str, dict[str, Any]] | None = None


class Schemas:
    """All structs by name and kind, from the rows of ``tables.json``."""

    lasting = True
    """True if its types live as long as the process."""

    def __init__(self, rows: dict[str, Any]) -> None:
        self._rows = rows
        self._structs: dict[str, Struct] = {}
        self._types: dict[tuple[str, str], Type] = {}
        self._kinds: dict[tuple[str, str, str], str] | None = None

    def __getitem__(self, name: str) -> Struct:
        known = self._structs.get(name)
        if known is None:
            known = self._structs.setdefault(
                name, self._struct(name)
            )  # the same one for all threads
        return known

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    def of_kind(self, group: str, version: str, kind: str) -> Struct | None:
        """Return the struct of a kind; None if there is no such kind."""
        if self._kinds is None:
            self._kinds = {
                (item[0], item[1], item[2]): name
                for name, row in self._rows.items()
                for item in row.get("k", ())
                # The options of meta.v1 are registered in each group; a kind's own struct is meant.
                if len(row["k"]) == 1 or not name.startswith("meta.")
            }
        name = self._kinds.get((group, version, kind))
        return self[name] if name is not None else None

    def _struct(self, name: str) -> Struct:
        row = self._rows[name]
        fields = {item[0]: self._field(item) for item in row["f"]}
        kinds = tuple((item[0], item[1], item[2]) for item in row.get("k", ()))
        return Struct(name, name.rpartition(".")[2], fields, kinds, bool(row.get("a")))

    def _field(self, row: list[Any]) -> Field:
        name, code, flags = row[:3]
        more: dict[str, Any] = row[3] if len(row) > 3 else {}
        type_ = self._type(code, more.get("g", ""))
        # A field can be granular although its type is atomic in other places.
        atomic_struct = type_.form == "struct" and bool(
            self._rows.get(type_.struct_name, {}).get("a")
        )
        return Field(
            name=name,
            type=type_,
            pointer="p" in flags,
            omit_empty="o" in flags,
            omit_zero="z" in flags,
            required="r" in flags,
            default=more.get("d"),
            default_empty="e" in flags,
            enum=tuple(more.get("e", ())),
            list_type=more.get("l", "atomic"),
            keys=tuple(more.get("k", ())),
            merge_key=more.get("m", ""),
            strategies=tuple(str(more.get("x", "")).split(",")) if "x" in more else (),
            atomic="a" in flags or (atomic_struct and "g" not in flags),
            go=more.get("n", name[:1].upper() + name[1:]),
            place=f"{more['i']}.{name}" if "i" in more else name,
        )

    def _type(self, code: str, go: str) -> Type:
        known = self._types.get((code, go))
        if known is not None:
            return known
        container = CONTAINERS.get(code[:2])
        if container is not None:
            form, prefix = container
            element = self._type(code[2:], go.partition("]")[2])
            new_type = Type(form, "", element, go or prefix + element.go, self)
        elif code.startswith("="):
            new_type = Type(
                "struct", code[1:], None, go or ".".join(code.rsplit(".", 2)[-2:]), self
            )
        elif code.startswith("|"):
            form, _, name = code.partition("=")
            new_type = Type(form, name, None, go or name.rpartition(".")[2], self)
        else:
            new_type = Type(code, "", None, go or SCALAR_GO_TYPES[code], self)
        return self._types.setdefault((code, go), new_type)


@cache
def schemas() -> Schemas:
    """The tables of the server's own kinds, read once."""
    return Schemas(read_json(__file__, "tables.json"))
