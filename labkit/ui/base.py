"""The base of all widgets: one trait with data for the page, one kind of message from it.

Python sets ``data`` to a plain dict, and JavaScript only draws it. A click sends
``{"action": name, …}``; the method ``on_name`` sets ``data`` again. So a widget's behaviour
can be tested without a browser.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import traitlets

from labkit.core.errors import LabkitError
from labkit.core.html import render, stylesheet
from labkit.rbac.policy import Unreadable

STATIC = Path(__file__).with_name("static")


def api_of(asker: Any) -> Any:
    """Return the caller that a widget asks with: a lab's administrator, or the caller itself.

    It has no observers: a widget's requests count for no step.

    Args:
        asker: A lab, or a caller such as ``lab.admin``.
    """
    caller = getattr(asker, "admin", asker)
    return caller.without_observers() if hasattr(caller, "without_observers") else caller


def _joined(*names: str) -> str:
    """The files in ``static`` of these names, one after the other; those that are not there are left out."""
    files = [STATIC / name for name in names]
    return "\n".join(file.read_text(encoding="utf-8") for file in files if file.exists())


class LabWidget(anywidget.AnyWidget):
    """A widget that draws ``data`` and sends actions.

    Subclasses set ``data``, and return the same from ``as_text`` and ``as_html``. Their JavaScript
    and CSS are the files of their module's name in ``static``, after what all widgets share.
    """

    data = traitlets.Dict().tag(sync=True)
    notice = traitlets.Unicode("").tag(sync=True)

    failures: ClassVar[tuple[type[Exception], ...]] = (LabkitError, Unreadable, ValueError, RuntimeError, OSError)
    """Errors of an action that are shown to the learner instead of raised."""

    def __init_subclass__(cls, **options: Any) -> None:
        name = cls.__module__.rpartition(".")[2]
        if cls.__module__ == f"{__package__}.{name}" and not hasattr(cls, "_esm"):
            cls._esm = _joined("common.js", "explanation.js", f"{name}.js")
            cls._css = f"{stylesheet()}\n{_joined('common.css', f'{name}.css')}"
        super().__init_subclass__(**options)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.on_msg(self._receive)

    def act(self, action: str, **arguments: Any) -> None:
        """Run an action, as a click on the widget does.

        Args:
            action: The action's name; the method ``on_<action>`` runs it.
            **arguments: What the click sends with it.
        """
        method = getattr(self, f"on_{action}", None)
        if method is None:
            self.notice = f"This widget cannot do “{action}”."
            return
        self.notice = ""
        try:
            method(**arguments)
        except self.failures as error:
            self.notice = str(error)

    def as_text(self) -> str:
        """Return the same as plain text, for terminals and screen readers."""
        return ""

    def as_html(self) -> str:
        """Return the same as static HTML, for pages where no widget runs."""
        return render("text.html", text=self.as_text())

    def __repr__(self) -> str:
        """Return the same as plain text, where there is data."""
        return self.as_text() if self.data else object.__repr__(self)

    def _receive(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        arguments = {name: value for name, value in content.items() if name != "action"}
        started = time.perf_counter()
        try:
            self.act(str(content.get("action", "")), **arguments)
        except Exception as error:
            self.notice = f"This went wrong: {type(error).__name__}: {error}"
            raise
        finally:
            self.send({"done": content.get("action", ""), "milliseconds": (time.perf_counter() - started) * 1000})

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Return the widget, with HTML and text for where it cannot run."""
        fallbacks = {"text/plain": self.as_text(), "text/html": self.as_html()}
        bundle: Any = super()._repr_mimebundle_(**kwargs)
        if isinstance(bundle, tuple):
            return ({**bundle[0], **fallbacks}, *bundle[1:])
        return {**(bundle or {}), **fallbacks}


def html_table(head: list[str], rows: list[list[str]], caption: str = "") -> str:
    """Render a plain table, for ``as_html``.

    Args:
        head: The column headers.
        rows: Cells; the first of each row is its header.
        caption: The table's caption, if any.
    """
    return render("table.html", head=head, rows=rows, caption=caption)


def text_table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table as text with aligned columns, for ``as_text``."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return "\n".join(line.rstrip() for line in lines)
