"""The base of all widgets: one trait with data for the page, one kind of message from it.

Python sets ``data`` to a plain dict, and JavaScript only draws it. A click sends
``{"action": name, …}``; the method ``on_name`` sets ``data`` again. So a widget's behaviour
can be tested without a browser.

JupyterLab shows an error for a stored widget whose kernel is gone, even if the output has HTML as well. So
a kernel stores HTML only, which the widget replaces as long as the kernel runs (``static/common.js``).
"""

import sys
import time
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import anywidget
import traitlets
from IPython import get_ipython

from labkit.core.errors import LabkitError
from labkit.core.html import render, stylesheet
from labkit.core.language import all_shown, shown, text, translations_in, width
from labkit.rbac.policy import PolicyUnreadable

STATIC = Path(__file__).with_name("static")
WITHOUT_PLACES = ("__vsc_ipynb_file__", "google.colab")
"""A name in VS Code's kernels and a module in Colab's: they make no widget but for an output of its type."""


def api_of(asker: Any) -> Any:
    """Return the caller for a widget's requests: a lab's administrator, or the caller itself.

    It has no observers, so that a widget's requests count for no step.

    Args:
        asker: A lab, or a caller such as ``lab.admin``.
    """
    caller = getattr(asker, "admin", asker)
    return caller.without_observers() if hasattr(caller, "without_observers") else caller


def _has_places() -> bool:
    """Return whether this is a kernel whose front end lets a widget take the place of HTML."""
    shell: Any = get_ipython()
    return hasattr(shell, "kernel") and not any(
        name in shell.user_ns or name in sys.modules for name in WITHOUT_PLACES
    )


def _joined(*names: str) -> str:
    """Return the contents of these files in ``static``, without the missing ones."""
    files = [STATIC / name for name in names]
    return "\n".join(file.read_text(encoding="utf-8") for file in files if file.exists())


class LabWidget(anywidget.AnyWidget):
    """A widget that draws ``data`` and sends actions.

    Subclasses set ``data``, and return the same from ``as_text`` and ``as_html``. Their JavaScript
    and CSS are the files of their module's name in ``static``, after what all widgets share.
    """

    data = traitlets.Dict().tag(sync=True)
    notice = traitlets.Unicode("").tag(sync=True)
    place = traitlets.Unicode("").tag(sync=True)
    words = traitlets.Dict().tag(sync=True)

    failures: ClassVar[tuple[type[Exception], ...]] = (
        LabkitError,
        PolicyUnreadable,
        ValueError,
        RuntimeError,
        OSError,
    )
    """Errors of an action that are shown to the learner instead of raised."""

    def __init_subclass__(cls, **options: Any) -> None:
        name = cls.__module__.rpartition(".")[2]
        # Read once for each class. A subclass in a test or a notebook inherits the script of
        # its base.
        if cls.__module__ == f"{__package__}.{name}" and not hasattr(cls, "_esm"):
            cls._esm = _joined("common.js", "explanation.js", f"{name}.js")
            cls._css = f"{stylesheet()}\n{_joined('common.css', f'{name}.css')}"
        super().__init_subclass__(**options)

    def __init__(self, **traits: Any) -> None:
        # The model's id is also the display's: common.js finds the HTML to replace by it.
        model_id = uuid4().hex
        super().__init__(model_id=model_id, place=model_id, **traits)
        self._speak()
        self._displayed = False
        self.on_msg(self._receive)

    def act(self, action: str, **arguments: Any) -> None:
        """Run ``on_<action>`` with the arguments that a click on the widget sends."""
        method = getattr(self, f"on_{action}", None)
        if method is None:
            self.notice = text("This widget cannot do “{action}”.", action)
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
        """Return the same as static HTML, for pages without running widgets."""
        return render("text.html", text=self.as_text())

    def __repr__(self) -> str:
        """Return the same as plain text, once the widget has data."""
        return self.as_text() if self.data else object.__repr__(self)

    def _speak(self) -> None:
        """Give the script its texts in the learner's language."""
        self.words = translations_in(f"{self._esm}")

    def _receive(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        arguments = {name: value for name, value in content.items() if name != "action"}
        started = time.perf_counter()
        try:
            self.act(str(content.get("action", "")), **arguments)
        except Exception as error:
            # The traceback goes to the kernel's log, which a learner does not see; the notice
            # is in the widget.
            self.notice = f"This went wrong: {type(error).__name__}: {error}"
            raise
        finally:
            self.send(
                {
                    "done": content.get("action", ""),
                    "milliseconds": (time.perf_counter() - started) * 1000,
                }
            )

    def _ipython_display_(self) -> None:
        """Display the HTML that the widget replaces while its kernel lives."""
        if not _has_places():
            # IPython's formatter catches this, and calls _repr_mimebundle_.
            raise NotImplementedError
        self._display(update=False)
        self._displayed = True

    @traitlets.validate("data")
    def _in_the_language(self, proposal: Any) -> Any:
        return all_shown(proposal["value"])

    @traitlets.observe("data")
    def _store(self, _change: Any) -> None:
        """Update the stored HTML in the outputs that show the widget."""
        # getattr: data can be one of the traits that the constructor sets, before _displayed.
        if getattr(self, "_displayed", False):
            self._display(update=True)

    def _display(self, *, update: bool) -> None:
        shell: Any = get_ipython()
        html = render("stored.html", place=self.place, html=self.as_html())
        bundle = {"text/plain": self.as_text(), "text/html": html}
        shell.display_pub.publish(bundle, transient={"display_id": self.place}, update=update)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Return the widget, with HTML and text for pages where it cannot run."""
        fallbacks = {"text/plain": self.as_text(), "text/html": self.as_html()}
        # anywidget returns data, or data and metadata, or None: it depends on the version.
        bundle: Any = super()._repr_mimebundle_(**kwargs)
        if isinstance(bundle, tuple):
            return ({**bundle[0], **fallbacks}, *bundle[1:])
        return {**(bundle or {}), **fallbacks}


def html_table(head: list[str], rows: list[list[str]], caption: str = "") -> str:
    """Render a plain table, for ``as_html``. The first cell of each row is its header."""
    return render("table.html", head=_head(head), rows=all_shown(rows), caption=shown(caption))


def text_table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table as text with aligned columns, for ``as_text``."""
    table = [_head(head), *all_shown(rows)]
    # width and not len: a Korean letter takes two columns.
    widths = [max(width(row[column]) for row in table) for column in range(len(head))]
    lines = [
        "  ".join(cell + " " * (most - width(cell)) for cell, most in zip(row, widths, strict=True))
        for row in table
    ]
    return "\n".join(line.rstrip() for line in lines)


def _head(head: list[str]) -> list[str]:
    return [shown(text(cell)) for cell in head]
