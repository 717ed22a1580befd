"""Integers as protobuf writes them; without its library, for documents that kubectl asks for in this form alone."""


def varint(value: int) -> bytes:
    """Encode a varint; a negative number has 64 bits."""
    # Negative numbers are sent in two's complement.
    value &= 2**64 - 1
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*parts, value))
