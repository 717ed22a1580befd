"""Play a suite's requests, step by step, against one server."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.parity.model import Answer, Step, lookup
from tests.parity.transport import Call, Credential, Transport

VARIABLE = re.compile(r"\$\{(\w+)\}")
LEGACY = re.compile(r"variable (\w+) = base64-decoded (\S+) of this")


class Player:
    """The state that the steps of a suite share: saved variables and accounts' tokens.

    Args:
        transport: The way to the server.
        patience_seconds: How long a step with ``wait`` is repeated.
    """

    def __init__(self, transport: Transport, patience_seconds: float = 30.0) -> None:
        self._transport = transport
        self._patience = patience_seconds
        self._tokens: dict[str, str] = {}
        self.variables: dict[str, str] = {}

    def play(self, steps: Sequence[Step]) -> Iterator[tuple[Step, Answer]]:
        """Every step with the answer it got."""
        for step in steps:
            yield step, self.ask(step)

    def ask(self, step: Step) -> Answer:
        """Send one step's request, wait for its condition, and save its variables."""
        call = self._call(step.request)
        credential = self._credential(step.request["as"])
        answer = self._transport.send(credential, call)
        if step.wait is not None:
            deadline = time.monotonic() + self._patience
            while not holds(step.wait, answer) and time.monotonic() < deadline:
                time.sleep(0.05)
                answer = self._transport.send(credential, call)
        self._save(step, answer)
        return answer

    def _save(self, step: Step, answer: Answer) -> None:
        body = answer.decoded()
        for name, path in step.save.items():
            self.variables[name] = str(lookup(body, path))
        legacy = LEGACY.search(step.note)
        if legacy:
            encoded = lookup(body, legacy[2]) or ""
            self.variables[legacy[1]] = base64.b64decode(encoded).decode()

    def _filled(self, text: str) -> str:
        return VARIABLE.sub(lambda match: self.variables.get(match[1], match[0]), text)

    def _call(self, request: Mapping[str, Any]) -> Call:
        headers = {"Accept": "application/json", **request.get("headers", {})}
        body = b""
        if "body" in request:
            raw = request["body"]
            text = raw if isinstance(raw, str) else json.dumps(raw)
            body = self._filled(text).encode("utf-8", "surrogateescape")
            headers.setdefault("Content-Type", "application/json")
        return Call(request["method"], self._filled(request["path"]), headers, body)

    def _credential(self, identity: str) -> Credential:
        kind, _, rest = identity.partition(":")
        match kind:
            case "admin":
                return Credential(admin=True)
            case "anon":
                return Credential()
            case "user":
                name, _, groups = rest.partition(":")
                return Credential(user=name, groups=tuple(groups.split(",")) if groups else ())
            case "sa":
                return Credential(token=self._account_token(rest))
            case "bearer":
                return Credential(token=self._filled(rest))
            case "var":
                return Credential(token=self.variables.get(rest, ""))
        raise ValueError(f"unknown identity {identity!r}")

    def _account_token(self, account: str) -> str:
        if account not in self._tokens:
            namespace, _, name = account.partition(":")
            spec = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
            call = Call(
                "POST",
                f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token",
                {"Accept": "application/json", "Content-Type": "application/json"},
                json.dumps(spec).encode(),
            )
            answer = self._transport.send(Credential(admin=True), call)
            token = lookup(answer.decoded(), "status.token")
            if not isinstance(token, str):
                return f"no token for {account}"
            self._tokens[account] = token
        return self._tokens[account]


def holds(wait: Mapping[str, Any], answer: Answer) -> bool:
    """Return whether an answer meets the conditions of ``wait``."""
    if answer.status != wait.get("status", 200):
        return False
    body = answer.decoded()
    return all(lookup(body, path) == value for path, value in wait.items() if path != "status")
