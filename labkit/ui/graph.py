"""The RBAC graph: subjects → bindings → roles → rules, and the path that grants one request."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from kube_embedded.rbac.objects import namespace_of
from kube_embedded.rbac.subjects import subject
from labkit.core.html import render
from labkit.core.language import all_shown, listed, shown, text
from labkit.rbac.graph import Graph, rbac_graph
from labkit.rbac.matrix import Permission
from labkit.rbac.policy import Api, Policy, read_policy

from .base import LabWidget, api_of, text_table
from .share import Shareable

COLUMNS = ("subject", "binding", "role", "rules")
NONE = text("No binding fits this choice.")
MAX_UNFOLDED = 120
"""With more boxes than this, all rules of a role share one."""
MAX_DRAWN = 400
"""With more boxes than this, the page says to filter."""


class RBACGraph(Shareable, LabWidget):
    """Subjects, their bindings, roles and rules, as a graph.

    Args:
        lab: The lab, or a caller who can list RBAC objects, at least those in the namespace.
        namespace: Only bindings that apply in this namespace; empty for all.
        who: Only bindings of this subject, such as ``kikai/default``; empty for all.
        request: A request whose path is marked, such as ``list services``; it needs ``who``.
        defaults: Draw the default bindings of every cluster as well.

    Raises:
        PolicyUnreadable: The caller cannot list RBAC objects.
    """

    def __init__(
        self,
        lab: Any,
        *,
        namespace: str = "",
        who: str = "",
        request: str = "",
        defaults: bool = False,
    ) -> None:
        super().__init__()
        self._api: Api = api_of(lab)
        self._namespace = namespace
        self._who = who
        self._defaults = defaults
        self._request = Permission.parse(request) if request else None
        # Read at the start and at a refresh only: a filter draws the same policy again.
        self._policy: Policy = read_policy(self._api, namespace)
        self._show()

    def on_refresh(self) -> None:
        """Read the cluster's RBAC objects again."""
        self._policy = read_policy(self._api, self._namespace)
        self._show()

    refresh = on_refresh

    def on_filter(
        self, namespace: str | None = None, subject: str | None = None, defaults: bool | None = None
    ) -> None:
        """Filter by namespace and subject, empty for all; None leaves a filter as it is."""
        self._namespace = self._namespace if namespace is None else namespace
        self._who = self._who if subject is None else subject
        self._defaults = self._defaults if defaults is None else bool(defaults)
        self._show()

    @property
    def graph(self) -> Graph:
        """The graph that is drawn, with each rule in a box of its own."""
        return self._graph(fold=False)

    def _graph(self, *, fold: bool) -> Graph:
        who = subject(self._who) if self._who else None
        asked = self._request.question(who, self._namespace) if self._request and who else None
        return rbac_graph(
            self._policy,
            namespace=self._namespace,
            who=who,
            question=asked,
            defaults=self._defaults,
            fold=fold,
        )

    def as_text(self) -> str:
        """Return a summary, then a line for each binding."""
        paths = self._paths()
        return f"{self.data['summary']}\n{text_table(self._columns(), paths) if paths else shown(NONE)}"

    def as_html(self) -> str:
        """Return a summary, then a table row for each binding."""
        return render(
            "graph.html",
            summary=self.data["summary"],
            head=[shown(text(column)) for column in self._columns()],
            rows=all_shown(self._paths()),
            caption=shown(text("Who is bound to what")),
            empty=shown(NONE),
        )

    def _columns(self) -> list[str]:
        return [*COLUMNS, "grants it"] if self._request and self._who else list(COLUMNS)

    def _paths(self) -> list[list[str]]:
        asked = bool(self._request and self._who)
        rows = []
        for path in self.graph.paths():
            binding = f"{path.binding.kind} {path.binding.label}"
            row = [
                path.subject.label,
                binding,
                listed([path.role.kind, path.role.title], " "),
                _listed([rule.title for rule in path.rules]),
            ]
            rows.append([*row, text("✓ yes") if path.granting else "–"] if asked else row)
        for role, rules in self.graph.unbound():
            row = [
                "–",
                "–",
                listed([role.kind, role.title], " "),
                _listed([rule.title for rule in rules]),
            ]
            rows.append([*row, "–"] if asked else row)
        return rows

    def _show(self) -> None:
        graph = self.graph
        if len(graph.nodes) > MAX_UNFOLDED:
            graph = self._graph(fold=True)
        # Boxes that grant the request come first, or a long column would hide them.
        nodes = sorted(graph.nodes.values(), key=lambda node: not node.granting)
        shown = {node.id for node in nodes[:MAX_DRAWN]}
        self.data = {
            "namespace": self._namespace,
            "subject": self._who,
            "defaults": self._defaults,
            # Of the whole policy, not of the filtered graph, or a filter could not be changed
            # again.
            "namespaces": _options(map(namespace_of, self._policy.bindings)),
            "subjects": _options([self._who, *self._policy.subjects(defaults=self._defaults)]),
            "summary": self._summary(graph, len(nodes)),
            "nodes": [asdict(node) for node in nodes if node.id in shown],
            "edges": [
                {"ends": list(ends), "granting": granting}
                for ends, granting in graph.edges.items()
                if shown.issuperset(ends)
            ],
        }

    def _summary(self, graph: Graph, count: int) -> str:
        parts = []
        if self._request and self._who:
            granted = any(node.granting for node in graph.nodes.values())
            verdict = (
                text("✓ granted by the marked path")
                if granted
                else text("✕ granted by nothing here")
            )
            parts.append(
                text("{who}: {request} — {verdict}.", self._who, self._request.label, verdict)
            )
        if graph.hidden:
            parts.append(text("{count} default bindings are not drawn.", graph.hidden))
        if count > MAX_DRAWN:
            hint = text("choose a namespace or a subject.")
            parts.append(
                text("{left} of {count} boxes are left out: {hint}", count - MAX_DRAWN, count, hint)
            )
        return (
            listed(parts, " ")
            if parts
            else text("Pick a box to light up what it is connected with.")
        )


def _listed(rules: list[str]) -> str:
    more = [text("… and {count} more", len(rules) - 4)] if len(rules) > 4 else []
    return listed([*rules[:4], *more], "; ")


def _options(values: Iterable[str]) -> list[dict[str, Any]]:
    return [{"value": value, "label": value or text("all")} for value in sorted({"", *values})]
