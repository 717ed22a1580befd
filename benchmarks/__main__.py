"""``python -m benchmarks``: every figure of docs/performance.md, in one run."""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from benchmarks import (
    browser,
    classroom,
    cluster,
    grading,
    matrix,
    page,
    policies,
    scale,
    server,
    waiting,
    watches,
)
from benchmarks.load import Figures, load
from kube_embedded.machinery.pki.keys import Keys

Row = tuple[str, str, str]
"""What, measured, goal (or what a real control plane does)."""

SERVICES = "/api/v1/namespaces/kikai/services"


def start_up(_: argparse.Namespace) -> Iterator[Row]:
    """Time to the first authenticated answer, and the idle server's memory."""
    fresh, again, idle = [], [], []
    for _round in range(5):
        with tempfile.TemporaryDirectory(prefix="labkit-bench-") as folder:
            with server.embedded(Path(folder)) as (_running, seconds):
                fresh.append(seconds)
            with server.embedded(Path(folder)) as (running, seconds):
                again.append(seconds)
                time.sleep(0.3)
                idle.append(psutil.Process(running.pid).memory_info().rss / 1024**2)
    yield (
        "first answer, process, state kept",
        f"{statistics.median(again):.3f} s",
        "0.3 s (real: 2.6 s)",
    )
    yield "first answer, process, new keys", f"{statistics.median(fresh):.3f} s", "0.5 s"
    yield (
        "first answer, in process, keys given",
        f"{cluster.first_answer(Keys.generate()) * 1000:.1f} ms",
        "50 ms",
    )
    yield "idle memory", f"{statistics.median(idle):.0f} MiB", "70 MiB (real: 447)"


def labkit_up(_: argparse.Namespace) -> Iterator[Row]:
    """From ``labkit up`` to the first authenticated answer, as a person would have it."""
    times = []
    for _round in range(3):
        with tempfile.TemporaryDirectory(prefix="labkit-bench-") as folder:
            environment = {"LABKIT_HOME": folder, "PATH": "/usr/bin:/bin", "HOME": folder}
            program = [sys.executable, "-m", "labkit"]
            begin = time.perf_counter()
            subprocess.run([*program, "up"], env=environment, check=True, capture_output=True)
            server.target(Path(folder), 0).call("GET", "/api/v1/namespaces/default")
            times.append(time.perf_counter() - begin)
            subprocess.run([*program, "down"], env=environment, check=True, capture_output=True)
    yield "labkit up to first answer, new keys", f"{statistics.median(times):.3f} s", "0.5 s"


def prepare(running: server.Target) -> str:
    """The walkthrough's picture: an account that may list services and no pods. Its token."""
    group = "rbac.authorization.k8s.io"
    objects = [
        (
            "/api/v1/namespaces",
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kikai"}},
        ),
        (
            SERVICES,
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "web"},
                "spec": {"ports": [{"port": 80}]},
            },
        ),
        (
            f"/apis/{group}/v1/namespaces/kikai/roles",
            {
                "apiVersion": f"{group}/v1",
                "kind": "Role",
                "metadata": {"name": "service-reader"},
                "rules": [{"apiGroups": [""], "resources": ["services"], "verbs": ["get", "list"]}],
            },
        ),
        (
            f"/apis/{group}/v1/namespaces/kikai/rolebindings",
            {
                "apiVersion": f"{group}/v1",
                "kind": "RoleBinding",
                "metadata": {"name": "test"},
                "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "kikai"}],
                "roleRef": {"kind": "Role", "name": "service-reader", "apiGroup": group},
            },
        ),
    ]
    for path, body in objects:
        status, answer = running.call("POST", path, body)
        if status != 201:
            raise RuntimeError(f"POST {path}: {status} {answer}")
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    _, answer = running.call(
        "POST", "/api/v1/namespaces/kikai/serviceaccounts/default/token", request
    )
    token: str = answer["status"]["token"]
    return token


def throughput(options: argparse.Namespace) -> Iterator[Row]:
    """Lists over TLS with kept-alive connections, beside a bare aiohttp server."""
    with (
        tempfile.TemporaryDirectory(prefix="labkit-bench-") as folder,
        server.embedded(Path(folder)) as (running, _seconds),
    ):
        token = prepare(running)
        _, listed = running.call("GET", SERVICES)
        allowed, forbidden = SERVICES, "/api/v1/namespaces/kikai/pods"
        goals = {("allowed", 1): "p50 0.4 ms (real: 0.8)", ("allowed", 8): "8,000 (real: 3,230)"}
        goals |= {("forbidden", 8): "10,000 (real: 10,800)"}
        body = str(listed).encode()
        seconds = options.seconds
        with server.bare_aiohttp(running, Path(folder), body) as bare:
            for connections in (1, 8):
                reference = load(bare, "/", connections=connections, seconds=seconds)
                yield _load_row("bare aiohttp", connections, reference, None, "")
                for name, path, status in (
                    ("allowed", allowed, 200),
                    ("forbidden", forbidden, 403),
                ):
                    figures = load(
                        running, path, token=token, connections=connections, seconds=seconds
                    )
                    if figures.status != status:
                        raise RuntimeError(f"{path} gave {figures.status}")
                    yield _load_row(
                        f"{name} list",
                        connections,
                        figures,
                        reference,
                        goals.get((name, connections), ""),
                    )
        memory = psutil.Process(running.pid).memory_info().rss / 1024**2
        yield "memory after that load", f"{memory:.0f} MiB", ""


