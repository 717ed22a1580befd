"""The token inspector: header, claims and signature of tokens, explained, verified and compared.

The page gets decoded claims only. Raw tokens stay in Python, and are never stored.
"""

import base64
import json
from dataclasses import replace
from typing import Any

from labkit.client.client import Client
from labkit.client.tokens import EXPLAINED, Token, plain
from labkit.core.errors import UsageError
from labkit.core.language import text

from .base import LabWidget, api_of, html_table, text_table

# An account that an attacker would like to be: its cluster role may list and delete everything
# (system:controller:namespace-controller).
FORGED_SUBJECT = "system:serviceaccount:kube-system:namespace-controller"
"""The subject of a tampered token."""


class TokenInspector(LabWidget):
    """One token decoded, or two compared.

    Args:
        lab: The lab, or a caller who can read the cluster's published keys.
        tokens: One or two tokens, such as ``lab.pod_token("default/curl")``, or their text.
        titles: Their titles; by default their subjects.

    Raises:
        UsageError: The number of tokens is neither 1 nor 2, or one has another type.
        TokenError: A text cannot be decoded as a token.
    """

    def __init__(self, lab: Any, *tokens: Token | str, titles: tuple[str, ...] = ()) -> None:
        super().__init__()
        if len(tokens) not in (1, 2):
            raise UsageError(
                text("The inspector takes one token or two to compare, not {tokens}.", len(tokens)),
                todo="TokenInspector(lab, mounted, own) compares two.",
            )
        self._asker: Client = api_of(lab)
        self._originals = tuple(_token(token, self._asker) for token in tokens)
        self._titles = titles or _titles(self._originals)
        self._tokens = list(self._originals)
        self._show()

    def on_tamper(self, index: int) -> None:
        """Change the subject of a token, counted from 0, and verify it again; undo it the second time."""
        original = self._originals[index]
        tampered = self._tokens[index] is not original
        self._tokens[index] = original if tampered else tamper(original, self._asker)
        self._show()

    def as_text(self) -> str:
        """Return the verdicts, then the claims as a table."""
        verdicts = [f"{token['title']}: {token['verdict']}" for token in self.data["tokens"]]
        return "\n".join([*verdicts, text_table(*self._plain())])

    def as_html(self) -> str:
        """Return the same as an HTML table."""
        verdicts = [f"{token['title']}: {token['verdict']}" for token in self.data["tokens"]]
        return html_table(*self._plain(), caption="; ".join(verdicts))

    def _plain(self) -> tuple[list[str], list[list[str]]]:
        head = ["name", *self._titles, "what it means"]
        return head, [[row["name"], *row["values"], row["meaning"]] for row in self.data["rows"]]

    def _show(self) -> None:
        sides = [
            {**{f"header {k}": v for k, v in token.header.items()}, **token.flat}
            for token in self._tokens
        ]
        names = list(dict.fromkeys(name for side in sides for name in side))
        rows = [self._row(name, sides) for name in names]
        count = sum(row["differs"] for row in rows)
        summary = text("{count} of {entries} entries differ.", count, len(rows))
        if len({token.raw for token in self._tokens}) == 1:
            summary = text("They are one and the same token.")
        self.data = {
            "tokens": [
                {
                    "title": title,
                    "verified": token.verified,
                    "verdict": token.verdict,
                    "expires": token.claims.get("exp"),
                    "tampered": token is not original,
                }
                for title, token, original in zip(
                    self._titles, self._tokens, self._originals, strict=True
                )
            ],
            "rows": rows,
            "summary": summary if len(self._tokens) > 1 else "",
        }

    def _row(self, name: str, sides: list[dict[str, Any]]) -> dict[str, Any]:
        bare = name.removeprefix("header ")
        return {
            "name": name,
            "values": [plain(bare, side.get(name)) for side in sides],
            "differs": len(sides) == 2 and sides[0].get(name) != sides[1].get(name),
            "meaning": text(EXPLAINED.get(bare, "")),
        }


def _token(given: Token | str, asker: Client) -> Token:
    """Return a token; decode it if it is text."""
    if isinstance(given, Token):
        return given
    if isinstance(given, str):
        return Token.decode(given.strip(), asker)
    raise UsageError(
        text(
            "The inspector takes tokens, and this is a value of the type {name}.",
            type(given).__name__,
        ),
        todo='Give a token, such as lab.token("default/kikai") or lab.pod_token("default/curl").',
    )


def _titles(tokens: tuple[Token, ...]) -> tuple[str, ...]:
    """Title each token by its subject; with the same subject they are the first and the second."""
    names: list[str] = [text("token of {who}", token.subject) for token in tokens]
    if len(names) == 2 and names[0] == names[1]:
        return (text("first {token}", names[0]), text("second {token}", names[1]))
    return tuple(names)


def tamper(token: Token, asker: Client) -> Token:
    """Return a token with another subject and the old signature, verified again.

    Args:
        token: The token to change.
        asker: A caller who can read the cluster's published keys.
    """
    # The signature covers header and claims, so the old one cannot fit any more.
    header, _claims, signature = token.raw.split(".")
    claims = {**token.claims, "sub": FORGED_SUBJECT}
    body = (
        base64.urlsafe_b64encode(json.dumps(claims, separators=(",", ":")).encode())
        .rstrip(b"=")
        .decode()
    )
    changed = Token.decode(f"{header}.{body}.{signature}", asker)
    return replace(changed, verdict=text("{verdict} (the subject was changed)", changed.verdict))
