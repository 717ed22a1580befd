"""Waiting for a Jupyter server."""

from __future__ import annotations

import time
import urllib.error
import urllib.request

START_SECONDS = 300.0
"""How long a loaded machine may take; a quiet one takes three."""


def wait_until_it_answers(url: str) -> None:
    """Wait for the first response.

    Jupyter prints and stores its address a moment before it listens there; and a
    signal that comes before its loop runs is lost.

    Args:
        url: Its address, such as ``http://127.0.0.1:8888``.

    Raises:
        AssertionError: It did not answer in time.
    """
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{url}/api", timeout=START_SECONDS):
                return
        except urllib.error.HTTPError as error:
            error.close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")
