"""``answers(...)``: the table, as text and as HTML, and how each kind of answer is read."""

from __future__ import annotations

from labkit import answers
from labkit.client.answer import Answer

PATH = "/api/v1/namespaces/default"


def answer(who: str, status: int) -> Answer:
    return Answer(who, "GET", PATH, "https://server", status, {}, {"kind": "Status"})


def test_answers_of_the_server_name_who_and_what() -> None:
    table = answers(answer("anonymous", 403), answer("admin", 200))
    assert table.rows == (
        ("anonymous", f"GET {PATH}", "403 forbidden"),
        ("admin", f"GET {PATH}", "200 ok"),
    )
    assert repr(table).splitlines() == [
        "who        what                            answer",
        f"anonymous  GET {PATH}  403 forbidden",
        f"admin      GET {PATH}  200 ok",
    ]
    page = table._repr_html_()
    assert page.count("<tr") == 3
    assert "403 forbidden</td>" in page


def test_truth_values_and_texts_have_names_of_their_own() -> None:
    table = answers(
        ("me", "list services", True),
        ("you", "<b>", False),
        ("we", "a token", "no"),
        ("they", "a pod", answer("admin", 404)),
    )
    assert [word for _who, _what, word in table.rows] == ["yes", "no", "no", "404 not found"]
    assert "&lt;b&gt;" in table._repr_html_()
