"""Write docs/parity.md: agreements, and differences and omissions with their reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from kube_embedded.machinery.releases import DIFFERENCES
from tests.parity.accepted import Agreement
from tests.parity.compare import shown
from tests.parity.section import Section

FILE = Path(__file__).resolve().parents[2] / "docs" / "parity.md"
CLIENTS = Path(__file__).with_name("clients.md")

INTRODUCTION = """\
# How exactly the embedded server answers

`make parity` writes this page; do not edit it. It compares the embedded server with the recorded
answers of a real kube-apiserver v1.36.2 (`tests/parity/data`, whose README says what was masked).
It sends every recorded request to a fresh embedded server over HTTPS, and compares status, headers
and body. `make test` fails on any difference that is not listed here.

Some suites were recorded from a server that was built from the sources of that version, without a
node; their last column says so. Some steps of `gaps` were recorded too; the answers of its other
steps come from the sources.

`python -m tests.parity --suite rbac` shows the differences of a suite, `--step rbac/046` shows
one step in full, `--kubeconfig FILE --pki DIR` asks another cluster, and
`python -m tests.parity record --kubeconfig FILE --pki DIR --out DIR` writes new recordings.
`make record KUBECONFIG=FILE PKI=DIR` does so for a server of any version, prints how our answers as that
version differ, and deletes what it made.
"""


def text(
    sections: Sequence[Section], agreement: Agreement, skipped: Sequence[tuple[str, str]] = ()
) -> str:
    """The whole report.

    Args:
        sections: The replayed suites, in order.
        agreement: The accepted differences and omissions.
        skipped: The parts that could not be replayed here, with reasons.
    """
    parts = [
        INTRODUCTION,
        *_requests(sections),
        *_expected(),
        *_commands(sections, skipped),
        *_decisions(sections),
    ]
    parts += [*_differences(sections, agreement), *_left_out(agreement)]
    if CLIENTS.exists():
        parts.append(CLIENTS.read_text(encoding="utf-8"))
    return "\n".join(parts)


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    yield _row(head)
    yield "|" + "---|" * len(head)
    yield from (_row(row) for row in rows)
    yield ""


def _requests(sections: Sequence[Section]) -> Iterator[str]:
    suites = [section for section in sections if "headers" in section.agreed]
    yield "## HTTP suites\n"
    rows: list[Sequence[object]] = [
        (
            item.name,
            item.total,
            item.agreed["status"],
            item.agreed["headers"],
            item.agreed["body"],
            item.whole,
            item.doc,
        )
        for item in suites
    ]
    totals = [
        sum(section.agreed[aspect] for section in suites)
        for aspect in ("status", "headers", "body")
    ]
    rows.append(
        ("**all**", sum(s.total for s in suites), *totals, sum(s.whole for s in suites), "")
    )
    yield from _table(
        ("suite", "steps", "status", "headers", "body", "agree in all", "what it asks"), rows
    )


def _expected() -> Iterator[str]:
    yield "## Newer versions: expected\n"
    yield (
        "`labkit up --kubernetes` answers as a newer version. No real server of it was asked: these answers were read "
        "in its release notes and sources, and the exact words can differ.\n"
    )
    rows: list[Sequence[object]] = [
        (f"{item.first[0]}.{item.first[1]}", item.text, item.source)
        for item in DIFFERENCES.values()
        if item.first is not None
    ]
    yield from _table(("from", "expected", "source"), rows)


def _commands(sections: Sequence[Section], skipped: Sequence[tuple[str, str]]) -> Iterator[str]:
    others = [
        section
        for section in sections
        if "headers" not in section.agreed and section.name != "decisions"
    ]
    yield "## Commands, frames and audit events\n"
    rows: list[Sequence[object]] = [
        (item.name, item.total, item.whole, item.doc) for item in others
    ]
    rows += [(name, "–", "not run", why) for name, why in skipped]
    yield from _table(("recording", "items", "agree", "what it is"), rows)


def _decisions(sections: Sequence[Section]) -> Iterator[str]:
    yield "## Allowed and forbidden\n"
    yield "This table counts what the real server allowed or refused, and how often the embedded server did the same.\n"
    rows: list[Sequence[object]] = []
    for item in sections:
        if item.allowed_total is None:
            continue
        refused = item.total - item.allowed_total
        rows.append(
            (item.name, item.allowed_total, item.allowed_agree, refused, item.refused_agree)
        )
    yield from _table(
        ("suite", "allowed there", "allowed here too", "refused there", "refused here too"), rows
    )
    for item in sections:
        if item.name == "decisions":
            yield (
                f"In {item.agreed['reason']} of the {item.total} decisions the reason is the same word for word; "
                "if several bindings grant a request, the reason names the first one that the server found.\n"
            )


def _differences(sections: Sequence[Section], agreement: Agreement) -> Iterator[str]:
    yield "## Differences, and why\n"
    rows = []
    for item in (difference for section in sections for difference in section.differences):
        entry = next((entry for entry in agreement.accepted if entry.covers(item)), None)
        if entry is not None and entry.path == "*" and item.path != "message":
            continue  # the whole body differs: its message is enough
        why = entry.why if entry is not None else "**not explained**"
        where = f"{item.aspect} {item.path}".strip()
        rows.append(
            (item.step, where, _code(shown(item.expected, 120)), _code(shown(item.got, 120)), why)
        )
    if rows:
        yield from _table(("step", "where", "recorded", "here", "why"), rows)
    else:
        yield "None.\n"


def _code(value: str) -> str:
    """Return a value as code; one that contains backticks gets double ones."""
    return f"`` {value} ``" if "`" in value else f"`{value}`"


def _left_out(agreement: Agreement) -> Iterator[str]:
    yield "## Left out on purpose\n"
    if not agreement.left_out:
        yield "Nothing.\n"
        return
    for entry in agreement.left_out:
        names = ", ".join(f"`{name}`" for name in entry.names)
        yield f"- {entry.kind}: {names}. {entry.why}"
    yield ""
