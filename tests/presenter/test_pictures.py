"""The X-ray and the graph of a request, as a terminal shows them."""

from __future__ import annotations

import re

import pytest
from rich.console import Console, RenderableType

from labkit.client.answer import Answer
from labkit.client.client import Client
from labkit.grading.tasks.task import binding, role
from labkit.presenter.pictures import asked_in_words, graph, xray
from tests.rbac.conftest import anonymous, api, put

__all__ = ["api"]

SERVICES = "/api/v1/namespaces/kikai/services"
ASKED = "kikai/default list services kikai"


def drawn(page: RenderableType, width: int = 100) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(page)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def boxes(text: str) -> list[list[str]]:
    """Return the words in each row of boxes, a list of lines for each row that has text."""
    rows = [re.split("[│┃→]+", line) for line in text.splitlines() if re.search("[│┃]", line)]
    return [[cell.strip() for cell in row if cell.strip()] for row in rows]


def test_a_path_that_grants_is_marked_and_comes_first(api: Client) -> None:
    put(
        api,
        role("kikai", "also", ("get", "", "pods")),
        binding("kikai", "also", "Role/also", "kikai/default"),
    )
    text = drawn(graph(api, asked_in_words(ASKED), 100))
    assert text.splitlines()[:2] == [
        "kikai/default: list services in kikai",
        "✓ granted by the marked path",
    ]
    assert boxes(text) == [
        ["✓ who", "Role Binding", "Role", "may"],
        ["kikai/default", "kikai/test", "service-reader", "get, list · services"],
        ["who", "Role Binding", "Role", "may"],
        ["kikai/default", "kikai/also", "also", "get · pods"],
    ]
    assert "┃kikai/default" in text
    assert "│kikai/default" in text


def test_what_nothing_grants_has_the_bindings_of_the_subject_or_none(api: Client) -> None:
    text = drawn(graph(api, asked_in_words("kikai/default list pods kikai"), 100))
    assert "✕ nothing grants it" in text
    assert boxes(text)[0][0] == "who"
    nobody = drawn(graph(api, asked_in_words("darbo/default list pods darbo"), 100))
    assert "✕ nothing grants it" in nobody
    assert "No binding names anybody here." in nobody


def test_without_a_request_all_bindings_are_drawn(api: Client) -> None:
    assert asked_in_words("") is None
    text = drawn(graph(api, None, 100))
    assert text.splitlines()[0] == "All bindings but a new cluster's own"
    assert not re.search("grants|granted", text)
    assert boxes(text)[1][1] == "kikai/test"


LONG = ",".join(("services", *(f"resource{number}" for number in range(8))))
OTHERS = LONG.replace("services", "other")


@pytest.mark.parametrize(
    ("rules", "lines"),
    [
        ([("get", "", "pods")], ["get · pods"]),
        ([("get", "", "pods"), ("get", "", "nodes")], ["get · pods", "get · nodes"]),
        (
            [("get", "", "pods"), ("get", "", "nodes"), ("get", "", "a"), ("list", "", "services")],
            ["list · services", "get · pods", "… 2 more"],
        ),
        ([("list", "", LONG)], ["list · … services …"]),
        ([("list", "apps", OTHERS)], [f"list · {OTHERS.replace(',', ', ')}"[:60] + "…"]),
        ([], ["nothing"]),
    ],
)
def test_the_last_box_has_two_rules_at_most_and_those_that_grant_first(
    api: Client, rules: list[tuple[str, str, str]], lines: list[str]
) -> None:
    put(api, role("kikai", "service-reader", *rules))
    text = drawn(graph(api, asked_in_words(ASKED), 300), 300)
    assert [row[-1] for row in boxes(text)][1 : 1 + len(lines)] == lines


def test_an_xray_has_boxes_where_they_fit_and_always_a_table(api: Client) -> None:
    answer = api.get(SERVICES)
    wide, narrow = drawn(xray(answer, 70, api)), drawn(xray(answer, 69, api))
    for text in (wide, narrow):
        assert text.startswith(f"GET {SERVICES} → 200\n")
        assert re.search(r"^✓ Authorization +verb: list$", text, re.MULTILINE)
        assert "granted by ClusterRoleBinding cluster-admin" in text
    assert "│Authorization│" in wide
    assert wide.count("→") == 1 + 4 + narrow.partition("\n")[2].count("→")
    assert "│" not in narrow


def test_an_xray_of_a_refusal_shows_where_it_stopped(api: Client) -> None:
    nobody = anonymous(api)
    text = drawn(xray(nobody.get(SERVICES), 60, api))
    assert re.search("^✕ Authorization", text, re.MULTILINE)
    assert re.search("^– Admission +not reached$", text, re.MULTILINE)
    assert re.search("^– Storage +not reached$", text, re.MULTILINE)
    assert "Never grant anything to system:anonymous" in text
    assert "to allow it: " not in text
    unread = drawn(xray(nobody.get(SERVICES), 60, nobody))
    assert "could not be read" in unread
    assert "could not be read" in drawn(graph(nobody, asked_in_words(ASKED), 60))
    refused = Answer("me", "GET", SERVICES, "https://s", 401, {}, {}, credential="token")
    text = drawn(xray(refused, 60, nobody))
    assert re.search("^✕ Authentication", text, re.MULTILINE)
    assert "could not be read" not in text, "who asked is not known"
    assert drawn(xray(None, 60, api)) == "No request of a caller was answered in this step yet."
