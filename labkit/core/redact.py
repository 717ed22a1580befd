"""Remove the tokens and private keys from texts that are shown or recorded.

A token is a credential because of its signature, so outputs and records must not contain one.
"""

import re

# Header and claims of a JWT are JSON objects, and base64 of their beginning {" is eyJ.
TOKEN = re.compile(r"\b(eyJ[A-Za-z0-9_-]{5,})\.(eyJ[A-Za-z0-9_-]{5,})\.([A-Za-z0-9_-]{8,})")
HIDDEN = "eyJ….eyJ….<signature>"


def redact(text: str) -> str:
    """Replace every token in a text by ``eyJ….eyJ….<signature>``, and every private key by a placeholder.

    Both are replaced in base64 too, as in Secrets and as the program ``base64`` wraps it.
    """
    for pattern, instead in _HIDDEN.items():
        text = re.sub(pattern, instead, text, flags=re.DOTALL)
    return text


def redact_all(value: object) -> object:
    """Apply ``redact`` to every text of a value, including those in lists and dicts."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, (list, tuple)):
        return [redact_all(item) for item in value]
    return (
        {key: redact_all(item) for key, item in value.items()} if isinstance(value, dict) else value
    )


_BASE64 = r"[A-Za-z0-9+/]{40,}(?:\n[A-Za-z0-9+/]{40,})*(?:\n?[A-Za-z0-9+/]*=+)?"
# The rest of "-----BEGIN PRIVATE" in base64, also with RSA or EC before the word PRIVATE.
_KEY = "(?:BQUklWQV|BSU0EgUFJJVkFU|BFQyBQUklWQV)"
_HIDDEN = {
    TOKEN.pattern: HIDDEN,
    rf"\bZXlK{_BASE64}": "<base64 of a token>",
    rf"\bLS0tLS1CRUdJTi{_KEY}{_BASE64}": "<base64 of a private key>",
    # \Z, because a text that was cut can have a key without its end.
    r"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?(?:-----END \1PRIVATE KEY-----|\Z)": "<private key>",
}
