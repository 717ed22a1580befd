"""Firefox over WebDriver BiDi (https://w3c.github.io/webdriver-bidi/): as much of it as the tests need."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
import websocket

LISTENING = re.compile(rb"WebDriver BiDi listening on (ws://\S+)")
TIMEOUT = 300.0


class Firefox:
    """A Firefox without a screen, and one tab of it.

    Args:
        profile: A directory for what it keeps.
    """

    def __init__(self, profile: Path) -> None:
        program = shutil.which("firefox-esr") or shutil.which("firefox")
        if program is None:
            pytest.skip("Firefox is not installed (Debian: firefox-esr)")
        command = [program, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port=0"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert self._process.stderr is not None
        address = next(filter(None, map(LISTENING.search, self._process.stderr)))[1].decode()
        # Firefox accepts connections without an origin only.
        self._socket = websocket.create_connection(f"{address}/session", timeout=TIMEOUT, suppress_origin=True)
        self._ids = count(1)
        self.send("session.new", capabilities={})
        self._tab: str = self.send("browsingContext.create", type="tab")["context"]

    def send(self, method: str, **params: Any) -> Any:
        """Send a command; the result of it."""
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while (answer := json.loads(self._socket.recv())).get("id") != number:
            pass  # an event
        assert answer["type"] == "success", answer
        return answer["result"]

    def goto(self, url: str) -> None:
        """Open an address, and wait until the page is loaded."""
        self.send("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    def evaluate(self, script: str, *arguments: Any) -> Any:
        """Call a function of JavaScript with arguments; its result, and that of its promise, as JSON."""
        call = f"Promise.resolve(({script})(...{json.dumps(arguments)})).then((value) => JSON.stringify(value ?? null))"
        target = {"context": self._tab}
        found = self.send("script.evaluate", expression=call, target=target, awaitPromise=True)
        assert found["type"] == "success", found["exceptionDetails"]["text"]
        return json.loads(found["result"]["value"])

    def click(self, text: str) -> None:
        """Press the button that says this."""
        button = f"[...document.querySelectorAll('button')].find((each) => each.textContent === {json.dumps(text)})"
        self.wait_for(f"{button}?.checkVisibility()")
        self.evaluate(f"() => {button}.click()")

    def wait_for(self, script: str) -> None:
        """Wait until an expression of JavaScript is true."""
        self.evaluate(f"async () => {{ while (!({script})) await new Promise((again) => setTimeout(again, 100)); }}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.communicate()
