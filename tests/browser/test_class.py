"""A class in real browsers: a phone votes twice, the board shows it and the stuck learners, and no foreign code runs."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from labkit.practice.pool import pool
from tests.browser.test_widgets import axe
from tests.classroom.room import Room, outcome

SCREENS = [(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")]


@pytest.fixture
def room(labkit_home: Path) -> Iterator[Room]:
    with Room(labkit_home / "class" / "class.db") as running:
        yield running


class Screen:
    """A page, with its errors and requests."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: set[str] = set()
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.add(request.url))

    def problems(self) -> list[str]:
        """Return axe's findings, and elements that are wider than the screen."""
        violations = (
            "async () => { const { violations } = await axe.run(document); return violations; }"
        )
        self.page.evaluate(axe())
        wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        found = [
            f"{each['id']}: {each['nodes'][0]['html'][:200]}"
            for each in self.page.evaluate(violations)
        ]
        return [*found, *([f"{wide} pixels too wide"] if wide > 0 else [])]


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 360, "height": 740})
    yield context
    context.close()


def phone(context: Any, room: Room) -> Screen:
    screen = Screen(context.new_page())
    screen.page.goto(f"{room.address}/vote#{room.store.code}")
    return screen


def board(context: Any, room: Room) -> Screen:
    screen = Screen(context.new_page())
    screen.page.goto(f"{room.address}/board#{room.store.teacher_key}")
    expect(screen.page.locator("#source option").first).to_be_attached()
    return screen


def test_a_class_is_asked_twice(context: Any, room: Room) -> None:
    voter, teacher = phone(context, room), board(context, room)
    expect(voter.page.get_by_text("Wait here: your teacher will open a question.")).to_be_visible()
    teacher.page.get_by_label("Next").select_option("W17")
    teacher.page.get_by_role("button", name="Ask the room").first.click()
    wrong = voter.page.get_by_role("button", name="200, allowed")
    wrong.focus()
    voter.page.keyboard.press("Enter")
    expect(voter.page.get_by_text("Your answer is kept.")).to_be_visible()
    expect(voter.page.get_by_role("button", name="200, allowed")).to_be_focused()
    expect(teacher.page.get_by_text("1 answered", exact=True)).to_be_visible()
    expect(teacher.page.locator(".bars")).to_have_count(0)
    teacher.page.get_by_role("button", name="End the round: talk").click()
    expect(voter.page.get_by_text("Talk: find somebody")).to_be_visible()
    teacher.page.get_by_role("button", name="Show the bars").click()
    expect(voter.page.locator(".bars li").first).to_contain_text("200, allowed")
    teacher.page.get_by_role("button", name="Second round").click()
    voter.page.get_by_role("button", name="403, forbidden").click()
    expect(voter.page.get_by_text("Your answer is kept.")).to_be_visible()
    teacher.page.get_by_role("button", name="Close: show the answer").click()
    for screen in (voter, teacher):
        expect(screen.page.locator(".answer")).to_contain_text("✓ 403, forbidden")
        expect(screen.page.locator(".answer")).to_contain_text(
            "“Who may list objects may also change them.”"
        )
        assert screen.said == []
        assert all(url.startswith((room.address, "data:")) for url in screen.asked)
    expect(
        voter.page.get_by_text("You answered: 200, allowed, then 403, forbidden.")
    ).to_be_visible()


def test_a_phone_that_is_reloaded_is_the_same_voter(context: Any, room: Room) -> None:
    room.ask(source="W16")
    voter = phone(context, room)
    voter.page.get_by_role("button", name="403, forbidden").click()
    expect(voter.page.get_by_text("Your answer is kept.")).to_be_visible()
    voter.page.reload()
    pressed = voter.page.locator('button[aria-pressed="true"]')
    expect(pressed).to_have_text("403, forbidden")
    voter.page.get_by_role("button", name="200, allowed").click()
    expect(pressed).to_have_text("200, allowed")
    another = phone(context, room)  # a second tab of the same browser
    expect(another.page.locator('button[aria-pressed="true"]')).to_have_text("200, allowed")
    another.page.get_by_role("button", name="401, unauthorized").click()
    expect(another.page.get_by_text("Your answer is kept.")).to_be_visible()
    expect(another.page.locator('button[aria-pressed="true"]')).to_have_text("401, unauthorized")
    assert room.public()["answers"] == [1, 0]


