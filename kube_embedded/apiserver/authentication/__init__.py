"""Finding out who is asking."""
