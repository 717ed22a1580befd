"""The limit of an object's size, which is the limit of the real server's database.

Source: go.etcd.io/etcd ``server/embed`` (``DefaultMaxRequestBytes``), ``client/v3`` (``defaultMaxCallSendMsgSize``).
"""

from typing import Any

import orjson

from ...machinery import libraries
from ...machinery.kinds import CustomKind, Kind, stored_kind
from ...machinery.request import Object
from ...machinery.status import ApiError
from ...machinery.work import charge
from ..storage import Key

MAX_REQUEST_BYTES = 1536 * 1024
MAX_MESSAGE_BYTES = 2048 * 1024
FRAME_BYTES = 40
"""What a message to the database has beside the object and twice its key."""

MAX_GROWN_BYTES = 16 * 1024 * 1024
"""How much the defaults of one object may add, also in a dry run; each value counts ``VALUE_BYTES`` more."""
VALUE_BYTES, BYTE_COST = 32, 0.1


def check_size(kind: Kind, new: Object, old: Object | None) -> None:
    """Refuse an object that a real cluster does not store, unless it makes one smaller that is too large; 500."""
    size = message_size(kind, new)
    if size > MAX_REQUEST_BYTES and (old is None or size > message_size(kind, old)):
        raise too_large(size)


def message_size(kind: Kind, obj: Object) -> int:
    """The bytes of the message that stores an object: of protobuf if it is large, and that can be had for its kind."""
    row = stored_kind(kind)
    metadata = obj["metadata"]
    key = "/registry/" + "/".join(
        (row.resource, *Key("", metadata.get("namespace", ""), metadata["name"])[1:])
    )
    # Close enough while it is small: JSON is larger than protobuf.
    size = len(orjson.dumps(obj))
    compact = libraries.PROTOBUF and not isinstance(row, CustomKind)
    if size > MAX_REQUEST_BYTES and compact:
        from ...machinery.schema.protobuf_write import encode_protobuf

        size = len(encode_protobuf(obj) or b"") or size
    return size + 2 * len(key) + FRAME_BYTES


def too_large(size: int) -> ApiError:
    """The real server's 500 for a message of this size."""
    if size <= MAX_MESSAGE_BYTES:
        return ApiError(500, "", "etcdserver: request is too large")
    detail = f"trying to send message larger than max ({size} vs. {MAX_MESSAGE_BYTES})"
    return ApiError(500, "", f"rpc error: code = ResourceExhausted desc = {detail}")


class Growth:
    """Counts what defaults add to an object, and refuses what grows too large before it is made."""

    def __init__(self) -> None:
        self._bytes = 0
        self._sizes: dict[int, int] = {}
        """The sizes of the defaults, by the id of their schema."""

    def add(self, schema: Object) -> None:
        """Count the default of a schema once more; 500 if it is too much."""
        size = self._sizes.get(id(schema))
        if size is None:
            default = schema.get("default")
            size = self._sizes[id(schema)] = len(orjson.dumps(default)) + VALUE_BYTES * _values(
                default
            )
        charge(BYTE_COST * size)
        self._bytes += size
        if self._bytes > MAX_GROWN_BYTES:
            raise too_large(self._bytes)


def _values(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + sum(map(_values, value)) if isinstance(value, list) else 1
