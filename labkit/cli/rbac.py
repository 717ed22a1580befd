"""``labkit rbac``: test a policy, in CI too."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import click

from kube_embedded.rbac.objects import is_default
from labkit.core.errors import UsageError
from labkit.core.home import place_error
from labkit.core.language import said, text
from labkit.core.redact import redact

from . import policy_files
from .output import FILE, INPUT, as_json, echo, json_option, report
from .policy_files import Source

if TYPE_CHECKING:
    from labkit.rbac.testing.questions import Question

FILES = click.Path(exists=True, path_type=Path)
KUBECONFIG = click.option("--kubeconfig", type=INPUT, help="Read the policy of a cluster.")
CONTEXT = click.option(
    "--context", default="", help="The context in that file; its current one by default."
)
# As diff and grep do: 1 is an answer, and 2 or more is an error.
NO = 1
"""The exit code where the answer is no; errors have higher ones."""


@click.group("rbac")
def rbac_command() -> None:
    """Test a policy, in CI too.

    Ask for its answers, wrong policies beside it, its changes and its use. Nothing is written
    to a cluster. Exit codes: 0 as it should be, 1 not so, 2 and above an error.
    """


@rbac_command.command("test")
@click.argument("policy", nargs=-1, type=FILES)
@click.argument("questions", type=FILES)
@KUBECONFIG
@CONTEXT
@json_option
@click.option("--junit", type=FILE, help="Write a JUnit report too.")
def test_command(questions: Path, json_wanted: bool, junit: Path | None, **policy: Any) -> None:
    """Ask a policy some questions.

    POLICY are manifests or directories of them; leave them out with --kubeconfig. QUESTIONS is a
    file that says who may what and who may not: docs/testing-a-policy.md shows one.
    """
    from labkit.rbac.testing.verdicts import answers

    source = _source(**policy, needed=True)
    verdicts = answers(source.policy, _asked(questions, source))
    rows: list[dict[str, Any]] = [
        {
            "question": str(verdict.question),
            "right": verdict.right,
            "allowed": verdict.allowed,
            "reasons": list(verdict.reasons),
        }
        for verdict in verdicts
    ]
    # Also when an answer is wrong: CI systems show the report of a failed run.
    if junit:
        try:
            junit.write_bytes(_junit(rows))
        except OSError as error:
            raise place_error(junit, error) from error
    wrong = [row for row in rows if not row["right"]]
    if json_wanted:
        as_json({"questions": rows, "wrong": len(wrong), "notes": _notes(source)})
    else:
        _show_notes(source)
        for row in rows:
            echo(f"{'✔' if row['right'] else '✘'} {row['question']}")
            if not row["right"]:
                why = " ".join(map(said, row["reasons"])) or said("No rule is near it.")
                echo(
                    "    It is allowed. {why}" if row["allowed"] else "    It is refused. {why}",
                    why,
                )
        echo("{wrong} of {rows} answers are as expected.", len(rows) - len(wrong), len(rows))
    sys.exit(NO if wrong else 0)


@rbac_command.command("mutate")
@click.argument("policy", nargs=-1, type=FILES)
@click.argument("questions", type=FILES)
@KUBECONFIG
@CONTEXT
@json_option
@click.option(
    "--rejected",
    is_flag=True,
    help="Print the rejected ones too, each with the first question to do so.",
)
def mutate_command(questions: Path, json_wanted: bool, rejected: bool, **policy: Any) -> None:
    """Say which wrong policies would pass the questions.

    Each differs from POLICY in one thing: a verb, a resource, a subject, a place. Where one
    passes, a question is missing.
    """
    from labkit.rbac.testing.mutants import mutants
    from labkit.rbac.testing.verdicts import wrong

    source = _source(**policy, needed=True)
    asked = _asked(questions, source)
    # Otherwise a question that the right policy fails would reject wrong ones for no reason.
    if (failing := wrong(source.policy, asked)) is not None:
        raise UsageError(
            text("The policy itself answers otherwise: {failing}.", failing),
            todo="See labkit rbac test.",
        )
    every = [
        (mutant, wrong(mutant.policy, asked))
        for mutant in mutants(source.policy, source.vocabulary)
    ]
    left = [{"what": mutant.what, "sort": mutant.sort} for mutant, by in every if by is None]
    gone = [
        {"what": mutant.what, "sort": mutant.sort, "by": str(by)}
        for mutant, by in every
        if by is not None
    ]
    if json_wanted:
        as_json({"policies": len(every), "passing": left, "rejected": gone})
    else:
        for row in gone if rejected else ():
            echo("rejected: {what}\n    by {by}", said(row["what"]), row["by"])
        for row in left:
            echo("passes: {what}", said(row["what"]))
        echo(
            "{gone} of {every} wrong policies are rejected by {asked} questions.",
            len(gone),
            len(every),
            len(asked),
        )
    sys.exit(NO if left else 0)


@rbac_command.command("diff")
@click.argument("base", type=FILES)
@click.argument("head", type=FILES)
@json_option
def diff_command(base: Path, head: Path, json_wanted: bool) -> None:
    """Say who gained and who lost what from the policy BASE to the policy HEAD."""
    from labkit.rbac.testing.changes import changes

    before = policy_files.from_files([base])
    after = policy_files.from_files([head])
    found = changes(before.policy, after.policy, before.vocabulary.with_names_of(after.vocabulary))
    if json_wanted:
        as_json(
            [
                {"who": finding.who, "gained": finding.gained, "permission": finding.permission}
                for finding in found
            ]
        )
    else:
        _show_notes(after)
        for finding in found:
            echo(f"{'+' if finding.gained else '-'} {finding.who}: {finding.permission}")
        changed = text("Permissions that have changed: {found}.", len(found))
        echo(changed if found else "Nobody gained or lost anything.")
    sys.exit(NO if found else 0)


@rbac_command.command("report")
@click.argument("policy", nargs=-1, type=FILES)
@click.option("--audit-log", required=True, type=FILES, help="The log of a run with all rights.")
@click.option("--account", required=True, help="The account, as NAMESPACE/NAME, or a user's name.")
@click.option("--name", default="least", help="The name of the least role.")
@KUBECONFIG
@CONTEXT
@json_option
def report_command(
    audit_log: Path, account: str, name: str, json_wanted: bool, **policy: Any
) -> None:
    """Say what an account lacked, what it never used, and the least role for it.

    Let the program run with all rights, so that no refusal hides what it would have asked next.
    POLICY is what it is to have; each of its requests in the log is judged by it.
    """
    import yaml

    from kube_embedded.rbac.subjects import subject
    from labkit.rbac.testing.usage import least_policy, usage_of

    source = _source(**policy)
    events = policy_files.AuditEvents(audit_log)
    found = usage_of(subject(account), source.policy, events, source.vocabulary)
    if not found.requests:
        what = text(
            "{label} made no request in {log} ({lines} lines).",
            found.who.label,
            audit_log,
            events.lines,
        )
        raise UsageError(what, todo="Name the account and the log of its run.")
    least = least_policy(found, name)
    if json_wanted:
        lists = {key: [str(use) for use in getattr(found, key)] for key in ("missing", "unused")}
        counts = {"requests": found.requests, "lines": events.lines, "broken_lines": events.broken}
        as_json({**counts, **lists, "least": least})
    else:
        echo(
            "{label} made {requests} requests ({lines} lines of the log).",
            found.who.label,
            found.requests,
            events.lines,
        )
        if events.broken:
            echo("{broken} lines are no events and were left out.", events.broken)
        if found.dropped:
            echo("{dropped} requests were of too many kinds to be counted.", found.dropped)
        _list(text("It lacked:"), text("It lacked: nothing."), found.missing)
        _list(text("It never used:"), text("It never used: nothing."), found.unused)
        click.echo(
            redact("# The least policy:\n" + yaml.safe_dump_all(least, sort_keys=False).rstrip())
        )
    # A permission that is never used is advice, and a missing one breaks the program.
    sys.exit(NO if found.missing else 0)


def _asked(file: Path, source: Source) -> list[Question]:
    """The questions of a file, which do not contradict each other."""
    from labkit.rbac.testing.questions import check_consistent, read_questions

    asked = read_questions(policy_files.questions_document(file), source.vocabulary)
    check_consistent(asked)
    return asked


def _source(
    policy: Sequence[Path], kubeconfig: Path | None, context: str, *, needed: bool = False
) -> Source:
    """The policy to be asked; with ``needed``, files without a role and a binding are refused."""
    if bool(policy) == bool(kubeconfig):
        raise click.UsageError(said("Name the policy's files, or --kubeconfig."))
    source = (
        policy_files.from_cluster(kubeconfig, context)
        if kubeconfig
        else policy_files.from_files(policy)
    )
    objects = (*source.policy.roles.values(), *source.policy.bindings)
    if needed and policy and all(map(is_default, objects)):
        todo = text(
            "Name rendered manifests with roles and bindings; any question that expects no would pass."
        )
        raise UsageError("The policy holds no role and no binding.", todo=todo)
    return source


def _notes(source: Source) -> list[str]:
    from labkit.rbac.testing.policies import remarks

    return remarks(source.policy, source.vocabulary)


def _show_notes(source: Source) -> None:
    # On standard error, so that standard output has the answers only.
    for line in _notes(source):
        report("Note: {line}", said(line))


def _list(title: str, without: str, uses: Sequence[Any]) -> None:
    echo(title if uses else without)
    for use in uses:
        echo(redact(f"  {use}"))


def _junit(rows: Sequence[dict[str, Any]]) -> bytes:
    """The answers as a JUnit report; what XML cannot hold is replaced."""
    suite = ElementTree.Element("testsuite", name="labkit rbac test", tests=str(len(rows)))
    suite.set("failures", str(sum(not row["right"] for row in rows)))
    for row in rows:
        case = ElementTree.SubElement(
            suite, "testcase", classname="rbac", name=_printable(row["question"])
        )
        if not row["right"]:
            what = "allowed" if row["allowed"] else "refused"
            ElementTree.SubElement(case, "failure", message=f"It is {what}.").text = _printable(
                " ".join(row["reasons"])
            )
    report: bytes = ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)
    return report


# XML 1.0 has no control characters, not even escaped ones, and a name in a question can hold
# any.
def _printable(text: str) -> str:
    return "".join(line if line.isprintable() else "?" for line in text)
