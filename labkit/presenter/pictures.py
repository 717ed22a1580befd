"""The X-ray and the RBAC graph as pictures for a terminal."""

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from kube_embedded.rbac.attributes import Attributes
from kube_embedded.rbac.subjects import Subject, subject
from labkit.client.answer import Answer
from labkit.core.language import said, shown, text
from labkit.lab.stages import question_of, stages
from labkit.rbac.explain import explain
from labkit.rbac.explaining import explanation_data, explanation_text
from labkit.rbac.graph import GraphPath, rbac_graph
from labkit.rbac.matrix import Permission
from labkit.rbac.policy import Api, PolicyUnreadable, read_policy
from labkit.rbac.words import question_text

STATES = {"pass": ("✓", "green"), "stop": ("✕", "bold red"), "none": ("–", "dim")}
BOXES_WIDTH = 70
"""The width that the X-ray's boxes need beside one another; in a narrower terminal there is a table only."""

MAX_RULES, MAX_LENGTH = 2, 60


def xray(answer: Answer | None, width: int, api: Api) -> RenderableType:
    """Return the stages of a request with their facts, and why it was allowed or forbidden."""
    if answer is None:
        return Text(said("No request of a caller was answered in this step yet."))
    found = stages(answer)
    parts: list[RenderableType] = [
        Text(f"{answer.method} {answer.path} → {answer.status}\n", "bold")
    ]
    if width >= BOXES_WIDTH:
        boxes = Table.grid()
        row: list[RenderableType] = []
        for stage in found:
            sign, style = STATES[stage["state"]]
            title = Text(f"{shown(stage['title'])}\n{sign}", style, justify="center")
            panel = Panel(title, border_style=style, padding=0)
            row += [Text("\n → "), panel] if row else [panel]
        boxes.add_row(*row)
        parts += [boxes, Text()]
    facts = Table.grid(padding=(0, 2))
    for stage in found:
        sign, style = STATES[stage["state"]]
        known = "\n".join(
            f"{shown(name)}: {shown(value)}" for name, value in stage["facts"]
        ) or said("not reached")
        facts.add_row(Text(f"{sign} {shown(stage['title'])}", style), Text(known, overflow="fold"))
    return Group(*parts, facts, Text(), _reasons(answer, api))


def _reasons(answer: Answer, api: Api) -> Text:
    """Return the bindings that grant a request, or the near misses and the smallest change."""
    if answer.status == 401:
        return Text()
    try:
        policy = read_policy(api)
        data = explanation_data(explain(api, question_of(answer), policy), policy)
    except PolicyUnreadable as error:
        return Text(str(error))
    return Text("\n".join(explanation_text(data).splitlines()[1:]), overflow="fold")


def asked_in_words(asked: str) -> Attributes | None:
    """Parse a question such as ``kikai/default list services kikai``; None for an empty one."""
    who, verb, resource, namespace, *_ = [*asked.split(), "", "", "", ""]
    return (
        Permission.parse(f"{verb} {resource}").question(subject(who), namespace) if asked else None
    )


def graph(api: Api, question: Attributes | None, width: int) -> RenderableType:
    """Return the bindings as a picture, with the paths that grant the request in front."""
    who = Subject(question.user.name, question.user.groups) if question else None
    try:
        drawn = rbac_graph(read_policy(api), who=who, question=question)
    except PolicyUnreadable as error:
        return Text(str(error))
    words = (
        question_text(question, who.label)
        if question and who
        else text("All bindings but a new cluster's own")
    )
    title = Text(shown(words), "bold")
    resource = question.resource if question else ""
    paths = sorted(drawn.paths(), key=lambda path: not path.granting)
    if question:
        granted = bool(paths) and paths[0].granting
        title.append(
            "\n✓ granted by the marked path" if granted else "\n✕ nothing grants it",
            "green" if granted else "red",
        )
    table = Table.grid()
    for column in range(7):
        table.add_column(width=1 if column % 2 else max(8, (width - 3) // 4))
    for path in paths:
        _add_row(table, path, resource)
    return Group(title, Text(), table if paths else Text(said("No binding names anybody here.")))


def _add_row(table: Table, path: GraphPath, resource: str) -> None:
    rules = [rule.title for rule in sorted(path.rules, key=lambda rule: not rule.granting)]
    lines = [_short(rule, resource) for rule in rules[:MAX_RULES]]
    lines += [f"… {len(rules) - MAX_RULES} more"] if len(rules) > MAX_RULES else []
    boxes = [
        ("✓ who" if path.granting else "who", path.subject.label),
        (path.binding.kind.replace("RoleB", "Role B"), path.binding.label),
        (path.role.kind, path.role.title),
        ("may", "\n".join(lines) or "nothing"),
    ]
    row: list[RenderableType] = []
    for kind, name in boxes:
        name_of_box = Text.assemble(
            (f"{kind}\n", "dim"), (name, "bold" if path.granting else ""), overflow="fold"
        )
        style, edge = ("green", box.HEAVY) if path.granting else ("dim", box.ROUNDED)
        row += [Text("\n\n→")] if row else []
        row.append(Panel(name_of_box, box=edge, border_style=style, padding=0))
    table.add_row(*row)


def _short(rule: str, resource: str) -> str:
    """Return a rule as text; a long one shows only the resource of the request."""
    verbs, _, resources = rule.partition(" · ")
    if len(rule) <= MAX_LENGTH:
        return rule
    return (
        f"{verbs} · … {resource} …"
        if resource in resources.split(", ")
        else f"{rule[:MAX_LENGTH]}…"
    )
