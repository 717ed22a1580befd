"""HTML of cards, tables and pages, from the Jinja2 templates in ``templates/``.

Values are escaped by the templates. Jinja2 is imported with the first HTML that is rendered: neither
the command line nor the server renders any.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from .language import language, said, shown

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).with_name("templates")


def render(template: str, **values: object) -> str:
    """Render a template, such as ``card.html``, to HTML. Texts are escaped."""
    return _environment().get_template(template).render(values)


def render_source(source: str, **values: object) -> str:
    """Render a page that has its template elsewhere; ``{{t("…")}}`` in it is a text in the learner's language."""
    return _environment().from_string(source).render(t=said, language=language(), **values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context

    environment = Environment(
        autoescape=True,
        loader=FileSystemLoader(TEMPLATES),
        # A missing value is an error, and not an empty place on a page.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["css"] = inline_styles()
    environment.globals["language"] = language
    environment.filters["shown"] = shown
    environment.filters["said"] = pass_context(
        lambda _context, *text: said(*text)
    )  # else it is said at compilation
    return environment


def stylesheet() -> str:
    """Return the stylesheet of widgets and pages, with its tokens."""
    return f"{tokens()}\n{(TEMPLATES / 'style.css').read_text(encoding='utf-8')}"


def tokens() -> str:
    """Return the design tokens, as a stylesheet that every page can begin with."""
    return (TEMPLATES / "tokens.css").read_text(encoding="utf-8")


def digest(text: str) -> str:
    """Return the hash that allows a page's own style or script in a content security policy."""
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def inline_styles() -> Mapping[str, str]:
    """Read the stylesheet's rules of one class each, for style attributes.

    Returns:
        The declarations by the class's name without ``lk-``, such as ``card-label``. Custom
        properties are replaced by their values in the light theme.
    """
    text = re.sub(r"/\*.*?\*/", "", stylesheet(), flags=re.DOTALL)
    properties: dict[str, str] = {}
    for name, value in re.findall(r"(--lk-[a-z-]+): ([^;]+);", text):
        # The first value is the light theme's; a rule for dark themes sets the property again later.
        properties.setdefault(name, value)
    styles = {}
    for name, body in re.findall(r"^\.lk-([a-z-]+) \{([^}]*)\}", text, flags=re.MULTILINE):
        while "var(--lk-" in body:  # a property can refer to a token
            body = re.sub(r"var\((--lk-[a-z-]+)\)", lambda match: properties[match[1]], body)
        body = re.sub(r"light-dark\(([^,]+),[^)]+\)", r"\1", body)
        styles[name] = re.sub(r"\s*([:;,])\s*", r"\1", body).strip(" \n;")
    return styles
