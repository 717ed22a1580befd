"""The X-ray and the RBAC graph as pictures for a terminal."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from labkit.client.answer import Answer
from labkit.lab.stages import stages
from labkit.rbac.graph import GraphPath, rbac_graph
from labkit.rbac.matrix import Permission
from labkit.rbac.policy import Api, Unreadable, read_policy
from labkit.rbac.subjects import subject

STATES = {"pass": ("✓", "green"), "stop": ("✕", "bold red"), "none": ("–", "dim")}
BOXES_WIDTH = 70
"""The width that the X-ray's boxes need beside one another; in a narrower terminal there is a table only."""

MAX_RULES = 3


def xray(answer: Answer | None, width: int) -> RenderableType:
    """The stations of a request, and what is known of each."""
    if answer is None:
        return Text("No request of a caller was answered in this step yet.")
    found = stages(answer)
    parts: list[RenderableType] = [Text(f"{answer.method} {answer.path} → {answer.status}\n", "bold")]
    if width >= BOXES_WIDTH:
        boxes = Table.grid()
        row: list[RenderableType] = []
        for stage in found:
            sign, style = STATES[stage["state"]]
            panel = Panel(Text(f"{stage['title']}\n{sign}", style, justify="center"), border_style=style, padding=0)
            row += [Text("\n → "), panel] if row else [panel]
        boxes.add_row(*row)
        parts += [boxes, Text()]
    facts = Table.grid(padding=(0, 2))
    for stage in found:
        sign, style = STATES[stage["state"]]
        known = "\n".join(f"{name}: {value}" for name, value in stage["facts"])
        facts.add_row(Text(f"{sign} {stage['title']}", style), Text(known or "not reached", overflow="fold"))
    return Group(*parts, facts)


def graph(api: Api, asked: str, width: int) -> RenderableType:
    """Who is bound to what, a row for each binding.

    Args:
        api: A caller who may list RBAC objects.
        asked: Whose rights are asked for, the verb, the resource and the namespace; empty for all bindings.
        width: The columns that it may take.
    """
    who, verb, resource, namespace, *_ = [*asked.split(), "", "", "", ""]
    question = Permission.parse(f"{verb} {resource}").question(subject(who), namespace) if asked else None
    try:
        drawn = rbac_graph(read_policy(api), who=subject(who) if who else None, question=question)
    except Unreadable as error:
        return Text(str(error))
    paths = sorted(drawn.paths(), key=lambda path: not path.granting)
    place = f" in {question.namespace}" if question and question.namespace else ""
    title = f"{who}: {verb} {resource}{place}" if asked else "All bindings that a new cluster does not have"
    verdict = Text("✓ granted by the marked path" if any(path.granting for path in paths) else "✕ nothing grants it")
    verdict.stylize("green" if any(path.granting for path in paths) else "red")
    table = Table.grid()
    for column in range(7):
        table.add_column(width=1 if column % 2 else max(8, (width - 3) // 4), overflow="fold")
    for path in paths:
        _add_row(table, path)
    empty = Text("No binding names anybody here.")
    return Group(Text(f"{title}\n", "bold"), table if paths else empty, Text(), verdict if asked else Text())


def _add_row(table: Table, path: GraphPath) -> None:
    more = len(path.rules) - MAX_RULES
    rules = [rule if len(rule) <= 48 else f"{rule[:47]}…" for rule in path.rules[:MAX_RULES]]
    rules += [f"… {more} more"] if more > 0 else []
    boxes = [
        ("✓ who" if path.granting else "who", path.subject.label),
        (path.binding.kind, path.binding.label),
        (path.role.kind, path.role.title),
        ("may", "\n".join(rules) or "nothing"),
    ]
    row: list[RenderableType] = []
    for kind, name in boxes:
        text = Text.assemble((f"{kind}\n", "dim"), (name, "bold" if path.granting else ""), overflow="fold")
        style, edge = ("green", box.HEAVY) if path.granting else ("dim", box.ROUNDED)
        row += [Text("\n\n→")] if row else []
        row.append(Panel(text, box=edge, border_style=style, padding=0))
    table.add_row(*row)
