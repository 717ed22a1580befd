"""A lesson survives the end of the hub, of a server and of a learner's whole machine; one hub, in this order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.hub.hub import ROOT, Hub, until

pytestmark = pytest.mark.hub

NAMESPACE = "lab.apply(f'kind: Namespace\\napiVersion: v1\\nmetadata: {{name: made-{number}}}')"


def test_the_hub_s_link_pulls_a_teacher_s_notebooks(hub: Hub) -> None:
    ann = hub.users[0]
    kernel = hub.kernel(ann)
    kernel.run(
        "import subprocess\n"
        "for words in ('init --quiet --initial-branch main course', '-C course config user.email t@example.org',\n"
        "              '-C course config user.name t'):\n"
        "    subprocess.run(['git', *words.split()], check=True)\n"
        "open('course/lesson.ipynb', 'w').write('{}')\n"
        "for words in ('-C course add .', '-C course commit --quiet -m Lesson'):\n"
        "    subprocess.run(['git', *words.split()], check=True)"
    )
    link = (
        f"/user/{ann.name}/git-pull/api?repo=file://{ann.home}/course&branch=main&targetpath=pulled"
    )
    assert '"phase": "finished"' in hub.call(ann, "GET", link).text
    assert (ann.home / "pulled" / "lesson.ipynb").read_text() == "{}"
    page = hub.call(
        ann,
        "GET",
        f"/user/{ann.name}/git-pull?repo=file://{ann.home}/course&branch=main&urlpath=lab",
    )
    assert (page.status_code, "nbgitpuller" in page.text) == (200, True)


def test_two_servers_of_one_user_share_the_cluster(hub: Hub) -> None:
    ann = hub.users[0]
    hub.start_server(ann, "second")
    kernels = [hub.kernel(ann), hub.kernel(ann, "second")]
    kernels[0].run("from labkit import Lab\nLab().stop()")
    # Both start it at the same moment.
    both = [
        threading.Thread(target=kernel.run, args=("from labkit import Lab\nlab = Lab()",))
        for kernel in kernels
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    facts = [
        kernel.value("[lab.admin.server, lab.status().facts['process']]") for kernel in kernels
    ]
    assert facts[0] == facts[1]
    assert sum("kube_embedded" in command for command in ann.processes().values()) == 1
    kernels[0].run("number = 'by-the-first'\n" + NAMESPACE)
    assert kernels[1].value("lab.admin.get('/api/v1/namespaces/made-by-the-first').ok")
    # Both write progress at once, without losses.
    writes = (
        "for number in range({}, 24, 2):\n    lab.progress.note(f'W{{number + 1}}', both=number)"
    )
    both = [
        threading.Thread(target=kernel.run, args=(writes.format(at),))
        for at, kernel in enumerate(kernels)
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    noted = kernels[0].value(
        "[lab.progress.entry(f'W{number + 1}').get('both') for number in range(24)]"
    )
    assert noted == list(range(24))
    assert hub.call(ann, "DELETE", f"/hub/api/users/{ann.name}/servers/second").status_code in (
        202,
        204,
    )
    until(
        lambda: not hub.servers(ann).get("second", {}).get("ready"),
        "the second server does not end",
    )
    assert kernels[0].value("lab.admin.get('/api/v1/namespaces').ok"), (
        "the cluster stays for the first"
    )


def test_a_hub_that_dies_and_comes_back_interrupts_no_lesson(hub: Hub) -> None:
    ann, bob = hub.users
    kernel = hub.kernel(ann)
    kernel.run("from labkit import Lab\nlab = Lab()\nkept = 42\nnumber = 'before'\n" + NAMESPACE)
    before = ann.processes()
    hub.stop("hub", signal.SIGKILL)
    # The proxy still leads to the server, and an open notebook goes on.
    kernel.run("number = 'without-a-hub'\n" + NAMESPACE)
    hub.start()
    assert hub.servers(ann)[""]["ready"]
    assert hub.servers(bob)[""]["ready"]
    assert before.items() <= ann.processes().items(), "no process of the learner ended"
    kernel.run("number = 'after'\n" + NAMESPACE)
    made = "[lab.admin.get(f'/api/v1/namespaces/made-{name}').ok for name in ('before', 'without-a-hub', 'after')]"
    assert kernel.value(made) == [True] * 3
    again = hub.call(ann, "GET", f"/user/{ann.name}/api/kernels/{kernel.id}")
    assert again.status_code == 200, "the hub that came back knows the tokens of before"
    assert kernel.value("kept") == 42


def test_a_server_that_dies_loses_nothing_it_has_confirmed(hub: Hub) -> None:
    """A Binder that dies, or a pod that is out of memory: every process of the learner at once, during writes."""
    ann = hub.users[0]
    kernel = hub.kernel(ann)
    kernel.run("from labkit import Lab\nlab = Lab()\nlab.predict('W15', 'allowed')")
    kernel.run("confirmed = open('confirmed', 'a', buffering=1)")
    steps = (NAMESPACE, "print(number, file=confirmed)", "lab.progress.note('W16', number=number)")
    loop = "\n    ".join(("for number in range(100_000):", *steps))

    def write() -> None:
        with suppress(Exception):
            kernel.run(loop)

    writer = threading.Thread(target=write)
    writer.start()
    confirmed = ann.home / "confirmed"
    until(
        lambda: confirmed.exists() and confirmed.read_text().count("\n") > 20, "nothing is written"
    )
    ann.kill()
    writer.join()
    assert ann.processes() == {}
    until(lambda: "" not in hub.servers(ann), "the hub does not notice")
    hub.start_server(ann)
    kernel = hub.kernel(ann)
    kernel.run("from labkit import Lab\nlab = Lab()")
    numbers = [int(line) for line in confirmed.read_text().split()]
    assert numbers == list(range(len(numbers)))
    listed = (
        "[entry['metadata']['name'] for entry in lab.admin.get('/api/v1/namespaces').body['items']]"
    )
    names = set(kernel.value(listed))
    assert {f"made-{number}" for number in numbers} <= names
    assert {"made-before", "made-without-a-hub", "made-after"} <= names
    assert kernel.value("lab.progress.prediction('W15')") == "allowed"
    assert kernel.value("lab.progress.entry('W16')['number']") in (numbers[-1], numbers[-1] - 1)
    assert kernel.run("from labkit import check\ncheck('W1')")


def test_an_idle_server_is_culled_and_its_lesson_kept(hub: Hub) -> None:
    ann, bob = hub.users
    kernel = hub.kernel(bob)
    kernel.run(
        "from labkit import Lab\nlab = Lab()\nnumber = 'kept'\n"
        + NAMESPACE
        + "\nlab.predict('W15', 'allowed')"
    )
    for connection in hub.sockets:
        connection.close()
    hub.sockets.clear()
    hub.call(bob, "DELETE", f"/user/{bob.name}/api/kernels/{kernel.id}")
    time.sleep(2)
    command = [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=1", "--cull-every=1"]
    command.append(f"--url=http://127.0.0.1:{hub.hub_port}/hub/api")
    environment = {"PATH": os.environ["PATH"], "JUPYTERHUB_API_TOKEN": hub.culler_token}
    with (hub.directory / "culler.log").open("wb") as log:
        culler = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        until(lambda: not hub.servers(ann) and not hub.servers(bob), "the culler ends nothing")
    finally:
        culler.terminate()
        culler.wait(30)
    until(
        lambda: not any("singleuser" in each for each in bob.processes().values()),
        "the server does not end",
    )
    for user in hub.users:
        hub.start_server(user)
    kernel = hub.kernel(bob)
    kernel.run("from labkit import Lab\nlab = Lab()")
    assert kernel.value("lab.admin.get('/api/v1/namespaces/made-kept').ok")
    assert kernel.value("lab.progress.prediction('W15')") == "allowed"
    assert Path(bob.home / "labkit" / "00-start.ipynb").exists()
