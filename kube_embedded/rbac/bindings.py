"""Which rules reach a user: bindings say who, roles say what."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from .attributes import User
from .objects import Object, binding_title, name_of, namespace_of, role_title
from .rules import Rule
from .subjects import subject_matches, subject_namespace, subject_title

Lister = Callable[[str, str], Iterable[Object]]
"""(plural of an RBAC resource, namespace or "") to its objects, in the order they are tried."""

Getter = Callable[[str, str, str], Object | None]
"""(plural of an RBAC resource, namespace or "", name) to one object."""


class RoleNotFound(LookupError):
    """A binding refers to a role that does not exist; the message is the server's."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One rule that applies to a user.

    Args:
        rule: The rule.
        role: The Role or ClusterRole that contains it.
        binding: The binding that names that role.
        entry: The binding's first subject that is the user.
    """

    rule: Rule
    role: Object
    binding: Object
    entry: Object

    @property
    def why(self) -> str:
        """Which binding gave the rule, in the words of the audit event.

        Source: k8s.io/kubernetes ``pkg/registry/rbac/validation/rule.go``, ``clusterRoleBindingDescriber``.
        """
        name = name_of(self.binding)
        namespace = namespace_of(self.binding)
        ref = self.binding["roleRef"]
        binding = (
            f'RoleBinding "{name}/{namespace}"' if namespace else f'ClusterRoleBinding "{name}"'
        )
        home = subject_namespace(self.entry, namespace)
        subject = f"{self.entry.get('name', '')}/{home}" if home else self.entry.get("name", "")
        return f'{binding} of {ref["kind"]} "{ref["name"]}" to {self.entry["kind"]} "{subject}"'

    @property
    def binding_title(self) -> str:
        """``RoleBinding kikai/test``."""
        return binding_title(self.binding)

    @property
    def role_title(self) -> str:
        """``Role kikai/reader``."""
        return role_title(self.binding)

    @property
    def subject_title(self) -> str:
        """``ServiceAccount kikai/default``."""
        return subject_title(self.entry, namespace_of(self.binding))


def rules_for(
    user: User,
    namespace: str,
    list_bindings: Lister,
    get_role: Getter,
    errors: list[str] | None = None,
) -> Iterator[Grant]:
    """Yield every rule that applies to a user: first the cluster-wide rules, then the namespace's.

    Source: k8s.io/kubernetes ``pkg/registry/rbac/validation/rule.go``, ``VisitRulesFor``.

    Args:
        user: The user.
        namespace: Its RoleBindings count too; empty for none.
        list_bindings: Lists ``clusterrolebindings`` and ``rolebindings``.
        get_role: Reads one of ``clusterroles`` and ``roles``.
        errors: Problems of the policy, such as a binding to a missing role, are added to it; the walk goes on.

    Yields:
        The rules, in the order in which they are tried.
    """
    # Kubernetes tries cluster role bindings first, so the reason in an audit event names one of them if both
    # kinds grant the request.
    scopes = [("clusterrolebindings", ""), ("rolebindings", namespace)]
    for plural, scope in scopes if namespace else scopes[:1]:
        for binding in list_bindings(plural, scope):
            entries = binding.get("subjects") or ()
            # Only the first subject that is the user counts, as in appliesTo of
            # pkg/registry/rbac/validation/rule.go: the audit reason names that one.
            entry = next((entry for entry in entries if subject_matches(entry, user, scope)), None)
            if entry is None:
                continue
            # A binding can be older than its role, or outlive it. One that dangles must not hide what the others
            # grant.
            try:
                role = referenced_role(binding["roleRef"], scope, get_role)
            except RoleNotFound as error:
                if errors is not None:
                    errors.append(str(error))
                continue
            for rule in role.get("rules") or ():
                yield Grant(rule, role, binding, entry)


def referenced_role(ref: Object, namespace: str, get_role: Getter) -> Object:
    """The role that ``roleRef`` of a binding in a namespace (empty: a ClusterRoleBinding) refers to.

    Raises:
        RoleNotFound: It does not exist.
    """
    kind = ref.get("kind", "")
    name = ref.get("name", "")
    # The server validates roleRef.kind, but a policy from manifests has not passed it.
    if kind not in ("ClusterRole", "Role"):
        raise RoleNotFound(f'unsupported role reference kind: "{kind}"')
    role = get_role(f"{kind.lower()}s", namespace if kind == "Role" else "", name)
    if role is None:
        raise RoleNotFound(f'{kind.lower()}.rbac.authorization.k8s.io "{name}" not found')
    return role


def joined_errors(errors: list[str]) -> str:
    """Several errors as one text, as Kubernetes joins them: each once, in brackets if many."""
    # As utilerrors.NewAggregate does: k8s.io/apimachinery, pkg/util/errors.
    distinct = list(dict.fromkeys(errors))
    return distinct[0] if len(distinct) == 1 else f"[{', '.join(distinct)}]"
