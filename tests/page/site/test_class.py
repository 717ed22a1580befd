"""Labs in two browsers' pages join the class that serves the page, together with forty simulated learners."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kube_embedded.tests.support.until import until
from tests.classroom.room import Room, outcome
from tests.page.site.conftest import SITE
from tests.page.site.lab import SitePage

pytestmark = pytest.mark.page


def test_labs_in_pages_join_the_class_that_serves_them(browser: Any, labkit_home: Path) -> None:
    if not (SITE / "index.html").is_file():
        pytest.skip("there is no site in build/site (make site)")
    with Room(labkit_home / "class" / "class.db", site=SITE) as room:

        def states() -> dict[str, str]:
            rows = room.teach("GET", "everything")
            return {
                row["name"]: row["state"]
                for row in rows
                if row["what"] == "outcome" and row["step"] == "W1"
            }

        contexts = [browser.new_context(viewport={"width": 1280, "height": 900}) for _ in range(2)]
        pages = [SitePage(context.new_page(), room) for context in contexts]  # type: ignore[arg-type]  # it has the url
        for number, page in enumerate(pages):
            page.begin("class", ["from labkit import Lab, check\nlab = Lab()"])
            page.run_all()
            said = page.run(
                f'print(lab.join("{room.address}", "{room.store.code}", "Page {number}"))'
            )
            assert "No code, token, object or address is sent." in said
            assert f"In the class as Page {number}" in said
        for number in range(40):
            assert room.join(number, f"Simulated {number}")[0] == 200
            assert room.send(number, outcome(1, "W1"))[0] == 200
        pages[0].run('lab.record("W1", lab.admin.server); check("W1")')
        until(lambda: states().get("Page 0") == "passed")
        assert len(room.seen()["learners"]) == 42
        assert "You have left the class" in pages[0].run("print(lab.leave())")
        assert "Page 0" not in states()
        assert len(states()) == 40
        for context in contexts:
            context.close()
