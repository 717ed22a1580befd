"""Decodes protobuf bodies, which kubectl sends.

The messages are built from the generated table at first use. An envelope, ``runtime.Unknown`` behind four magic
bytes, names the kind in it.
Source: k8s.io/apimachinery ``pkg/runtime/serializer/protobuf``.
"""

import base64
import datetime
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import orjson
from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory

from kube_embedded.files import read_json

from ..work import charge
from . import Struct, schemas

MAGIC = b"k8s\x00"
META = "k8s.io.apimachinery.pkg.apis.meta.v1."
UNKNOWN = "k8s.io.apimachinery.pkg.runtime.Unknown"
Field = descriptor_pb2.FieldDescriptorProto
SCALARS = {name.removeprefix("TYPE_").lower(): number for name, number in Field.Type.items()}


class ProtobufProblem(ValueError):
    """The body is not a protobuf message of Kubernetes."""


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    # One file for each package would need their dependencies in order.
    file = descriptor_pb2.FileDescriptorProto(name="kube_embedded.proto", syntax="proto2")
    for name, fields in read_json(__file__, "protobuf.json").items():
        _add_message(file.message_type.add(), _flat(name), fields)
    pool.Add(file)
    return pool


def _flat(name: str) -> str:
    """A message's name in the one package that all messages share."""
    return name.replace(".", "_").replace("-", "_")


def _add_message(
    message: descriptor_pb2.DescriptorProto, name: str, fields: dict[str, list[Any]]
) -> None:
    message.name = name
    for number, (field_name, kind, repeated) in fields.items():
        field = message.field.add(name=field_name, number=int(number))
        field.label = Field.LABEL_REPEATED if repeated else Field.LABEL_OPTIONAL
        if kind.startswith("map<"):
            key_type, _, value_type = kind[4:-1].partition(",")
            entry = message.nested_type.add(name=field_name[0].upper() + field_name[1:] + "Entry")
            entry.options.map_entry = True
            for at, (name_in_entry, type_) in enumerate(
                (("key", key_type), ("value", value_type)), start=1
            ):
                part = entry.field.add(name=name_in_entry, number=at, label=Field.LABEL_OPTIONAL)
                _set_type(part, type_.strip())
            field.label = Field.LABEL_REPEATED
            field.type = Field.TYPE_MESSAGE
            field.type_name = f".{name}.{entry.name}"
        else:
            _set_type(field, kind)


def _set_type(field: descriptor_pb2.FieldDescriptorProto, kind: str) -> None:
    if kind in SCALARS:
        field.type = SCALARS[kind]
    else:
        field.type = Field.TYPE_MESSAGE
        field.type_name = "." + _flat(kind.lstrip("."))


def message_class(name: str) -> Any:
    """The class of a message, such as ``k8s.io.api.core.v1.Pod``; KeyError if there is none."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(_flat(name)))


def _parse(name: str, data: bytes) -> Any:
    result = message_class(name)()
    try:
        result.ParseFromString(data)
    except message.DecodeError as error:
        raise ProtobufProblem(f"proto: {error}") from error
    return result


def message_name(struct_name: str) -> str:
    """The protobuf message of a struct of the schema."""
    if struct_name.startswith("meta.v1."):
        return META + struct_name.removeprefix("meta.v1.")
    if struct_name.startswith("kube-aggregator."):
        return "k8s.io." + struct_name.replace("-", "_")
    return "k8s.io.api." + struct_name


def decode_unknown(body: bytes) -> dict[str, Any]:
    """Decode the object in an envelope, magic bytes and a ``runtime.Unknown``, to JSON values.

    Raises:
        ProtobufProblem: It is none, or holds an unknown kind.
    """
    if not body.startswith(MAGIC):
        raise ProtobufProblem(
            "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
        )
    charge(len(body) / 12)
    envelope = _parse(UNKNOWN, body[len(MAGIC) :])
    api_version = envelope.typeMeta.apiVersion
    kind = envelope.typeMeta.kind
    group, _, version = api_version.rpartition("/")
    struct = schemas().of_kind(group, version, kind)
    values = {"apiVersion": api_version, "kind": kind}
    if struct is None:
        return values
    try:
        result = _parse(message_name(struct.name), envelope.raw)
    except KeyError as error:
        raise ProtobufProblem(f'no protobuf message for kind "{kind}"') from error
    return {**values, **to_json(result, struct)}


def to_json(message: Any, struct: Struct | None) -> dict[str, Any]:
    """Convert a message to JSON values."""
    values: dict[str, Any] = {}
    charge(5)
    for field, value in message.ListFields():
        known = struct.fields.get(field.name) if struct is not None else None
        if known is None:
            if field.message_type is not None and not field.is_repeated:
                values.update(to_json(value, struct))  # an inlined struct
            continue
        inner = known.type.element or known.type
        inner_struct = inner.struct if inner.form == "struct" else None
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            charge(3 * len(value))
            values[field.name] = {key: _value(item, inner_struct) for key, item in value.items()}
        elif field.is_repeated:
            charge(len(value))
            values[field.name] = [_value(item, inner_struct) for item in value]
        else:
            values[field.name] = _value(value, inner_struct)
    return values


def _value(value: Any, struct: Struct | None) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if not isinstance(value, message.Message):
        return value
    special = SPECIAL.get(value.DESCRIPTOR.name.rpartition("_")[2])
    if special is not None and (struct is None or struct.go not in SPECIAL):
        return special(value)
    return to_json(value, struct)


def _time(value: Any, form: str = "%Y-%m-%dT%H:%M:%SZ") -> str | None:
    if not value.seconds and not value.nanos:
        return None
    try:
        time = datetime.datetime.fromtimestamp(value.seconds, datetime.UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise ProtobufProblem(f"time out of range: {value.seconds}") from error
    return time.replace(microsecond=max(0, value.nanos) // 1000 % 1_000_000).strftime(form)


def _raw_json(value: Any) -> Any:
    raw = getattr(value, "raw", b"") or getattr(value, "Raw", b"")
    if not raw:
        return None
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ProtobufProblem(f"invalid JSON in a raw extension: {error}") from error


SPECIAL: dict[str, Callable[[Any], Any]] = {
    "Time": _time,
    "MicroTime": partial(_time, form="%Y-%m-%dT%H:%M:%S.%fZ"),
    "Quantity": lambda value: value.string,
    "IntOrString": lambda value: value.strVal if value.type == 1 else value.intVal,
    "RawExtension": _raw_json,
    "FieldsV1": _raw_json,
    "Verbs": lambda value: list(value.items),
    "ExtraValue": lambda value: list(value.items),
}
"""Messages that JSON shows as something else."""
