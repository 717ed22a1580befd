"""orjson over msgspec, which has a wheel for a page; see README.md."""

import sys

if sys.platform != "emscripten":
    raise ImportError("this orjson is for a page of a browser alone")

import msgspec

OPT_INDENT_2, OPT_SORT_KEYS, OPT_APPEND_NEWLINE = 1, 32, 1024
__version__ = "3.11"


class JSONDecodeError(ValueError):
    """The text is no JSON."""


JSONEncodeError = TypeError
_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder().decode


def dumps(value, default=None, option=0):
    """Compact JSON, or indented or sorted."""
    option = option or 0
    encode = _encode_sorted if option & OPT_SORT_KEYS else _encode
    if default is not None:
        encode = msgspec.json.Encoder(enc_hook=default).encode
    data = encode(value)
    if option & OPT_INDENT_2:
        data = msgspec.json.format(data, indent=2)
    return data + b"\n" if option & OPT_APPEND_NEWLINE else data


def loads(data):
    """The value of a JSON text."""
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise JSONDecodeError(str(error)) from error
