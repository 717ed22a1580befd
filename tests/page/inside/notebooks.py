"""In Pyodide: run notebooks' cells, and report errors, output, times and progress."""

import ast
import contextlib
import io
import json
import time
import traceback
from pathlib import Path
from typing import Any

from labkit.backends.page import Page

asked = json.loads(question)  # type: ignore[name-defined]  # noqa: F821 - run.mjs sets it
KEPT = Path("/kept")


class FileStorage:
    """A page's storage, in files that outlive the page."""

    def read(self, name: str) -> bytes | None:
        """The bytes that an earlier page stored."""
        return (KEPT / name).read_bytes() if (KEPT / name).exists() else None

    def write(self, name: str, data: bytes) -> None:
        """Keep bytes."""
        (KEPT / name).write_bytes(data)


said = Page(FileStorage()).enter().restore()
begun = time.perf_counter()


def run(source: str, names: dict[str, Any]) -> str:
    """Run a cell, and return the text of its last expression, as a front end would show it."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), names)
    if not isinstance(last, ast.Expr):
        return ""
    value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
    if value is None:
        return ""
    for show in ("_repr_mimebundle_", "_repr_html_"):
        if hasattr(value, show):
            getattr(value, show)()
    return repr(value)


def cells(sources: list[str]) -> dict[str, Any]:
    """Run the cells of a notebook."""
    names: dict[str, Any] = {"__name__": "__main__", "display": print}
    shown, failed, slowest = [], [], (0.0, "")
    for source in sources:
        cell = time.perf_counter()
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                text = run(source, names)
            shown.append(f"{printed.getvalue()}{text}")
        except Exception:
            failed.append(f"{source}\n{traceback.format_exc()[-1500:]}")
        slowest = max(slowest, (time.perf_counter() - cell, source[:60]))
    return {"shown": shown, "failed": failed, "slowest": slowest}


found = {name: cells(sources) for name, sources in asked.items()}
from labkit.lab.words import progress  # noqa: E402

answer = json.dumps(
    {
        "said": said,
        "notebooks": found,
        "seconds": time.perf_counter() - begun,
        "states": {step: entry.get("state") for step, entry in progress().all().items()},
    }
)
