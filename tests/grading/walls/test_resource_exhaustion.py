"""Submissions that use up memory that no limit counts, answers or connections; and those that only need some."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from textwrap import indent

import pytest

from kube_embedded.tests.support.slow import slow_but
from labkit.grading.clusters.budget import Quota
from labkit.grading.graders.grader import Grader
from labkit.grading.walls import root_directory, seccomp
from tests.grading.conftest import PATIENT
from tests.grading.support import IN_A_KERNEL, SETUP, grade, solved_cells, submit

EXERCISE = "ex4-roles"
CALL = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def call(what, *arguments):
    done = getattr(libc, what)(*arguments)
    print(what, "refused" if done < 0 else "worked")
"""
CALLS = {
    "files-without-a-name": CALL + "call('memfd_create', b'x', 0)",
    "shared-memory": CALL + "call('shmget', 0, 60_000_000, 0o1600)",
    "semaphores": CALL + "call('semget', 0, 30_000, 0o1600)",
    "queues": CALL + "call('msgget', 0, 0o1600)",
    "namespaces": CALL + "call('unshare', 0x10020000)",
    "cloned-namespaces": CALL
    + "call('syscall', 56 if os.uname().machine == 'x86_64' else 220, 0x10000011, 0, 0, 0, 0)",
    "file-systems": CALL + "call('mount', b'none', b'/tmp', b'tmpfs', 0, b'size=4g')",
    "rings": CALL + "call('syscall', 425, 8, ctypes.create_string_buffer(256))",
}


@pytest.mark.parametrize("source", CALLS)
def test_memory_that_no_limit_counts_is_not_to_be_had(
    source: str, grader: Grader, tmp_path: Path
) -> None:
    if sys.platform != "linux" or os.uname().machine not in seccomp.MACHINES:
        pytest.skip("system calls are refused on Linux, x86-64 and arm64 (docs/grading.md)")
    submit(tmp_path, "eve", EXERCISE, [CALLS[source]])
    result = grade(grader, tmp_path)["eve"]
    assert "refused" in result.output, result.output
    assert "worked" not in result.output


@pytest.mark.parametrize("cells", slow_but([[], [IN_A_KERNEL]], []), ids=["at-once", "in-a-kernel"])
def test_threads_processes_and_memory_of_pythons_kind_go_on_working(
    cells: list[str], grader: Grader, tmp_path: Path
) -> None:
    work = """
import getpass, multiprocessing, subprocess, sys
from multiprocessing import shared_memory
from multiprocessing.pool import ThreadPool
context = multiprocessing.get_context("fork")
queue = context.Queue()
context.Process(target=queue.put, args=("process",)).start()
memory = shared_memory.SharedMemory(create=True, size=1000)
memory.close()
memory.unlink()
with ThreadPool(12) as pool:
    sizes = pool.map(lambda size: len(bytearray(size)), [10 << 20] * 12)
print(queue.get(), "threads" if sum(sizes) == 120 << 20 else sizes, len(bytearray(300 << 20)), getpass.getuser())
print(subprocess.run([sys.executable, "-c", "print('python')"], capture_output=True, text=True).stdout)
"""
    submit(tmp_path, "ann", EXERCISE, [*cells, work])
    output = grade(grader, tmp_path)["ann"].output
    assert all(word in output for word in ("process threads 314572800 learner", "python")), output


def test_a_cell_may_await(grader: Grader, tmp_path: Path) -> None:
    submit(tmp_path, "ann", EXERCISE, ["import asyncio\nprint(await asyncio.sleep(0, 'awaited'))"])
    output = grade(grader, tmp_path)["ann"].output
    assert "awaited" in output, output


def test_how_the_graders_machine_is_set_up_is_not_shown(grader: Grader, tmp_path: Path) -> None:
    if grader.level == "plain":
        pytest.skip("no namespaces here (docs/grading.md)")
    submit(tmp_path, "eve", EXERCISE, [f"KNOWN = {root_directory.VISIBLE_SETTINGS!r}", LOOK])
    output = grade(grader, tmp_path)["eve"].output
    assert "others []" in output, output
    assert "127.0.0.1" in output


LOOK = """
import os, pwd, socket
print("others", sorted(set(os.listdir('/etc')) - set(KNOWN)))
print(socket.gethostbyname('localhost'), pwd.getpwuid(0))
"""


def test_answers_that_nobody_reads_come_to_an_end(tmp_path: Path) -> None:
    source = """
text = "x" * 900_000
_ = lab.admin.post("/api/v1/namespaces/default/configmaps", {"metadata": {"name": "c"}, "data": {"a": text}})
status, number = 200, 0
while status == 200:
    status, number = lab.admin.get("/api/v1/configmaps").status, number + 1
print("ended with", status, "after", number)
"""
    submit(tmp_path, "eve", EXERCISE, [SETUP, source])
    submit(tmp_path, "ann", EXERCISE, solved_cells(EXERCISE, "ann"))
    with Grader(limits=PATIENT, quota=Quota(answered_bytes=8 << 20)) as strict:
        results = grade(strict, tmp_path)
    assert "ended with 429 after 1" in results["eve"].output, results["eve"].output
    assert "answered more than 8 MiB" in results["eve"].note
    assert results["ann"].passed


