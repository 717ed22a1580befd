"""WebKitGTK over WebDriver (https://w3c.github.io/webdriver/): as much of it as the tests need."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from kube_embedded.tests.support.until import until
from tests.support.tab import MILLISECONDS, DrivenTab, TabError

BROWSERS = "usr/lib/*/webkit2gtk-4.1/MiniBrowser"
CALL = """const done = arguments[arguments.length - 1];
Promise.resolve().then(() => (EXPRESSION)(ARGUMENT)).then(
    (value) => done({ value: JSON.stringify(value ?? null) }), (error) => done({ error: `${error}` }));"""


class WebKit(DrivenTab):
    """WebKitGTK's MiniBrowser on a virtual screen, and one tab of it. It stores its data in memory.

    Args:
        arguments: Of the browser's command line.
    """

    def __init__(self, *arguments: str) -> None:
        browser = next(Path("/").glob(BROWSERS), None)
        programs = [shutil.which(name) for name in ("WebKitWebDriver", "Xvfb")]
        if browser is None or not all(programs):
            pytest.skip("WebKitGTK is not installed (Debian: webkit2gtk-driver, xvfb)")
        with ExitStack() as undo:
            screen = ("-displayfd", "1", "-screen", "0", "1280x900x24")
            server = undo.enter_context(_running("Xvfb", *screen, stdout=subprocess.PIPE))
            assert server.stdout is not None
            display = f":{server.stdout.readline().strip()}"
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            undo.enter_context(_running("WebKitWebDriver", f"--port={port}", display=display))
            self._driver = HTTPConnection("127.0.0.1", port, timeout=2 * MILLISECONDS / 1000)
            self._session = ""
            until(lambda: self._answers())
            options = {"binary": str(browser), "args": ["--automation", *arguments]}
            always = {"alwaysMatch": {"webkitgtk:browserOptions": options}}
            self._session = (
                f"/session/{self.send('POST', '/session', capabilities=always)['sessionId']}"
            )
            undo.callback(self.send, "DELETE", "")
            self.send("POST", "/timeouts", script=MILLISECONDS, pageLoad=MILLISECONDS)
            self._undo = undo.pop_all()

    def _answers(self) -> bool:
        try:
            return bool(self.send("GET", "/status")["ready"])
        except OSError:
            self._driver.close()
            return False

    def send(self, method: str, path: str, **body: Any) -> Any:
        """Send a command to the session; the value of its answer.

        Raises:
            TabError: The driver refuses it.
        """
        self._driver.request(
            method, self._session + path, json.dumps(body) if method == "POST" else None
        )
        answer = self._driver.getresponse()
        value = json.loads(answer.read())["value"]
        if answer.status != 200:
            raise TabError(value)
        return value

    def goto(self, url: str, *, timeout: float = MILLISECONDS) -> None:
        """Open an address, and wait until the page is loaded."""
        self.send("POST", "/url", url=url)

    def evaluate(self, expression: str, arg: Any = None) -> Any:
        """Call a JavaScript function and return its result, or the result of its promise, as JSON."""
        script = CALL.replace("EXPRESSION", expression).replace("ARGUMENT", json.dumps(arg))
        found = self.send("POST", "/execute/async", script=script, args=[])
        if "error" in found:
            raise TabError(found["error"])
        return json.loads(found["value"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _at: TracebackType | None,
    ) -> None:
        self._undo.close()
        self._driver.close()


@contextmanager
def _running(
    *command: str, display: str = "", stdout: int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[str]]:
    """A program that runs during the block."""
    environment = {**os.environ, "DISPLAY": display, "WEBKIT_DISABLE_DMABUF_RENDERER": "1"}
    process = subprocess.Popen(
        command, stdout=stdout, stderr=subprocess.DEVNULL, text=True, env=environment
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()
