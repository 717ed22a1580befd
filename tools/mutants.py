"""Plant small changes in a room's code, and see which of them its tests notice.

    python -m tools.mutants rbac                        as many changes as the room's `count` says, of seed 2
    python -m tools.mutants all                         the same in every room, one after the other
    python -m tools.mutants rbac --count 20 --seed 7
    python -m tools.mutants rbac --slow                 with the tests that only `make test-all` runs
    python -m tools.mutants rbac --again                only those that no test noticed the last time

Each change is made by one of the operators of ``tools/mutation.py`` in a copy of the checkout, where the tests that
enter its line run until one fails: in a fork of a process that has collected them (``tools/mutants_forks.py``), or, if
the changed line runs at the module's import, in a new process. Which tests enter a line is measured once for each
commit, by coverage. A change that no test notices is either behaviour that no test asserts, or equivalent: nobody could
tell it from what it replaces. Those that are known to be equivalent stand, with the reason, in ``tools/mutants.toml``,
beside the rooms.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import psutil

from tools.mutants_forks import CANNOT, MARK
from tools.mutation import Mutation, mutations

ROOT = Path(__file__).resolve().parent.parent
ROOMS: dict[str, Any] = tomllib.loads((ROOT / "tools" / "mutants.toml").read_text(encoding="utf-8"))
KEPT = ROOT / "build" / "mutants"
COUNT = 40
"""How many changes are planted in a room that names no other number."""

SEED = 2
"""Which ones. A new seed, now and then, shows whether tests were written against the drawn changes alone."""

FIRST = 40
"""The quickest tests that enter a line run first, alone: most changes are noticed by them."""

MOST_SECONDS = 20.0
"""After the first ones, tests are tried until they took so long in the measured run: slower ones seldom notice more."""

UNMEASURED_SECONDS = 60.0
"""How long the tests take that run if none enters a line by the measure: a learner's process has no environment left."""

PATIENCE_SECONDS = 120.0
"""What the tests of one change may take beyond five times what they took in the measured run."""


@dataclass
class Trace:
    """What the measured run of a room's tests gave: which tests enter a line, and how long each took."""

    seconds: dict[str, float] = field(default_factory=dict)
    entered: dict[str, dict[int, list[str]]] = field(default_factory=dict)

    def tests(self, mutation: Mutation) -> list[str]:
        """The tests that enter a mutation's lines, the quickest first."""
        lines = self.entered.get(mutation.file, {})
        names = {name for line in mutation.lines for name in lines.get(line, ()) if name}
        if names:
            return self._quickest(names)
        if not self.at_import(mutation):
            return self._with_processes()
        # It has no test of its own: first those that use the module may notice, then those that read its data.
        users = {name for entered in lines.values() for name in entered}
        return [*self._quickest(users), *self._quickest(self.seconds.keys() - users)]

    def _quickest(self, names: Set[str]) -> list[str]:
        ordered = sorted(names & self.seconds.keys(), key=lambda name: (self.seconds[name], name))
        sums = accumulate(self.seconds[name] for name in ordered)
        return ordered[: max(FIRST, sum(seconds <= MOST_SECONDS for seconds in sums))]

    def _with_processes(self) -> list[str]:
        """Those that can enter a line in a process that is not measured: the longest ones, since they start some."""
        ordered = sorted(self.seconds, key=lambda name: (-self.seconds[name], name))
        sums = accumulate(self.seconds[name] for name in ordered)
        return ordered[: sum(seconds <= UNMEASURED_SECONDS for seconds in sums)]

    def at_import(self, mutation: Mutation) -> bool:
        """Whether a mutation's lines run before any test."""
        lines = self.entered.get(mutation.file, {})
        return any("" in lines.get(line, ()) for line in mutation.lines)


# -- which tests enter a line ---------------------------------------------------------------


def trace(room: str, marks: str) -> Trace:
    """Run a room's tests under coverage, unless that was done for this commit already."""
    commit = _git("rev-parse", "HEAD") + _git(
        "diff", "HEAD", "--", "kube_embedded", "labkit", "tests"
    )
    file = KEPT / f"{room}-{abs(hash_of(commit + marks)):x}.json"
    if not file.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        print(f"{room}: which tests enter which line?", file=sys.stderr)
        command = [
            sys.executable,
            "-m",
            "tools.mutants_trace",
            str(file),
            marks,
            ",".join(ROOMS[room]["code"]),
        ]
        subprocess.run([*command, *ROOMS[room]["tests"]], cwd=ROOT, check=True, stdout=sys.stderr)
    return read(file)


def read(file: Path) -> Trace:
    """A trace that was written before."""
    document = json.loads(file.read_text(encoding="utf-8"))
    entered = {
        path: {int(line): tests for line, tests in lines.items()}
        for path, lines in document["entered"].items()
    }
    return Trace(document["seconds"], entered)


def hash_of(text: str) -> int:
    """A number for a text, the same in every process."""
    return random.Random(text).getrandbits(64)


