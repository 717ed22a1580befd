"""Run tests under coverage, and write which of them enter which line: the measured run of ``tools.mutants``.

python -m tools.mutants_trace OUTPUT MARKS CODE[,CODE…] TESTS…

Processes that a test starts are measured too. A process that serves several tests counts for the first of them, and one
that is killed, or that starts without its parent's environment, does not count.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Generator, Sequence
from pathlib import Path

import coverage
import pytest

ROOT = Path(__file__).resolve().parent.parent


# pytest sets PYTEST_CURRENT_TEST, and every process that a test starts reads these settings with its value.
SETTINGS = """\
[run]
data_file = {data}
include = {include}
patch = subprocess, _exit
sigterm = true
context = ${{PYTEST_CURRENT_TEST-}}
"""

PHASE = re.compile(r" \((?:setup|call|teardown)\)$")
"""The end of that variable's value."""


class Contexts:
    """Gives each test a context of its own in coverage's data, and counts its seconds."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self.seconds: dict[str, float] = {}
        self._measured = measured

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Set-up, test and tear-down of one test."""
        self._measured.switch_context(item.nodeid)
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a phase; a test that is red or skipped notices nothing."""
        if report.failed or report.skipped:
            self.seconds[report.nodeid] = float("inf")
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration


def main(arguments: Sequence[str]) -> int:
    """Run, and write. Returns the exit code."""
    output, marks, code, *tests = arguments
    include = ",".join(str(ROOT / pattern) for pattern in code.split(","))
    with tempfile.TemporaryDirectory(prefix="labkit-mutants-") as directory:
        settings = Path(directory) / "coveragerc"
        settings.write_text(SETTINGS.format(data=f"{directory}/data", include=include))
        measured = coverage.Coverage(config_file=str(settings))
        contexts = Contexts(measured)
        measured.start()
        ended = pytest.main(
            ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", marks, *tests],
            plugins=[contexts],
        )
        measured.stop()
        measured.save()
        measured.combine()
        data = measured.get_data()
        entered = {
            str(Path(file).relative_to(ROOT)): {
                line: sorted({PHASE.sub("", test) for test in entering})
                for line, entering in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
        }
    seconds = {name: taken for name, taken in contexts.seconds.items() if taken < float("inf")}
    if not seconds or ended not in (0, 1):
        print(f"pytest ended with {ended}", file=sys.stderr)
        return 1
    Path(output).write_text(json.dumps({"seconds": seconds, "entered": entered}), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
