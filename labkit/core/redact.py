"""Remove the tokens from texts that are shown or recorded.

The signature makes a token a credential, so outputs and records must not hold one.
"""

from __future__ import annotations

import re

TOKEN = re.compile(r"\b(eyJ[A-Za-z0-9_-]{5,})\.(eyJ[A-Za-z0-9_-]{5,})\.([A-Za-z0-9_-]{8,})")
HIDDEN = "eyJ….eyJ….<signature>"


def redact(text: str) -> str:
    """Replace every token in a text by ``eyJ….eyJ….<signature>``.

    Base64-encoded tokens, as in Secrets, are replaced too.
    """
    text = TOKEN.sub(HIDDEN, text)
    return _ENCODED.sub("<base64 of a token>", text)


_ENCODED = re.compile(r"\bZXlK[A-Za-z0-9+/]{80,}={0,2}")