def _git(*words: str) -> str:
    return subprocess.run(
        ["git", *words], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout


# -- choosing and planting ------------------------------------------------------------------


def chosen(room: str, count: int, seed: int) -> list[Mutation]:
    """Choose mutations of a room's code: an operator by chance, then a place, until there are enough."""
    equivalent = {
        (entry["file"], entry["was"], entry["becomes"])
        for entry in ROOMS[room].get("equivalent", ())
    }
    by_operator: dict[str, list[Mutation]] = {}
    for file in files_of(room):
        for mutation in mutations(file, (ROOT / file).read_text(encoding="utf-8")):
            by_operator.setdefault(mutation.operator, []).append(mutation)
    chance = random.Random(seed)
    for places in by_operator.values():
        chance.shuffle(places)
    picked: list[Mutation] = []
    while len(picked) < count and any(by_operator.values()):
        operator = chance.choice(sorted(name for name, places in by_operator.items() if places))
        mutation = by_operator[operator].pop()
        if (mutation.file, mutation.was, mutation.becomes) not in equivalent:
            picked.append(mutation)
    return picked


def files_of(room: str) -> list[str]:
    """The modules of a room, from the root of the checkout."""
    paths = sorted(path for pattern in ROOMS[room]["code"] for path in ROOT.glob(pattern))
    assert paths, f"{room} has no code"
    return [str(path.relative_to(ROOT)) for path in paths]


class Copy:
    """A copy of the checkout in which one mutation after the other is planted.

    Its tests have a home and a directory for temporary files of their own.
    """

    def __init__(self, root: Path, room: str, marks: str) -> None:
        self.root, self.marks = root, marks
        # A change can make labkit delete more than it should: planted in the clean-up of abandoned directories, one
        # emptied /tmp. The names are short, since a Unix socket's path has at most 107 bytes.
        self._environment = {**os.environ, "PYTHONPATH": str(root)}
        for variable, name in (("HOME", "h"), ("TMPDIR", "t")):
            directory = root.with_name(f"{name}{root.name}")
            directory.mkdir()
            self._environment[variable] = str(directory)
        here, answers = os.pipe()
        there, requests = os.pipe()
        self._forks = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tools.mutants_forks",
                str(there),
                str(answers),
                marks,
                *ROOMS[room]["tests"],
            ],
            cwd=root,
            env=self._environment,
            pass_fds=(there, answers),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        os.close(there)
        os.close(answers)
        self._requests = os.fdopen(requests, "w", encoding="utf-8")
        self._answers = os.fdopen(here, encoding="utf-8")
        assert self._answers.readline(), f"the process that forks ended with {self._forks.wait()}"

    def close(self) -> None:
        """End the process that forks."""
        self._requests.close()
        self._forks.wait()
        self._answers.close()

    def verdict(self, mutation: Mutation, trace: Trace) -> str:
        """Plant a mutation, run the tests that enter it, and take it out again; empty when they all pass."""
        tests = trace.tests(mutation)
        path = self.root / mutation.file
        original = path.read_text(encoding="utf-8")
        try:
            _write(path, mutation.source)
            noticed = (
                CANNOT
                if trace.at_import(mutation)
                else self._fork(mutation, original, tests, trace)
            )
            if noticed == CANNOT:
                noticed = self._run(tests[:FIRST], trace) or self._run(tests[FIRST:], trace)
            return noticed
        finally:
            _write(path, original)

    def _mark(self) -> str:
        return f"{os.getpid()}-{self.root.name}-{time.monotonic_ns()}"

    def _fork(self, mutation: Mutation, original: str, tests: Sequence[str], trace: Trace) -> str:
        mark = self._mark()
        request = {
            "file": mutation.file,
            "original": original,
            "source": mutation.source,
            "tests": tests,
            "seconds": _limit(tests, trace),
            "mark": mark,
        }
        self._requests.write(json.dumps(request) + "\n")
        self._requests.flush()
        answer = self._answers.readline()
        _end(mark)
        assert answer, f"the process that forks ended with {self._forks.wait()}"
        return answer.strip()

    def _run(self, tests: Sequence[str], trace: Trace) -> str:
        if not tests:
            return ""
        names = self.root / "tests.txt"
        names.write_text("\n".join(tests), encoding="utf-8")
        mark = self._mark()
        environment = {**self._environment, MARK: mark}
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "--tb=no",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
        ]
        process = subprocess.Popen(
            [*command, "-m", self.marks, f"@{names}"],
            cwd=self.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            output, _ = process.communicate(timeout=_limit(tests, trace))
        except subprocess.TimeoutExpired:
            return "does not end"
        finally:
            _end(mark)
            process.wait()
        if process.returncode == 0:
            return ""
        lines = [line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return lines[0].split(" - ")[0] if lines else f"pytest ended with {process.returncode}"


def _limit(tests: Iterable[str], trace: Trace) -> float:
    return PATIENCE_SECONDS + 5 * sum(trace.seconds[name] for name in tests)


STAMP = time.time()


def _write(path: Path, text: str) -> None:
    """Write a module with a time of its own: two texts of one length within a second would share their bytecode."""
    global STAMP
    STAMP += 2
    path.write_text(text, encoding="utf-8")
    os.utime(path, (STAMP, STAMP))


def _end(mark: str) -> None:
    """End all processes of a run of tests, those too that it left behind."""
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark:
                process.kill()
        except psutil.Error:
            continue


# -- the run ----------------------------------------------------------------------------------


def verdicts(
    room: str, picked: Iterable[Mutation], trace: Trace, marks: str, workers: int
) -> Iterator[tuple[Mutation, str]]:
    """Plant mutations in as many copies as there are workers; each with what noticed it, empty for those that live."""
    with tempfile.TemporaryDirectory(prefix="m-") as directory:
        free: SimpleQueue[Copy] = SimpleQueue()
        copies: list[Copy] = []
        for number in range(workers):
            root = Path(directory) / str(number)
            ignored = shutil.ignore_patterns(".git", ".venv", "build", "node_modules", ".*_cache")
            shutil.copytree(ROOT, root, ignore=ignored, symlinks=True)
            copies.append(Copy(root, room, marks))
            free.put(copies[-1])

        def one(mutation: Mutation) -> tuple[Mutation, str]:
            copy = free.get()
            try:
                return mutation, copy.verdict(mutation, trace)
            finally:
                free.put(copy)

        with ThreadPoolExecutor(workers) as pool:
            yield from pool.map(one, picked)
        for copy in copies:
            copy.close()


def summary(results: Mapping[Mutation, str]) -> str:
    """How many were noticed, and by which operator those were made that were not."""
    living = [mutation for mutation, noticed in results.items() if not noticed]
    noticed = len(results) - len(living)
    lines = [
        f"\n{noticed} of {len(results)} noticed ({100 * noticed / max(1, len(results)):.1f} %)"
    ]
    lines += [
        f"{mutation.file}:{mutation.line}: {mutation.operator}\n  - {mutation.was}\n  + {mutation.becomes}"
        for mutation in living
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Plant the changes of a room. Returns the exit code: 1 when fewer than 95 % are noticed."""
    parser = argparse.ArgumentParser(
        description="Plant small changes, and see which of them the tests notice."
    )
    parser.add_argument("room", choices=["all", *sorted(ROOMS)])
    parser.add_argument("--count", type=int, help="how many (the room's `count`)")
    parser.add_argument("--seed", type=int, default=SEED, help=f"which ones ({SEED})")
    parser.add_argument("--slow", action="store_true", help="run the tests of `make test-all` too")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--trace", type=Path, metavar="FILE", help="an earlier run's, of the same code"
    )
    parser.add_argument("--again", action="store_true", help="only those that lived the last time")
    options = parser.parse_args(arguments)
    marks = EXPRESSION if not options.slow else EXPRESSION_OF_ALL
    rooms = sorted(ROOMS) if options.room == "all" else [options.room]
    noticed = [survey(room, marks, options) for room in rooms]
    return int(not all(noticed))


def survey(room: str, marks: str, options: argparse.Namespace) -> bool:
    """Plant the changes of one room and print the verdicts; return whether at least 95 % were noticed."""
    started = time.monotonic()
    measured = read(options.trace) if options.trace else trace(room, marks)
    count = options.count or ROOMS[room].get("count", COUNT)
    results: dict[Mutation, str] = {}
    picked = chosen(room, count, options.seed)
    file = KEPT / f"{room}-{options.seed}-{count}-living.json"
    if options.again:
        lived = {tuple(key) for key in json.loads(file.read_text(encoding="utf-8"))}
        picked = [mutation for mutation in picked if _key(mutation) in lived]
    for mutation, noticed in verdicts(room, picked, measured, marks, options.workers):
        results[mutation] = noticed
        line = f"{mutation.file}:{mutation.line} {mutation.operator}"
        print(f"{len(results):4} {line}: {noticed or 'LIVES'}", flush=True)
    print(f"\n{room}: {(time.monotonic() - started) / 60:.1f} min", end="")
    print(summary(results))
    living = [_key(mutation) for mutation, noticed in results.items() if not noticed]
    KEPT.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(living), encoding="utf-8")
    return sum(map(bool, results.values())) >= 0.95 * len(results)


def _key(mutation: Mutation) -> tuple[str, int, str, str]:
    """Return the parts of a mutation that stay the same while only tests change."""
    return mutation.file, mutation.line, mutation.was, mutation.becomes


OTHERS = "browser or hub or kind or node or page or reach or soak"
EXPRESSION, EXPRESSION_OF_ALL = f"not (slow or {OTHERS})", f"not ({OTHERS})"
"""The tests of ``make test``, and those of ``make test-all``."""


if __name__ == "__main__":
    sys.exit(main())
