"""``python -m tests.parity``: replay, look closely at one step, record, report."""

from __future__ import annotations

import argparse
import functools
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.parity import servers
from tests.parity.accepted import Agreement
from tests.parity.certificates import Authority
from tests.parity.compare import diff
from tests.parity.model import SUITES
from tests.parity.suites import Opener, Outcome, run
from tests.parity.transport import Https, Transport


def main(arguments: list[str] | None = None) -> int:
    """Run one of the commands; 1 when something differs that ``accepted.toml`` does not list."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    replay = commands.add_parser("replay", help="replay HTTP suites and print what differs (the default)")
    add_target(replay)
    replay.add_argument("--step", help="show one step in full (those before it are played too)")
    replay.add_argument("-v", "--verbose", action="store_true", help="print request, answers and diff")
    replay.add_argument("--limit", type=int, default=6, help="differences printed for each step")
    known = {"replay", "record", "report", "-h", "--help"}
    given = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(given if given and given[0] in known else ["replay", *given])
    return replay_suites(options)


def add_target(parser: argparse.ArgumentParser) -> None:
    """The options that say against which cluster, and which suites."""
    parser.add_argument("--suite", action="append", choices=SUITES, help="a suite; all if not given")
    parser.add_argument("--fast", action="store_true", help="no sockets: a cluster in this process")
    parser.add_argument("--kubeconfig", type=Path, help="another cluster, pristine, as its administrator")
    parser.add_argument("--pki", type=Path, help="that cluster's ca.crt and ca.key, for user: identities")


def opener(options: argparse.Namespace) -> Opener:
    """How to open the way to the cluster that the options name."""
    if options.kubeconfig:
        return functools.partial(existing, options.kubeconfig, options.pki)
    return servers.in_process if options.fast else servers.https


@contextmanager
def existing(kubeconfig: Path, pki: Path | None) -> Iterator[Transport]:
    """The way to a cluster that is already there."""
    transport = Https(kubeconfig, Authority.read(pki) if pki else None)
    try:
        yield transport
    finally:
        transport.close()


def replay_suites(options: argparse.Namespace) -> int:
    """Replay the suites and print the differences."""
    agreement = Agreement.read()
    names = options.suite or list(SUITES)
    if options.step and not options.suite:
        names = [options.step.split("/")[0]]
    unlisted = 0
    for suite in names:
        patience = 30.0 if options.kubeconfig else 0.2 if options.fast else 1.0
        outcomes = []
        for outcome in run(suite, opener(options), agreement, patience_seconds=patience, until=options.step):
            outcomes.append(outcome)
            if options.step is None or outcome.step.id == options.step:
                show(outcome, options)
        unlisted += sum(len(agreement.unlisted(outcome.differences)) for outcome in outcomes)
        print(summary(suite, outcomes), flush=True)
    return 1 if unlisted else 0


def show(outcome: Outcome, options: argparse.Namespace) -> None:
    """Print one step: always in full when asked for, else only how it differs."""
    if options.step or (options.verbose and outcome.differences):
        print(f"\n=== {outcome.step.id} {outcome.step.note}")
        print(f"request: {json.dumps(outcome.step.request, ensure_ascii=False)}")
        print(f"recorded: {json.dumps(outcome.expected, ensure_ascii=False)[:4000]}")
        print(f"got:      {json.dumps(outcome.got, ensure_ascii=False)[:4000]}")
        print(diff(outcome.expected, outcome.got) or "they agree")
        return
    if outcome.differences:
        request = outcome.step.request
        print(f"{outcome.step.id} {request['as']} {request['method']} {request['path']}")
        for difference in outcome.differences[: options.limit]:
            print(f"    {str(difference).removeprefix(outcome.step.id).strip()}")
        if len(outcome.differences) > options.limit:
            print(f"    … and {len(outcome.differences) - options.limit} more")


def summary(suite: str, outcomes: list[Outcome]) -> str:
    """One line: how many steps agree in what."""
    count = len(outcomes)
    agreed = {name: sum(item.agrees_in(name) for item in outcomes) for name in ("status", "headers", "body")}
    decisions = sum(item.decision_agrees for item in outcomes)
    whole = sum(not item.differences for item in outcomes)
    return (
        f"{suite:15} {count:3} steps: {whole} agree; decision {decisions}, status {agreed['status']}, "
        f"headers {agreed['headers']}, body {agreed['body']}"
    )


if __name__ == "__main__":
    sys.exit(main())