def test_a_wrong_code_is_asked_for_again(context: Any, room: Room) -> None:
    room.ask(source="W16")
    voter = Screen(context.new_page())
    voter.page.goto(f"{room.address}/vote")
    voter.page.get_by_label("The code that your teacher shows").fill("wrong")
    voter.page.keyboard.press("Enter")
    voter.page.get_by_role("button", name="403, forbidden").click()
    expect(voter.page.get_by_role("alert")).to_contain_text("This is not the code of this class.")
    voter.page.get_by_label("The code that your teacher shows").fill(room.store.code.lower())
    voter.page.keyboard.press("Enter")
    voter.page.get_by_role("button", name="403, forbidden").click()
    expect(voter.page.get_by_text("Your answer is kept.")).to_be_visible()


def test_a_page_follows_the_class_again_after_it_was_gone(context: Any, labkit_home: Path) -> None:
    path = labkit_home / "class" / "class.db"
    with Room(path) as room:
        voter = phone(context, room)
        expect(voter.page.get_by_text("Wait here")).to_be_visible()
    expect(voter.page.get_by_role("alert")).to_contain_text("The connection is lost. Trying again")
    with Room(path, room.port) as again:
        again.ask(source="W16")
        expect(voter.page.get_by_role("button", name="403, forbidden")).to_be_visible()
        expect(voter.page.get_by_role("alert")).to_be_empty()
        voter.page.close()


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_pages_fit_their_screen_and_axe_finds_nothing(
    browser: Any, room: Room, width: int, scheme: str
) -> None:
    for number in range(30):
        room.join(
            number,
            "<img src=x onerror=alert(1)>" if number == 7 else f"Learner of a long name {number}",
        )
        room.send(
            number,
            outcome(1, "W1"),
            outcome(2, "W2", "failed", "one-refusal-for-all", ago=60 * number),
        )
    room.ask(source=pool()["beliefs"][0]["examples"][0])  # a policy, and a request
    context = browser.new_context(viewport={"width": width, "height": 740}, color_scheme=scheme)
    voter, teacher = phone(context, room), board(context, room)
    voter.page.get_by_role("button", name="allowed").click()
    expect(teacher.page.get_by_text("1 answered", exact=True)).to_be_visible()
    expect(teacher.page.locator("#board tbody tr")).to_have_count(30)
    expect(teacher.page.locator("#board")).to_contain_text("<img src=x onerror=alert(1)>")
    for screen in (voter, teacher):
        assert screen.problems() == []
    room.do("close")
    for screen in (voter, teacher):
        expect(screen.page.locator(".answer")).to_be_visible()
        assert screen.problems() == []
        assert screen.said == []
    context.close()


def test_the_board_sorts_filters_and_hides_names(context: Any, room: Room) -> None:
    for number, name in enumerate(("Grace", "Ada", "Linus"), 1):
        room.join(number, name)
    room.send(1, outcome(1, "W1"), outcome(2, "W2"))
    room.send(2, outcome(1, "W1", "failed", "one-refusal-for-all", ago=600))
    room.send(3, outcome(1, "W1"), outcome(2, "W2", "failed", "verb-added", ago=1200))
    teacher = board(context, room).page
    names = teacher.locator("#board tbody th")

    def shown(*expected: str) -> None:
        expect(names).to_have_text([f"{name}×" for name in expected])

    shown("Linus", "Ada", "Grace")
    expect(teacher.locator("#board tbody tr").first).to_contain_text("W2 for 20 min, 1 try")
    teacher.get_by_label("Sort").select_option("name")
    shown("Ada", "Grace", "Linus")
    teacher.get_by_label("Sort").select_option("passed")
    shown("Ada", "Linus", "Grace")
    teacher.get_by_label("Show", exact=True).select_option("stuck")
    shown("Ada", "Linus")
    teacher.get_by_label("Name", exact=True).fill("lin")
    shown("Linus")
    teacher.get_by_label("Hide names").check()
    expect(names).to_have_text(["Learner 2", "Learner 3"])
    expect(teacher.get_by_role("status").last).to_have_text("3 joined, 2 stuck, 2 shown")
    expect(teacher.locator("#mistakes tbody tr")).to_have_count(2)
    teacher.get_by_label("Hide names").uncheck()
    teacher.on("dialog", lambda dialog: dialog.accept())
    teacher.get_by_role("button", name="Remove Linus").click()
    expect(names).to_have_count(0)


