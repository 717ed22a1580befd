"""Chromium of the machine, and how to start it without a screen."""

from __future__ import annotations

import shutil

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str:
    """Return the path of Chromium; empty if it is not installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or ""
