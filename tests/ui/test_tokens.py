"""The design tokens: each pair of text and ground that is used has enough contrast (WCAG 2.2, AA), light and dark."""

from __future__ import annotations

import re

import pytest

from labkit.core.html import stylesheet, tokens
from tools.notebooks import ROOT

TEXT_AA = 4.5
"""WCAG 2.2, 1.4.3; 1.4.11 asks for 3 of what is not text."""
PARTS_AA = 3.0
GROUNDS = ("paper", "raise")
PAIRS = [
    *(
        (ink, ground)
        for ink in ("ink", "soft", "accent", "yes", "no", "warn")
        for ground in GROUNDS
    ),
    *((ink, "raise") for ink in ("string", "keyword")),
    ("on-accent", "accent"),
    *((tone, f"{tone}-back") for tone in ("yes", "no", "warn")),
]
COLOURS = re.compile(r"--lk-([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
WITH_TOKENS = (
    "page/site/index.html",
    "page/site/widgets.css",
    "labkit/lab/lesson/lesson.css",
    "labkit/classroom/static/class.css",
    "docs/static/site.css",
    "tools/templates/handout_base.html",
)
"""Sources that have no colour of their own."""


def values(dark: bool) -> dict[str, str]:
    """The colours of a theme, by their tokens."""
    return {name: (light, night)[dark] for name, light, night in COLOURS.findall(tokens())}


def luminance(colour: str) -> float:
    """The relative luminance of #rrggbb, as WCAG defines it."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_text_can_be_read(ink: str, ground: str, dark: bool) -> None:
    colours = values(dark)
    assert contrast(colours[ink], colours[ground]) >= TEXT_AA


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_dots_and_frames_of_focus_can_be_seen(dark: bool) -> None:
    colours = values(dark)
    assert (
        min(
            contrast(colours[part], colours["paper"])
            for part in ("soft", "accent", "yes", "control")
        )
        >= PARTS_AA
    )


def test_every_token_that_is_used_exists() -> None:
    sources = [stylesheet(), *((ROOT / name).read_text("utf-8") for name in WITH_TOKENS)]
    sources += [
        path.read_text("utf-8") for path in (ROOT / "labkit" / "ui" / "static").glob("*.css")
    ]
    text = "\n".join(sources)
    defined = set(re.findall(r"(--lk-[\w-]+):", text))
    assert not set(re.findall(r"var\((--lk-[\w-]+)\)", text)) - defined


@pytest.mark.parametrize("name", WITH_TOKENS)
def test_colours_come_from_the_tokens(name: str) -> None:
    assert not re.findall(r"#[0-9a-fA-F]{6}\b", (ROOT / name).read_text("utf-8"))
