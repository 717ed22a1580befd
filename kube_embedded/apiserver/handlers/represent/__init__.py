"""From an object to the bytes that the caller asked for: negotiation, transformation, encoding."""
