"""Templates escape values, and share one stylesheet."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kube_embedded.tests.support.some import some
from labkit.core.html import TEMPLATES, _environment, inline_styles, render, stylesheet
from tests.support.languages import speaking

RUDE = "<script>'\"&"
VALUES: dict[str, dict[str, Any]] = {
    "text.html": {"text": RUDE},
    "table.html": {"head": [RUDE], "rows": [[RUDE, RUDE]], "caption": RUDE},
    "graph.html": {
        "summary": RUDE,
        "head": [RUDE],
        "rows": [[RUDE]],
        "caption": RUDE,
        "empty": RUDE,
    },
    "steps.html": {"title": RUDE, "lessons": [], "state": str},
    "feedback.html": {"person": RUDE, "results": [], "policy": RUDE, "style": ""},
}


@pytest.mark.parametrize("template", VALUES)
def test_what_is_given_is_escaped(template: str) -> None:
    page = render(template, **VALUES[template])
    assert "&lt;script&gt;" in page
    assert "<script>" not in page


def test_a_graph_without_rows_has_no_table() -> None:
    page = render("graph.html", **{**VALUES["graph.html"], "rows": [], "empty": "Nothing."})
    assert "<table" not in page
    assert "<p>Nothing.</p>" in page


def test_every_class_that_a_template_copies_is_in_the_stylesheet() -> None:
    for template in some(TEMPLATES.glob("*.html")):
        used = re.findall(r"css\['([a-z-]+)'\]", template.read_text(encoding="utf-8"))
        assert set(used) <= set(inline_styles()), template.name


def test_style_attributes_need_no_stylesheet() -> None:
    copied = [rule for name, rule in inline_styles().items() if name.startswith(("card", "plain"))]
    assert len(copied) > 10
    assert not [rule for rule in copied if "--lk-" in rule or "\n" in rule or '"' in rule]


def test_the_stylesheet_asks_nobody_on_the_net() -> None:
    assert not re.search(r"https?:|@import|url\(", stylesheet())


def test_a_template_speaks_the_language_of_the_moment() -> None:
    """Jinja would translate a constant once, when it compiles the template."""
    template = _environment().from_string('{{ language() }} {{ "Seen {what}"|said("<b>") }}')
    assert template.render() == "en Seen &lt;b&gt;"
    with speaking({"Seen {what}": "결과 {what}"}):
        assert template.render() == "ko 결과 &lt;b&gt;"