def test_one_request_keeps_nobody_waiting(patient_grader: Grader, tmp_path: Path) -> None:
    """What is large and has many parts is refused, text is not, and a set gets fewer pods where each is much work."""
    large = """
env = lambda count: {"containers": [{"name": "a", "image": "b", "env": [{"name": f"E{n}"} for n in range(count)]}]}
space = "/api/v1/namespaces/configmaps"
lab.admin.post("/api/v1/namespaces", {"metadata": {"name": "configmaps"}})
answer = lab.admin.post(space + "/pods", {"metadata": {"name": "large"}, "spec": env(20_000)})
print("large", answer.status, answer.body["message"])
print("text", lab.admin.post(space + "/configmaps", {"metadata": {"name": "c"}, "data": {"a": "x" * 900_000}}).status)
spec = {"selector": {"matchLabels": {"a": "b"}}, "replicas": 100}
spec["template"] = {"metadata": {"labels": {"a": "b"}}, "spec": env(1000)}
path = "/apis/apps/v1/namespaces/configmaps/deployments"
print("many", lab.admin.post(path, {"metadata": {"name": "many"}, "spec": spec}).status)
print("pods", len(lab.admin.get(space + "/pods").items))
"""
    submit(tmp_path, "eve", EXERCISE, [SETUP, large])
    output = grade(patient_grader, tmp_path)["eve"].output
    assert (
        "large 413 While it is graded, a cluster takes no more than 128 KiB at once." in output
    ), output
    assert "text 201" in output
    assert "many 201" in output
    assert 1 < int(output.partition("pods ")[2].split()[0]) < 30


@pytest.mark.slow
def test_what_watches_tell_is_counted_too(tmp_path: Path) -> None:
    source = """
text = "x" * 900_000
_ = lab.admin.post("/api/v1/namespaces/default/configmaps", {"metadata": {"name": "c"}, "data": {"a": text}})
watches = [lab.admin.watch("/api/v1/namespaces/default/configmaps") for _ in range(9)]
print(*(len(next(watch)["object"]["data"]["a"]) for watch in watches))
print("then", lab.admin.get("/version").status)
"""
    submit(tmp_path, "eve", EXERCISE, [SETUP, source])
    with Grader(limits=PATIENT, quota=Quota(answered_bytes=8 << 20)) as strict:
        result = grade(strict, tmp_path)["eve"]
    assert "900000 900000 " in result.output, result.output
    assert "then 429" in result.output
    assert "answered more than 8 MiB" in result.note


CLIENT = """
import contextlib, json, os, socket, ssl
url = json.loads(open(os.environ["KUBECONFIG"]).read())["clusters"][0]["cluster"]["server"]
address, context = ("127.0.0.1", int(url.rsplit(":", 1)[1])), ssl._create_unverified_context()

def connect():
    return context.wrap_socket(socket.create_connection(address))
"""

NO_REQUESTS = {
    "handshakes": "for _ in range(10_000): connect().close()",
    "a-chunk-that-never-begins": """
head = b"POST /api HTTP/1.1\\r\\nHost: a\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n1;"
for _ in range(10_000):
    server = connect()
    with contextlib.suppress(OSError):
        server.sendall(head)
        for _ in range(1000): server.sendall(b"a" * 60_000)
""",
}


@pytest.mark.slow
@pytest.mark.parametrize("case", slow_but(NO_REQUESTS, "a-chunk-that-never-begins"))
def test_what_is_no_request_is_paid_for_as_well(case: str, tmp_path: Path) -> None:
    source = (
        f"{CLIENT}\ntry:\n{indent(NO_REQUESTS[case], '    ')}\nexcept OSError:\n    print('cut')"
    )
    submit(tmp_path, "eve", EXERCISE, [source])
    submit(tmp_path, "ann", EXERCISE, solved_cells(EXERCISE, "ann"))
    with Grader(limits=PATIENT, quota=Quota(seconds=0.3)) as strict:
        results = grade(strict, tmp_path)
    assert results["eve"].output == "cut\n"
    assert "it took the server more than 0.3 s" in results["eve"].note
    assert results["ann"].passed


def test_connections_come_to_an_end(tmp_path: Path) -> None:
    source = """
import json, os, socket, ssl
url = json.loads(open(os.environ["KUBECONFIG"]).read())["clusters"][0]["cluster"]["server"]
context, kept, refused = ssl._create_unverified_context(), [], 0
for _ in range(12):
    try:
        kept.append(context.wrap_socket(socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])))))
    except OSError:
        refused += 1
print("kept", len(kept), "refused", refused)
"""
    submit(tmp_path, "eve", EXERCISE, [source])
    with Grader(limits=PATIENT, quota=Quota(connections=8)) as strict:
        output = grade(strict, tmp_path)["eve"].output
    assert "kept 8 refused 4" in output, output
