"""``python -m tests.parity``: replay, look closely at one step, record, report."""

from __future__ import annotations

import argparse
import functools
import json
import sys
from collections.abc import Callable
from pathlib import Path

from tests.parity import anew, collect, record, report, servers
from tests.parity.accepted import Agreement
from tests.parity.compare import diff
from tests.parity.model import SUITES
from tests.parity.section import Section
from tests.parity.suites import Opener, Outcome, run


def main(arguments: list[str] | None = None) -> int:
    """Run one of the commands; 1 when something differs that ``accepted.toml`` does not list."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    replay = commands.add_parser(
        "replay", help="replay HTTP suites and print what differs (the default)"
    )
    add_target(replay)
    replay.add_argument("--step", help="show one step in full (those before it are played too)")
    replay.add_argument(
        "-v", "--verbose", action="store_true", help="print request, answers and diff"
    )
    replay.add_argument("--limit", type=int, default=6, help="differences printed for each step")
    replay.set_defaults(run=replay_suites)
    part = commands.add_parser("part", help="replay another recording and print what differs")
    part.add_argument(
        "name",
        choices=("audit", "decisions", "kubectl", "pods"),
        help="pods includes exec's frames",
    )
    part.add_argument("--limit", type=int, default=1000, help="differences printed")
    part.add_argument("--grep", default="", help="only those whose label holds this")
    part.set_defaults(run=replay_part)
    report = commands.add_parser("report", help="replay everything and write docs/parity.md")
    report.set_defaults(run=write_report)
    recorder = commands.add_parser("record", help="write new recordings from a pristine cluster")
    add_target(recorder)
    recorder.add_argument("--out", type=Path, required=True, help="folder for the recordings")
    recorder.set_defaults(run=record_suites)
    again = commands.add_parser("anew", help="record a server of any version, and compare")
    add_target(again)
    again.add_argument("--out", type=Path, required=True, help="folder for the recordings")
    again.set_defaults(run=ask_anew)
    known = {"replay", "part", "record", "anew", "report", "-h", "--help"}
    given = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(given if given and given[0] in known else ["replay", *given])
    code: int = options.run(options)
    return code


def add_target(parser: argparse.ArgumentParser) -> None:
    """The options that say against which cluster, and which suites."""
    parser.add_argument(
        "--suite", action="append", choices=SUITES, help="a suite; all if not given"
    )
    parser.add_argument("--fast", action="store_true", help="no sockets: a cluster in this process")
    parser.add_argument(
        "--kubeconfig", type=Path, help="another cluster, pristine, as its administrator"
    )
    parser.add_argument(
        "--pki", type=Path, help="that cluster's ca.crt and ca.key, for user: identities"
    )


def opener(options: argparse.Namespace) -> Opener:
    """How to open the way to the cluster that the options name."""
    if options.kubeconfig:
        return functools.partial(servers.existing, options.kubeconfig, options.pki)
    return servers.in_process if options.fast else servers.https


def replay_suites(options: argparse.Namespace) -> int:
    """Replay the suites and print the differences."""
    agreement = Agreement.read()
    names = options.suite or list(SUITES)
    if options.step and not options.suite:
        names = [name for name in SUITES if name == options.step.split("/")[0]]
    unlisted, seen = 0, False
    for suite in names:
        patience = 30.0 if options.kubeconfig else 0.2 if options.fast else 1.0
        outcomes = []
        for outcome in run(
            suite, opener(options), agreement, patience_seconds=patience, until=options.step
        ):
            outcomes.append(outcome)
            if options.step is None or outcome.step.id == options.step:
                seen = True
                show(outcome, options)
        unlisted += sum(len(agreement.unlisted(outcome.differences)) for outcome in outcomes)
        print(summary(suite, outcomes), flush=True)
    if not seen:
        print(f"There is no step {options.step}.", file=sys.stderr)
        return 2
    return 1 if unlisted else 0


def replay_part(options: argparse.Namespace) -> int:
    """Replay one of the recordings that are not suites of HTTP requests."""
    agreement = Agreement.read()
    parts: dict[str, Callable[[], list[Section]]] = {
        "audit": lambda: collect.http_suite("walkthrough", agreement)[1:],
        "decisions": lambda: [collect.policy()],
        "kubectl": lambda: [collect.commands(agreement)],
        "pods": collect.in_pods,
    }
    unlisted = 0
    for section in parts[options.name]():
        found = [item for item in section.differences if options.grep in item.step]
        for item in found[: options.limit]:
            print(f"\n--- {item.step} {item.aspect} {item.path}")
            print(diff(item.expected, item.got) if isinstance(item.expected, str) else str(item))
        print(line(section), flush=True)
        unlisted += len(agreement.unlisted(section.differences))
    return 1 if unlisted else 0


def line(section: Section) -> str:
    """One line about a section."""
    aspects = ", ".join(f"{name} {count}" for name, count in section.agreed.items())
    return f"{section.name:15} {section.total:4} items: {section.whole} agree ({aspects})"


def write_report(_: argparse.Namespace) -> int:
    """Replay everything and write the report."""
    agreement = Agreement.read()
    sections, skipped = collect.everything(
        agreement, lambda section: print(line(section), flush=True)
    )
    report.FILE.parent.mkdir(exist_ok=True)
    report.FILE.write_text(report.text(sections, agreement, skipped), encoding="utf-8")
    found = [item for section in sections for item in section.differences]
    unlisted = agreement.unlisted(found)
    for item in unlisted:
        print(item)
    print(
        f"{len(found)} differences, {len(unlisted)} of them not in accepted.toml; written: {report.FILE}"
    )
    return 1 if unlisted else 0


def record_suites(options: argparse.Namespace) -> int:
    """Make every suite's requests to a cluster and write its answers down."""
    for suite in options.suite or SUITES:
        with opener(options)() as transport:
            (path,) = record.write([record.suite(suite, transport)], options.out)
        print(f"{suite}: {path}", flush=True)
    return 0


def ask_anew(options: argparse.Namespace) -> int:
    """Record the suites of a server, print how ours differs, and delete what they made; 1 if objects stay."""
    stayed = False
    for suite in options.suite or SUITES:
        if options.pki is None and anew.needs_authority(suite):
            print(f"{suite}: skipped; its users need the cluster's CA (PKI=)", flush=True)
            continue
        with opener(options)() as transport:
            found, left = anew.ask(suite, transport, options.out)
        print(f"{suite}: {len(found)} differences from our answers", flush=True)
        for difference in found:
            print(f"    {difference}")
        for path in sorted(left):
            print(f"    not deleted: {path}")
        stayed = stayed or bool(left)
    return 1 if stayed else 0


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
    agreed = {
        name: sum(item.agrees_in(name) for item in outcomes)
        for name in ("status", "headers", "body")
    }
    decisions = sum(item.decision_agrees for item in outcomes)
    whole = sum(not item.differences for item in outcomes)
    return (
        f"{suite:15} {count:3} steps: {whole} agree; decision {decisions}, status {agreed['status']}, "
        f"headers {agreed['headers']}, body {agreed['body']}"
    )


if __name__ == "__main__":
    sys.exit(main())
