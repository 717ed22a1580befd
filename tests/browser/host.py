"""A page that shows widgets without Jupyter, as other hosts of anywidget do.

VS Code, Colab and marimo import the same module and hand it a model; this page does that
under a content security policy that allows neither inline scripts, ``eval`` nor style
attributes, in VS Code's own theme variables. It is not VS Code, but has the same requirements.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from playwright.sync_api import Error, Locator, Page

from labkit.ui.base import LabWidget

ADDRESS = "https://host.test/"
POLICY = "default-src 'none'; script-src 'nonce-host' blob:; style-src 'nonce-host'"

THEMES: dict[str, dict[str, str]] = {
    "vscode-light": {
        "editor-background": "#ffffff",
        "editor-foreground": "#3b3b3b",
        "foreground": "#3b3b3b",
        "panel-border": "#e5e5e5",
        "font-family": "system-ui, sans-serif",
        "editor-font-family": "monospace",
    },
    "vscode-dark": {
        "editor-background": "#1f1f1f",
        "editor-foreground": "#cccccc",
        "foreground": "#cccccc",
        "panel-border": "#2b2b2b",
        "font-family": "system-ui, sans-serif",
        "editor-font-family": "monospace",
    },
    "vscode-high-contrast": {
        "editor-background": "#000000",
        "editor-foreground": "#ffffff",
        "foreground": "#ffffff",
        "contrastBorder": "#6fc3df",
        "font-family": "system-ui, sans-serif",
        "editor-font-family": "monospace",
    },
    "vscode-high-contrast-light": {
        "editor-background": "#ffffff",
        "editor-foreground": "#292929",
        "foreground": "#292929",
        "contrastBorder": "#0f4a85",
        "font-family": "system-ui, sans-serif",
        "editor-font-family": "monospace",
    },
}
"""VS Code's own themes: Light Modern, Dark Modern and the two of high contrast."""

SCRIPT = """
window.refused = [];
document.addEventListener("securitypolicyviolation", (event) =>
  refused.push(`${event.violatedDirective} ${event.sourceFile}`));
window.models = {};

function model(name, state) {
  const listeners = {};
  const tell = (event, ...rest) => (listeners[event] || []).slice().forEach((listener) => listener(...rest));
  return {
    get: (key) => state[key],
    on: (event, listener) => { (listeners[event] ||= []).push(listener); },
    off: (event, listener) => { listeners[event] = (listeners[event] || []).filter((entry) => entry !== listener); },
    listening: () => Object.values(listeners).flat().length,
    async send(content) {
      const answer = JSON.parse(await window.python(name, JSON.stringify(content)));
      for (const [key, value] of Object.entries(answer)) {
        if (JSON.stringify(state[key]) === JSON.stringify(value)) continue;
        state[key] = value;
        tell(`change:${key}`);
      }
      tell("msg:custom", { done: content.action });
    },
  };
}

window.mount = async (name, esm, css, state) => {
  const sheet = document.createElement("style");
  sheet.nonce = "host";
  sheet.textContent = css;
  document.head.append(sheet);
  const before = new Set(Object.keys(window));
  const address = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
  const { default: found } = await import(address);
  const entry = models[name] = { model: model(name, state) };
  const el = document.createElement("div");
  el.className = "output";
  document.body.append(el);
  await found.initialize?.({ model: entry.model });
  entry.away = await found.render({ model: entry.model, el });
  return Object.keys(window).filter((key) => !before.has(key));
};
"""


def page_text(theme: str) -> str:
    """The page in one of VS Code's themes; in an unknown one, a page without any variable."""
    variables = "".join(
        f"--vscode-{name}: {value};" for name, value in THEMES.get(theme, {}).items()
    )
    kind = f' data-vscode-theme-kind="{theme}"' if theme in THEMES else ""
    rules = (
        f"body {{ {variables} margin: 16px; background: var(--vscode-editor-background, white) }}"
    )
    rules += ".output { margin-bottom: 16px }"
    return (
        f'<!doctype html><html lang="en"><head><title>A host</title><style nonce="host">{rules}</style></head>'
        f'<body{kind}><script nonce="host">{SCRIPT}</script></body></html>'
    )


class Host:
    """The page with widgets.

    Args:
        page: The browser's page.
        theme: ``vscode-light`` and so on, or ``plain``.
    """

    def __init__(self, page: Page, theme: str) -> None:
        self.page = page
        self.errors: list[str] = []
        self._widgets: dict[str, LabWidget] = {}
        page.on("pageerror", self._failed)
        page.route(
            "**/*", lambda route: route.fulfill(body=page_text(theme), headers=self._headers())
        )
        page.expose_function("python", self._python)
        page.goto(ADDRESS)

    def show(self, name: str, widget: LabWidget) -> list[str]:
        """Mount a widget; returns the global names that its module made."""
        self._widgets[name] = widget
        arguments = [name, str(widget._esm), str(widget._css), self._state(widget)]
        made: list[str] = self.page.evaluate("(given) => window.mount(...given)", arguments)
        return made

    def widget(self, name: str) -> Locator:
        """A mounted widget."""
        return self.page.locator(f".lk-{name}")

    def refused(self) -> list[str]:
        """The violations of the content security policy."""
        found: list[str] = self.page.evaluate("() => window.refused")
        return found

    def _failed(self, error: Error) -> None:
        self.errors.append(str(error))

    def _headers(self) -> dict[str, str]:
        return {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": POLICY}

    def _state(self, widget: LabWidget) -> Mapping[str, Any]:
        return {"data": widget.data, "notice": widget.notice}

    def _python(self, name: str, content: str) -> str:
        widget = self._widgets[name]
        arguments = json.loads(content)
        widget.act(arguments.pop("action"), **arguments)
        return json.dumps(self._state(widget))
