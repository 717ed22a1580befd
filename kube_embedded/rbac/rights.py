"""The rights of an account: which it used, which it lacked, and which it never used."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .attributes import Attributes, User
from .parts import Part, breakdown
from .rules import rule_allows


class Right(NamedTuple):
    """A verb on a resource.

    Args:
        verb: Such as ``get``.
        resource: Such as ``deployments`` or ``pods/log``.
        group: The API group, empty for the core group.
        namespace: Empty for the whole cluster.
        name: Of one object; empty for all.
    """

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        group = f' in API group "{self.group}"' if self.group else ""
        place = f'in the namespace "{self.namespace}"' if self.namespace else "at the cluster scope"
        return f"{self.verb} {self.resource} {self.name}".rstrip() + f"{group} {place}"

    @property
    def question(self) -> Attributes:
        """The same as the authorizer is asked for it, by nobody."""
        part = Part(self.verb, self.group, self.resource)
        return part.question(User(""), self.namespace, self.name)

    @property
    def rule(self) -> str:
        """The smallest rule that grants it for all names, as YAML, with the kind of its role in a comment."""
        place = f'Role in the namespace "{self.namespace}"' if self.namespace else "ClusterRole"
        return f"""# missing in a {place}:
- apiGroups: ["{self.group}"]
  resources: ["{self.resource}"]
  verbs: ["{self.verb}"]"""


class Rights(NamedTuple):
    """A report. As text it ends with the rules that are missing.

    Args:
        account: The user name.
        used: What the server allowed, without names of objects.
        lacked: What the server refused.
        unused: What the account's roles grant beyond that.
    """

    account: str
    used: list[Right]
    lacked: list[Right]
    unused: list[Right]

    def __str__(self) -> str:
        lines = [self.account]
        for title, rights in zip(("used", "lacked", "never used"), self[1:], strict=True):
            lines += [f"{title}:", *(f"  {right}" for right in rights)]
        return "\n".join([*lines, *(right.rule for right in self.lacked)])


def right_of(question: Attributes) -> Right:
    """The right that a question to the authorizer (``Attributes``) is about."""
    resource = question.full_resource
    return Right(question.verb, resource, question.group, question.namespace, question.name)


def unused(rule: dict[str, Any], namespace: str, used: Iterable[Right]) -> Iterator[Right]:
    """What a rule grants and was not used, each verb on each resource; an empty namespace is the whole cluster."""
    for part in breakdown(rule):
        granted = part.rule()
        if part.path is None and not any(
            namespace in ("", right.namespace) and rule_allows(granted, right.question)
            for right in used
        ):
            yield Right(part.verb, part.resource, part.group, namespace, *part.names)
