"""Firefox over WebDriver BiDi (https://w3c.github.io/webdriver-bidi/): as much of it as the tests need."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
import websocket

from tests.support.tab import MILLISECONDS, DrivenTab, TabError

LISTENING = re.compile(rb"WebDriver BiDi listening on (ws://\S+)")


class Firefox(DrivenTab):
    """A Firefox without a screen, and one tab of it.

    Args:
        profile: A directory for its profile.
        settings: Values of ``about:config``.
    """

    def __init__(self, profile: Path, settings: Mapping[str, object] | None = None) -> None:
        program = shutil.which("firefox-esr") or shutil.which("firefox")
        if program is None:
            pytest.skip("Firefox is not installed (Debian: firefox-esr)")
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});"
            for name, value in (settings or {}).items()
        ]
        (profile / "user.js").write_text("\n".join(lines))
        command = [
            program,
            "--headless",
            "--no-remote",
            "--profile",
            str(profile),
            "--remote-debugging-port=0",
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert self._process.stderr is not None
        address = next(filter(None, map(LISTENING.search, self._process.stderr)))[1].decode()
        # Firefox accepts connections without an origin only.
        self._socket = websocket.create_connection(
            f"{address}/session", timeout=MILLISECONDS / 1000, suppress_origin=True
        )
        self._ids = count(1)
        self.send("session.new", capabilities={})
        self._tab: str = self.send("browsingContext.create", type="tab")["context"]

    def send(self, method: str, **params: Any) -> Any:
        """Send a command; the result of it.

        Raises:
            TabError: Firefox refuses it.
        """
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while (answer := json.loads(self._socket.recv())).get("id") != number:
            pass  # an event
        if answer["type"] != "success":
            raise TabError(answer)
        return answer["result"]

    def new_tab(self) -> Self:
        """Open another tab in the place of this one."""
        old, self._tab = self._tab, self.send("browsingContext.create", type="tab")["context"]
        self.send("browsingContext.close", context=old)
        return self

    def goto(self, url: str, *, timeout: float = MILLISECONDS) -> None:
        """Open an address, and wait until the page is loaded."""
        self.send("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    def evaluate(self, expression: str, arg: Any = None) -> Any:
        """Call a JavaScript function and return its result, or the result of its promise, as JSON."""
        call = f"Promise.resolve(({expression})({json.dumps(arg)})).then((value) => JSON.stringify(value ?? null))"
        target = {"context": self._tab}
        found = self.send("script.evaluate", expression=call, target=target, awaitPromise=True)
        if found["type"] != "success":
            raise TabError(found["exceptionDetails"]["text"])
        return json.loads(found["result"]["value"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _at: TracebackType | None,
    ) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.communicate()