def _load_row(
    name: str, connections: int, figures: Figures, reference: Figures | None, goal: str
) -> Row:
    share = f" ({figures.per_second / reference.per_second:.0%} of bare)" if reference else ""
    times = f"p50 {figures.p50:.2f}, p99 {figures.p99:.2f} ms, CPU {figures.cpu_us:.0f} µs"
    measured = f"{figures.per_second:,.0f}/s{share}, {times}"
    return f"{name}, {connections} connection{'s' if connections > 1 else ''}", measured, goal


def fan_out(_: argparse.Namespace) -> Iterator[Row]:
    """A thousand idle watches and one write."""
    with (
        tempfile.TemporaryDirectory(prefix="labkit-bench-") as folder,
        server.embedded(Path(folder)) as (running, _seconds),
    ):
        for count in (100, 1000):
            figures = watches.fan_out(running, count)
            measured = f"first {figures['first_ms']:.0f} ms, last {figures['last_ms']:.0f} ms"
            measured += f", {figures['kib_a_watch']:.0f} KiB a watch"
            yield f"one write to {count:,} watches", measured, "100 ms" if count == 1000 else ""


def waits(options: argparse.Namespace) -> Iterator[Row]:
    """The longest wait of a small request beside each that takes long."""
    with (
        tempfile.TemporaryDirectory(prefix="labkit-bench-") as folder,
        server.embedded(Path(folder), "--no-node") as (running, _seconds),
    ):
        waiting.prepare(running, options.objects, 1000)
        for request in waiting.long_requests():
            idle, beside = waiting.longest_waits(running, request)
            measured = f"{beside * 1000:.0f} ms; beside an idle server {idle * 1000:.0f} ms"
            yield f"longest wait beside {request[0]}", measured, "250 ms more"


def growth(_: argparse.Namespace) -> Iterator[Row]:
    """How the core grows: objects, bindings, clusters."""
    keys = Keys.generate()
    for row in cluster.many_objects(keys, (1000, 2500, 5000, 10000)):
        measured = f"list {row['list_ms']:.1f} ms, select a tenth {row['select_ms']:.1f} ms"
        measured += f", pages of 500 {row['pages_ms']:.1f} ms, get {row['get_us']:.0f} µs, create {row['create_us']:.0f} µs"
        yield f"{row['objects']:,.0f} objects in a namespace", measured, "linear"
    rows = cluster.bindings(keys, (10, 100, 1000))
    for row in rows:
        measured = f"allowed {row['allowed_us']:.0f} µs, forbidden {row['forbidden_us']:.0f} µs"
        yield f"a request beside {row['bindings']:,.0f} bindings", measured, ""
    ratio = max(rows[-1][name] / rows[0][name] for name in ("allowed_us", "forbidden_us"))
    yield "1,000 bindings against 10", f"{ratio:.2f} times", "2 times"
    figures = cluster.many_clusters(1000)
    measured = f"{figures['total_mib']:.0f} MiB in all, {figures['kib_each']:.0f} KiB and {figures['ms_each']:.1f} ms each"
    yield "1,000 clusters in a process", measured, "1,024 MiB"


def rewinding(_: argparse.Namespace) -> Iterator[Row]:
    """One rewind, one checkpoint."""
    with (
        tempfile.TemporaryDirectory(prefix="labkit-bench-") as folder,
        server.embedded(Path(folder)) as (running, _seconds),
    ):
        restores = []
        for _number in range(10):
            running.call(
                "POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": "later"}}
            )
            begin = time.perf_counter()
            _expect(running.call("POST", "/kube-embedded/snapshots/pristine/restore"))
            restores.append(time.perf_counter() - begin)
        note = "100 ms (with a new TLS connection)"
        yield "rewind to the beginning", f"{statistics.median(restores) * 1000:.1f} ms", note


def widgets(_: argparse.Namespace) -> Iterator[Row]:
    """From a notebook's cell to the painted widget, and the access matrix alone."""
    with tempfile.TemporaryDirectory(prefix="labkit-bench-") as folder:
        first, later = matrix.seconds(Path(folder))
    measured = f"first {first * 1000:.0f} ms, then median {statistics.median(later) * 1000:.0f} ms"
    yield (
        "matrix of 10 subjects × 40 permissions",
        f"{measured}, min {min(later) * 1000:.0f}",
        "300 ms",
    )
    yield from browser.widgets()


def tests_of_policies(_: argparse.Namespace) -> Iterator[Row]:
    """Wrong policies, many bindings, and the judging of exercise 7."""
    yield from policies.rows()