def test_the_key_of_the_board_leaves_the_address_and_outlives_a_reload(
    context: Any, room: Room
) -> None:
    screen = board(context, room)
    assert screen.page.url == f"{room.address}/board"
    assert all(room.store.teacher_key not in url.partition("#")[0] for url in screen.asked)
    screen.page.reload()
    expect(screen.page.get_by_role("heading", name="The question")).to_be_visible()
    stranger = context.new_page()
    stranger.goto(f"{room.address}/board")
    expect(stranger.get_by_role("alert").first).to_contain_text(
        "This page needs the key of the board."
    )
    stranger.goto(f"{room.address}/board#wrong")
    expect(stranger.get_by_role("alert").first).to_contain_text("This is not the key of the board.")


def test_the_class_is_saved_and_printed(context: Any, room: Room, tmp_path: Path) -> None:
    room.join(1, '=HYPERLINK("x")')
    room.send(1, outcome(1, "W2", "failed", "one-refusal-for-all"))
    room.ask(source="W17")
    room.vote(1, 0)
    teacher = board(context, room).page
    expect(teacher.locator("#board tbody tr")).to_have_count(1)
    with teacher.expect_download() as saved:
        teacher.get_by_role("button", name="CSV").click()
    saved.value.save_as(tmp_path / "class.csv")
    with (tmp_path / "class.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[1][:5] == ["outcomes", '\'=HYPERLINK("x")', "W2", "failed", "one-refusal-for-all"]
    assert [row[4:] for row in rows if row[0] == "answers"][1:] == [
        ["200, allowed", "", "1", "0"],
        ["403, forbidden", "yes", "0", "0"],
        ["401, unauthorized", "", "0", "0"],
    ]
    teacher.evaluate("window.print = () => { document.title = 'printed'; }")
    teacher.get_by_role("button", name="Print").click()
    expect(teacher).to_have_title("printed")
    teacher.emulate_media(media="print")
    expect(teacher.locator("#print")).to_contain_text("Each verb is a right of its own.")
    expect(teacher.locator("#print tbody tr").last).to_contain_text("W2")
    expect(teacher.locator("#board")).to_be_hidden()


def test_a_teacher_s_own_question(context: Any, room: Room) -> None:
    voter, teacher = phone(context, room), board(context, room)
    teacher.page.get_by_text("A question of your own").click()
    teacher.page.get_by_label("Question", exact=True).fill("Who made <b>this</b>?")
    teacher.page.get_by_label("Answers, one a line").fill("me\nyou")
    teacher.page.locator("#own button").click()
    expect(voter.page.get_by_role("heading", name="Who made <b>this</b>?")).to_be_visible()
    expect(voter.page.get_by_role("button", name="you")).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_in_korean_the_pages_are_whole(
    context: Any, room: Room, monkeypatch: pytest.MonkeyPatch, width: int, scheme: Any
) -> None:
    monkeypatch.setenv("LABKIT_LANG", "ko")
    room.join(1, "지은")
    room.send(1, outcome(1, "W2", "failed", "one-refusal-for-all", ago=1200))
    room.ask(source="W17")
    voter, teacher = phone(context, room), board(context, room)
    for screen in (voter, teacher):
        screen.page.set_viewport_size({"width": width, "height": 800})
        screen.page.emulate_media(color_scheme=scheme)
    voter.page.get_by_role("button", name="200, 허용").click()
    expect(voter.page.get_by_text("답을 저장했다.")).to_be_visible()
    expect(teacher.page.get_by_text("답 1개", exact=True)).to_be_visible()
    expect(teacher.page.locator("#board tbody tr").first).to_contain_text("W2 20분째, 1회 시도")
    teacher.page.get_by_role("button", name="끝내고 정답 보이기").click()
    for screen in (voter, teacher):
        expect(screen.page.locator(".answer")).to_contain_text("✓ 403, 거부")
        expect(screen.page.locator(".answer")).to_contain_text(
            "“목록을 볼 수 있으면 변경할 수도 있다.”"
        )
        assert screen.problems() == []
        assert screen.said == []
    expect(voter.page.get_by_text("내가 고른 답: 200, 허용.")).to_be_visible()
