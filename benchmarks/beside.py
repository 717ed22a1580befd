"""``python -m benchmarks.beside CHECKOUT``: this checkout beside another one, such as the state before a change.

A shared machine changes its speed by a third within seconds, so that two runs of ``make bench``
cannot be compared. Here both checkouts run at the same time, each with its own ``.venv``, and
take turns in short slices; a row is the median of the ratios of neighbouring slices. A ratio
below 1 says that this checkout is the quicker, or the smaller.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.load import child_context, cpu_seconds, drive, request_bytes, run_loop
from benchmarks.server import Target

Row = tuple[str, str, str, str]
"""What, the other checkout, this one, and this one's share of the other."""

SIDE = """
import json, sys, tempfile, time
from pathlib import Path
import psutil
from benchmarks import grading, server
from benchmarks.__main__ import prepare

def serve(folder):
    with tempfile.TemporaryDirectory(dir=folder) as home, server.embedded(Path(home)) as (running, _seconds):
        print(json.dumps({**vars(running), "client": running.client.decode(), "token": prepare(running)}), flush=True)
        sys.stdin.readline()

def start(folder):
    with tempfile.TemporaryDirectory(dir=folder) as home, server.embedded(Path(home)) as (running, seconds):
        time.sleep(0.3)
        print(json.dumps([seconds, psutil.Process(running.pid).memory_info().rss / 1024**2]), flush=True)

def grade(folder):
    grading.hand_in(folder / "course", 40)
    found = grading.find(folder / "course/submitted")
    with grading.pool_for(len(found)) as pool:
        print(json.dumps("ready"), flush=True)
        for line in sys.stdin:
            if not line.strip():
                return
            found = found[10:] + found[:10]
            cpu, begun = pool.cpu_seconds, time.perf_counter()
            pool.grade(found[:10])
            seconds = time.perf_counter() - begun
            print(json.dumps([seconds / 10, (pool.cpu_seconds - cpu) / 10]), flush=True)

with tempfile.TemporaryDirectory(prefix="labkit-bench-") as folder:
    for line in sys.stdin:
        globals()[line.strip()](Path(folder))
"""
"""What runs in each checkout: it does what a line of its input names, and prints the figures as JSON."""

WARM_UP_SLICES = 8
SLICE_SECONDS = 0.25


class Side:
    """One of the two checkouts, with a process of its own.

    Args:
        checkout: Its folder, with a ``.venv``.
    """

    def __init__(self, checkout: Path) -> None:
        self._checkout = checkout
        program = [str(checkout / ".venv/bin/python"), "-c", SIDE]
        self._child = subprocess.Popen(
            program, cwd=checkout, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def end(self) -> None:
        """Stop what ``ask("serve")`` or ``ask("grade")`` started."""
        assert self._child.stdin is not None
        print(file=self._child.stdin, flush=True)

    def __enter__(self) -> Side:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.communicate()

    def ask(self, what: str) -> Any:
        """Ask for a measurement and wait for its figures."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        print(what, file=self._child.stdin, flush=True)
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._checkout} ended while it was asked to {what}")
        return json.loads(line)


def pairs(
    other: Callable[[], list[float]], this: Callable[[], list[float]], rounds: int
) -> list[tuple[list[float], list[float]]]:
    """Both in turn, the one that begins changing from round to round."""
    found = []
    for number in range(rounds):
        if number % 2:
            mine, theirs = this(), other()
        else:
            theirs, mine = other(), this()
        found.append((theirs, mine))
    return found


def rows(
    found: list[tuple[list[float], list[float]]], *figures: tuple[str, str, float]
) -> Iterator[Row]:
    """For each figure the medians of both sides, and the quartiles of the ratio.

    Args:
        found: What ``pairs`` measured.
        figures: Name, unit and factor of each figure, in the order in which they were measured.
    """
    for number, (what, unit, factor) in enumerate(figures):
        theirs = [other[number] for other, _ in found]
        mine = [this[number] for _, this in found]
        others, this = (f"{statistics.median(side) * factor:.1f} {unit}" for side in (theirs, mine))
        low, middle, high = statistics.quantiles(
            [b / a for a, b in zip(theirs, mine, strict=True) if a], n=4
        )
        yield what, others, this, f"{middle:.3f} ({low:.2f} to {high:.2f})"


def measured(target: Target, token: str, resource: str) -> Callable[[], list[float]]:
    """A function that loads a server for a slice of time: wall and processor seconds of a request."""
    context = child_context(target.authority, None)
    request = request_bytes(f"/api/v1/namespaces/kikai/{resource}", token)

    def measure() -> list[float]:
        before = cpu_seconds(target.pid)
        figures = run_loop(drive(target.port, context, request, 8, SLICE_SECONDS))
        return [1 / figures.per_second, (cpu_seconds(target.pid) - before) / figures.count]

    for _ in range(WARM_UP_SLICES):
        measure()
    return measure


def requests(other: Side, this: Side, rounds: int) -> Iterator[Row]:
    """Lists over eight kept-alive TLS connections."""
    answers = [side.ask("serve") for side in (other, this)]
    tokens = [answer.pop("token") for answer in answers]
    targets = [Target(**{**answer, "client": answer["client"].encode()}) for answer in answers]
    for name, resource in (("allowed", "services"), ("forbidden", "pods")):
        theirs, mine = (
            measured(target, token, resource) for target, token in zip(targets, tokens, strict=True)
        )
        yield from rows(
            pairs(theirs, mine, rounds),
            (f"{name} list", "µs", 1e6),
            (f"{name} list, CPU", "µs", 1e6),
        )
    for side in (other, this):
        side.end()


def starts(other: Side, this: Side, rounds: int) -> Iterator[Row]:
    """The time to the first answer with new keys, and the idle server's memory."""
    found = pairs(lambda: other.ask("start"), lambda: this.ask("start"), rounds)
    yield from rows(found, ("first answer", "ms", 1e3), ("idle memory", "MiB", 1.0))


def grading(other: Side, this: Side, rounds: int) -> Iterator[Row]:
    """Solved notebooks of thirty cells, graded in forks, ten in a slice."""
    for side in (other, this):
        side.ask("grade")
        for _ in range(WARM_UP_SLICES):
            side.ask("more")
    found = pairs(lambda: other.ask("more"), lambda: this.ask("more"), rounds)
    for side in (other, this):
        side.end()
    yield from rows(
        found, ("grading a notebook", "ms", 1e3), ("grading a notebook, CPU", "ms", 1e3)
    )


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.beside", description=__doc__)
    parser.add_argument("checkout", type=Path, help="the other checkout, with a .venv")
    parser.add_argument(
        "--rounds", type=int, default=24, help="how many pairs of measurements a row"
    )
    options = parser.parse_args()
    # Starts are measured as everybody has them: with bytecode, which this variable forbids to write.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    print(f"| {'what':26} | {'other':>14} | {'this':>14} | {'this/other (quartiles)':24} |")
    print(f"|{'-' * 28}|{'-' * 16}|{'-' * 16}|{'-' * 26}|")
    with Side(options.checkout) as other, Side(Path(__file__).parent.parent) as this:
        for section, share in ((starts, 1), (requests, 4), (grading, 3)):
            for what, theirs, mine, ratio in section(other, this, round(options.rounds * share)):
                print(f"| {what:26} | {theirs:>14} | {mine:>14} | {ratio:24} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
