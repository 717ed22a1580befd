"""Running a notebook's cells, inside the walls. Two ways with the same outcome.

``plain`` executes the cells in this process, which is a fork of a prepared interpreter.
``kernel`` hands them to a real kernel. A cell with IPython's own syntax (``%``, ``!``)
needs the kernel. An error ends its cell, not the notebook; ``quit()`` ends the notebook.
"""

from __future__ import annotations

import ast
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import CodeType
from typing import Any, NoReturn

SIGNALLED = 128
"""An exit code above it tells a signal, as shells have it."""

Done = Callable[[int], None]
"""Told after each cell how many are done."""


def is_python(cells: Sequence[str]) -> bool:
    """Whether no cell needs IPython to be read. A plain syntax error does not."""
    return not any(_magic(cell) or _awaits(cell) for cell in cells)


def run_plain(cells: Sequence[str], done: Done) -> int:
    """Execute cells in this process.

    Args:
        cells: Their sources, in order.
        done: Told after each.

    Returns:
        The exit code, 0.
    """
    module = type(sys)("__main__")
    module.__dict__.update(__builtins__=__builtins__, quit=_quit, exit=_quit)
    sys.modules["__main__"] = module
    for number, source in enumerate(cells, 1):
        try:
            _run_cell(source, f"<cell {number}>", module.__dict__)
        except Quit:
            done(number)
            break
        except (Exception, KeyboardInterrupt, SystemExit):
            _tell_error()
        done(number)
    return 0


def run_kernel(cells: Sequence[str], done: Done) -> int:
    """Execute cells in a real kernel.

    Args:
        cells: Their sources, in order.
        done: Told after each.

    Returns:
        The exit code of a kernel that ended before its notebook did, as a shell has it; else 0.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import DeadKernelError
    from traitlets.config import Config

    document = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for number, source in enumerate(cells)
        ],
    }
    read: Any = nbformat.from_dict
    notebook = read(document)
    count, code = 0, 0
    process: Any = None

    def started(**_facts: Any) -> None:
        nonlocal process
        process = client.km.provisioner.process  # the client forgets it when it is dead

    def executed(**_facts: Any) -> None:
        nonlocal count
        count += 1
        done(count)

    # Sockets that are files, in a directory that nobody else has.
    config = Config({"KernelManager": {"transport": "ipc", "ip": str(Path.cwd() / "kernel")}})
    client: Any = NotebookClient(
        notebook,
        config=config,
        timeout=None,
        allow_errors=True,
        on_cell_start=started,
        on_cell_executed=executed,
    )
    try:
        client.execute()
    except DeadKernelError:
        code = process.returncode or 0
    for cell in notebook.cells:
        for output in cell.outputs:
            sys.stdout.write(_shown(output))
    return code if code >= 0 else SIGNALLED - code


def _shown(output: Mapping[str, Any]) -> str:
    """A cell's output as text: what it printed, its error, or its value."""
    if output["output_type"] == "stream":
        return str(output["text"])
    if output["output_type"] == "error":
        return f"{output['ename']}: {output['evalue']}\n"
    return f"{output.get('data', {}).get('text/plain', '')}\n"


class Quit(SystemExit):
    """The end of a notebook, at a cell's own wish."""


def _quit(*_code: object) -> NoReturn:
    """What ``quit`` and ``exit`` are in a kernel."""
    raise Quit


def _tell_error() -> None:
    """Print the error of a cell, without the frames that ran it."""
    kind, error, trace = sys.exc_info()
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    traceback.print_exception(kind, error, trace, limit=-4)


def _run_cell(source: str, name: str, scope: dict[str, Any]) -> None:
    """Run one cell; the value of a last expression is shown, as a kernel shows it."""
    tree = ast.parse(source, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    body: CodeType = compile(tree, name, "exec")
    exec(body, scope)
    if isinstance(last, ast.Expr):
        value = eval(compile(ast.Expression(last.value), name, "eval"), scope)
        if value is _quit:  # as in IPython, also without parentheses
            raise Quit
        if value is not None:
            sys.stdout.write(f"{value!r}\n")


def _magic(cell: str) -> bool:
    """Whether a cell has lines in IPython's own syntax. Within a string they are Python all the same."""
    lines = cell.splitlines()
    if not any(line.lstrip().startswith(("%", "!", "?")) or "= !" in line or "= %" in line for line in lines):
        return False
    try:
        ast.parse(cell)
    except SyntaxError:
        return True
    except (ValueError, RecursionError, MemoryError):
        return False
    return False


def _awaits(cell: str) -> bool:
    """Whether a cell awaits outside of functions, which IPython allows."""
    if "await" not in cell and "async" not in cell:
        return False
    try:
        return bool(compile(cell, "", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT).co_flags & inspect.CO_COROUTINE)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