def pages(_: argparse.Namespace) -> Iterator[Row]:
    """The lab in a browser's page."""
    yield from page.page()


def _expect(answer: tuple[int, object]) -> None:
    if answer[0] not in (200, 201):
        raise RuntimeError(str(answer))


def grades(options: argparse.Namespace) -> Iterator[Row]:
    """Solved notebooks of thirty cells: forked, in a real kernel, and by nbgrader."""
    with tempfile.TemporaryDirectory(prefix="labkit-bench-") as folder:
        course = Path(folder) / "course"
        grading.hand_in(course, options.notebooks)
        few = min(12, options.notebooks)
        fast = grading.graded(course, options.notebooks, kernel=False)
        yield _grading_row("graded in a fork", fast, None, "1,500 a minute")
        if shutil.which("kubectl"):
            calling = Path(folder) / "kubectl"
            grading.hand_in(calling, options.notebooks, *grading.KUBECTL)
            run = grading.graded(calling, options.notebooks, kernel=False)
            yield _grading_row(
                f"the same and {len(grading.KUBECTL)} `!kubectl` cells", run, fast, "half of it"
            )
        kernel = grading.graded(course, few, kernel=True)
        yield _grading_row("graded in a real kernel, behind walls", kernel, fast, "the same scores")
        theirs = grading.autograded(Path(folder) / "theirs", few)
        yield _grading_row("nbgrader's autograde", theirs, fast, "(before: 1.2 to 1.6 s each)")
        ratios = f"{fast.per_minute / theirs.per_minute:.0f} and {kernel.per_minute / theirs.per_minute:.1f} times"
        yield "fork and kernel against nbgrader", ratios, ""


def scales(options: argparse.Namespace) -> Iterator[Row]:
    """Solved notebooks on 1, 2 and 4 workers of a Dask cluster, and tasks that only sleep."""
    with tempfile.TemporaryDirectory(prefix="labkit-bench-") as folder:
        room = Path(folder)
        entries = scale.submissions(room / "course", min(100, options.notebooks))
        alone = scale.alone(entries)
        yield "one grader, one at a time, without Dask", _speed(alone), ""
        for workers in (1, 2, 4):
            speed = scale.on_workers(room / f"workers-{workers}", entries, workers)
            overhead = (
                f", {speed.each_ms - alone.each_ms:+.0f} ms a submission" if workers == 1 else ""
            )
            yield (
                f"Dask, {workers} worker{'s' if workers > 1 else ''} of one thread",
                _speed(speed) + overhead,
                "",
            )
        speed, used = scale.simulated(room / "simulated", entries[0])
        cpu = ", ".join(f"{name} {milliseconds:.1f}" for name, milliseconds in used.items())
        yield "tasks that sleep 0.2 s, 64 at once", f"{_speed(speed)}, CPU ms a task: {cpu}", ""


def _speed(speed: scale.Speed) -> str:
    return f"{speed.count:,} in {speed.seconds:.1f} s = {speed.per_minute:,.0f}/min"


def _grading_row(name: str, run: grading.Run, same: grading.Run | None, goal: str) -> Row:
    measured = f"{run.notebooks} in {run.seconds:.1f} s = {run.per_minute:,.0f}/min, CPU {run.each_ms:,.0f} ms each"
    if same is not None:
        differ = sum(same.scores[learner] != points for learner, points in run.scores.items())
        measured += f", {differ} scores differ" if differ else ", same scores"
    return name, measured, goal


def in_class(_: argparse.Namespace) -> Iterator[Row]:
    """A class of 40 and of 200 on one laptop."""
    yield from classroom.classes()


SECTIONS: dict[str, Callable[[argparse.Namespace], Iterator[Row]]] = {
    "start": start_up,
    "up": labkit_up,
    "load": throughput,
    "watches": fan_out,
    "waits": waits,
    "growth": growth,
    "rewind": rewinding,
    "grade": grades,
    "scale": scales,
    "widgets": widgets,
    "policies": tests_of_policies,
    "page": pages,
    "class": in_class,
}


def main() -> int:
    """Print the table; 1 when a section could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=sorted(SECTIONS), help="measure only this"
    )
    parser.add_argument("--seconds", type=float, default=4.0, help="length of each load run")
    parser.add_argument("--notebooks", type=int, default=200, help="how many are graded in forks")
    parser.add_argument(
        "--objects", type=int, default=50_000, help="how many there are beside long requests"
    )
    options = parser.parse_args()
    # Starts are measured as everybody has them: with bytecode, which this variable forbids to write.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    print(f"| {'what':40} | {'measured':78} | {'goal':36} |")
    print(f"|{'-' * 42}|{'-' * 80}|{'-' * 38}|")
    failed = 0
    for name, section in SECTIONS.items():
        if options.only and name not in options.only:
            continue
        try:
            for what, measured, goal in section(options):
                print(f"| {what:40} | {measured:78} | {goal:36} |", flush=True)
        except Exception as error:  # a section that fails must not take the others with it
            failed += 1
            print(f"| {name:40} | {f'not measured: {error!r}'[:78]:78} | {'':36} |", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
