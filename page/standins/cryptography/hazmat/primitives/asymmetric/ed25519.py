class Ed25519PrivateKey:
    """None is ever made."""


class Ed25519PublicKey:
    """None is ever made."""
