"""A class over https in Chromium: the pages are as they are over http, and the browser calls them secure."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Error, expect

from tests.classroom.test_command import Started
from tests.classroom.test_https import files as files
from tests.classroom.test_https import running as running


def test_the_pages_are_secure_and_a_browser_that_does_not_trust_them_says_so(
    browser: Any, running: Started
) -> None:
    link = running.value("Answers")
    running.ask("W17")
    trusting = browser.new_context(ignore_https_errors=True)  # as if the authority were installed
    voter, board = trusting.new_page(), trusting.new_page()
    voter.goto(link)
    voter.get_by_role("button", name="403, forbidden").click()
    expect(voter.get_by_text("Your answer is kept.")).to_be_visible()
    assert voter.evaluate("isSecureContext")
    expect(voter.locator("#plain")).to_be_hidden()
    board.goto(running.value("Board"))
    expect(board.get_by_text("1 answered", exact=True)).to_be_visible()
    expect(board.locator("#address")).to_have_text(link.partition("#")[0])
    board.get_by_role("button", name="Close: show the answer").click()
    expect(voter.locator(".answer")).to_contain_text("✓ 403, forbidden")
    trusting.close()
    stranger = browser.new_context()
    with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
        stranger.new_page().goto(link)
    stranger.close()
