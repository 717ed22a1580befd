class Ed448PrivateKey:
    """None is ever made."""


class Ed448PublicKey:
    """None is ever made."""
