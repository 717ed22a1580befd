"""Subjects → bindings → roles → rules, as nodes in four columns and the edges between them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from kube_embedded.rbac.attributes import Attributes
from kube_embedded.rbac.objects import Object, is_default, kind_of, name_of, namespace_of, role_key
from kube_embedded.rbac.rules import Rule, rule_allows
from kube_embedded.rbac.subjects import Subject, subject_matches, subject_namespace
from labkit.core.language import text

from .policy import Policy
from .words import rule_text


@dataclass(frozen=True, slots=True)
class Node:
    """One box of the drawing.

    Args:
        id: Unique in the graph.
        column: 0 subjects, 1 bindings, 2 roles, 3 rules.
        title: The name.
        kind: Such as ``ServiceAccount`` or ``Rule``.
        namespace: Empty for cluster-wide.
        granting: Whether it is on a path that grants the request in question.
    """

    id: str
    column: int
    title: str
    kind: str
    namespace: str
    granting: bool = False

    @property
    def label(self) -> str:
        """The name, with its namespace before it."""
        return f"{self.namespace}/{self.title}" if self.namespace else self.title


@dataclass(frozen=True, slots=True)
class GraphPath:
    """A subject, a binding, a role and the role's rules, and whether they grant the request in question."""

    subject: Node
    binding: Node
    role: Node
    rules: list[Node]
    granting: bool


@dataclass(slots=True)
class Graph:
    """Nodes and edges.

    Args:
        nodes: By id.
        edges: (from, to) to whether the edge grants the request in question.
        hidden: The number of default bindings that were left out.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: dict[tuple[str, str], bool] = field(default_factory=dict)
    hidden: int = 0

    def add(self, node: Node) -> str:
        """Add a node, or mark the existing one as granting; return its id."""
        known = self.nodes.get(node.id)
        if known is None or (node.granting and not known.granting):
            self.nodes[node.id] = node
        return node.id

    def link(self, start: str, end: str, granting: bool) -> None:
        """Add an edge, or mark the existing one as granting."""
        self.edges[start, end] = granting or self.edges.get((start, end), False)

    def paths(self) -> Iterator[GraphPath]:
        """Yield every way from a subject to a role."""
        after: dict[str, list[Node]] = {}
        for start, end in self.edges:
            after.setdefault(start, []).append(self.nodes[end])
        for node in self.nodes.values():
            for binding in after.get(node.id, []) if node.column == 0 else []:
                for role in after.get(binding.id, []):
                    granting = self.edges[node.id, binding.id] and self.edges[binding.id, role.id]
                    yield GraphPath(node, binding, role, after.get(role.id, []), granting)

    def unbound(self) -> Iterator[tuple[Node, list[Node]]]:
        """Yield the roles without a subject, each with its rules."""
        bound = {end for _, end in self.edges}
        for node in self.nodes.values():
            if node.column == 2 and node.id not in bound:
                yield node, [self.nodes[end] for start, end in self.edges if start == node.id]


def rbac_graph(
    policy: Policy,
    *,
    namespace: str = "",
    who: Subject | None = None,
    question: Attributes | None = None,
    defaults: bool = False,
    fold: bool = False,
) -> Graph:
    """Draw a policy.

    Args:
        policy: The cluster's RBAC objects.
        namespace: Only bindings that count in this namespace; empty for all.
        who: Only bindings that reach this subject; None for all.
        question: A request whose granting paths are marked.
        defaults: Whether to draw all default bindings that reach the subject. Otherwise only
            those are drawn that name it or grant the request, not those through a group.
        fold: Whether all rules of a role share one node.
    """
    graph = Graph()
    user = who.as_user() if who else None
    for binding in policy.bindings:
        home = namespace_of(binding)
        if namespace and home and home != namespace:
            continue
        entries = [
            entry
            for entry in binding.get("subjects") or ()
            if user is None or subject_matches(entry, user, home)
        ]
        if user is not None and not entries:
            continue
        reaching = question if question is not None and home in ("", question.namespace) else None
        rules = _rules_of(policy.role_of(binding))
        granting = [rule for rule in rules if reaching and rule_allows(rule, reaching)]
        holders = [
            entry
            for entry in entries
            if reaching and granting and subject_matches(entry, reaching.user, home)
        ]
        named = user is not None and (
            bool(holders) or any(entry["kind"] != "Group" for entry in entries)
        )
        if not defaults and not named and is_default(binding):
            graph.hidden += 1
            continue
        _draw(graph, policy, binding, entries, holders, granting if holders else [], fold)
    if user is None:
        _draw_unbound(graph, policy, namespace, fold)
    return graph


def _rules_of(role: Object | None) -> list[Rule]:
    return list((role or {}).get("rules") or ())


def _draw(
    graph: Graph,
    policy: Policy,
    binding: Object,
    entries: list[Object],
    holders: list[Object],
    granting: list[Rule],
    fold: bool,
) -> None:
    """Draw a binding with its subjects and rules; those in ``holders`` and ``granting`` grant the request."""
    kind = kind_of(binding)
    home = namespace_of(binding)
    name = name_of(binding)
    grants = bool(holders)
    bound = graph.add(Node(f"{kind}:{home}/{name}", 1, name, kind, home, grants))
    for entry in entries:
        place = subject_namespace(entry, home)
        node_id = f"{entry['kind']}:{place}/{entry['name']}"
        node = Node(node_id, 0, entry["name"], entry["kind"], place, entry in holders)
        graph.link(graph.add(node), bound, node.granting)
    key = role_key(binding)
    role = policy.role_of(binding)
    shown = key[0] if role else text("{kind} (missing)", key[0])
    role_id = graph.add(_role_node(key, shown, grants))
    graph.link(bound, role_id, grants)
    _draw_rules(graph, role_id, key[1], _rules_of(role), granting, fold)


def _draw_unbound(graph: Graph, policy: Policy, namespace: str, fold: bool) -> None:
    """Draw the roles that no binding refers to, and that came with no cluster."""
    bound = {role_key(binding) for binding in policy.bindings}
    for key, role in policy.roles.items():
        if key in bound or is_default(role) or (namespace and key[1] not in ("", namespace)):
            continue
        role_id = graph.add(_role_node(key, text("{kind} (nobody has it)", key[0]), False))
        _draw_rules(graph, role_id, key[1], _rules_of(role), [], fold)


def _role_node(key: tuple[str, str, str], shown: str, granting: bool) -> Node:
    kind, home, name = key
    return Node(f"{kind}:{home}/{name}", 2, name, shown, home, granting)


def _draw_rules(
    graph: Graph, role_id: str, home: str, rules: list[Rule], granting: list[Rule], fold: bool
) -> None:
    nodes = [
        Node(f"{role_id}#{number}", 3, rule_text(rule), text("Rule"), home, rule in granting)
        for number, rule in enumerate(rules)
    ]
    if fold and len(rules) > 1:
        first = granting[0] if granting else rules[0]
        title = text("{rule} … and {count} more", rule_text(first), len(rules) - 1)
        nodes = [Node(f"{role_id}#", 3, title, text("Rules"), home, bool(granting))]
    for node in nodes:
        graph.link(role_id, graph.add(node), node.granting)
