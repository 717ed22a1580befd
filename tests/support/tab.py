"""A tab of any browser: the part of Playwright's page that a walk through the notebooks uses."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any, Protocol

MILLISECONDS = 300_000.0
"""Longer than the busiest machine takes."""


class Tab(Protocol):
    """A tab that runs JavaScript; Playwright's ``Page`` is one."""

    @property
    def url(self) -> str:
        """The page's address."""

    def goto(self, url: str, *, timeout: float) -> object:
        """Open an address, and wait until the page is loaded."""

    def evaluate(self, expression: str, arg: Any = None) -> Any:
        """Call a JavaScript function and return its result, or the result of its promise."""

    def wait_for_function(self, expression: str, *, timeout: float) -> object:
        """Wait until a function of JavaScript returns something true."""


class TabError(Exception):
    """The browser's error: an exception of a script, or a page that is gone."""


class DrivenTab(ABC):
    """A tab of a browser that Playwright does not drive."""

    @property
    def url(self) -> str:
        """The page's address."""
        return str(self.evaluate("() => location.href"))

    @abstractmethod
    def goto(self, url: str, *, timeout: float = MILLISECONDS) -> None:
        """Open an address, and wait until the page is loaded."""

    @abstractmethod
    def evaluate(self, expression: str, arg: Any = None) -> Any:
        """Call a JavaScript function and return its result, or the result of its promise, as JSON."""

    def wait_for_function(self, expression: str, *, timeout: float = MILLISECONDS) -> None:
        """Wait until a JavaScript function returns a true value; the page can be replaced in between."""
        deadline = time.monotonic() + timeout / 1000
        while time.monotonic() < deadline:
            with suppress(TabError):
                if self.evaluate(f"() => Boolean(({expression})())"):
                    return
            time.sleep(0.1)
        assert self.evaluate(f"() => Boolean(({expression})())"), expression

    def wait_for(self, script: str) -> None:
        """Wait until an expression of JavaScript is true."""
        self.wait_for_function(f"() => {script}")

    def click(self, text: str) -> None:
        """Press the button with this text."""
        button = f"[...document.querySelectorAll('button')].find((each) => each.textContent === {json.dumps(text)})"
        self.wait_for(f"{button}?.checkVisibility()")
        self.evaluate(f"() => {button}.click()")
