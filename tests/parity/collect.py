"""Run everything: each part on a fresh server of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kube_embedded.tests.support.server import running_server
from tests.parity import audit, decisions, execs, kubectl, pods, servers
from tests.parity.accepted import Agreement
from tests.parity.model import SUITES, load
from tests.parity.section import Section, of_outcomes
from tests.parity.suites import run
from tests.parity.transport import Https

Progress = Callable[[Section], None]


def http_suite(name: str, agreement: Agreement) -> list[Section]:
    """One HTTP suite; with ``walkthrough`` comes the audit log it leaves."""
    with servers.fresh_https() as (server, transport):

        @contextmanager
        def opened() -> Iterator[Https]:
            yield transport

        sections = [of_outcomes(name, load(name)["doc"], list(run(name, opened, agreement)))]
        if name == "walkthrough":
            sections.append(audit.compare(server.home / "audit.log"))
        return sections


def policy() -> Section:
    """The 5,000 decisions."""
    with servers.fresh_https() as (_, transport):
        return decisions.run(transport)


def commands(agreement: Agreement) -> Section:
    """``kubectl.json``, on a server without a node."""
    with running_server(node=False) as server:
        return kubectl.run(server, agreement)


def in_pods() -> list[Section]:
    """``pods.json`` and ``exec.json``, on a server with a node."""
    with running_server(node=True) as server:
        shell = pods.prepare(server)
        sections = [pods.run_objects(shell), pods.run_api(shell), pods.run_exec(shell)]
        return [*sections, execs.run(server.kubeconfig)]


def everything(
    agreement: Agreement, progress: Progress
) -> tuple[list[Section], list[tuple[str, str]]]:
    """All recordings.

    Args:
        agreement: The differences that are accepted.
        progress: Called with each section as it is done.

    Returns:
        The sections, and the parts that could not run here, with reasons.
    """
    sections: list[Section] = []
    skipped: list[tuple[str, str]] = []

    def add(*done: Section) -> None:
        sections.extend(done)
        for section in done:
            progress(section)

    for name in SUITES:
        add(*http_suite(name, agreement))
    add(policy())
    reason = kubectl.missing()
    if reason:
        skipped += [("kubectl", reason), ("pods", reason), ("exec", reason)]
    else:
        add(commands(agreement))
        add(*in_pods())
    return sections, skipped
