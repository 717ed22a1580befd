"""A needed permission, which a task requires a learner to grant."""

from dataclasses import dataclass

from kube_embedded.rbac.attributes import Attributes
from kube_embedded.rbac.parts import Part
from kube_embedded.rbac.rules import Rule
from kube_embedded.rbac.subjects import Subject

from .words import question_text


@dataclass(frozen=True, slots=True)
class Need:
    """A permission that one subject needs.

    Args:
        who: The subject.
        verb: Such as ``list``.
        resource: The plural, with its subresource: ``pods/log``.
        namespace: Empty for the whole cluster.
        group: The API group.
        name: One object's name, or empty for all.
        path: A non-resource path, instead of a resource.
    """

    who: Subject
    verb: str
    resource: str = ""
    namespace: str = ""
    group: str = ""
    name: str = ""
    path: str = ""

    @property
    def part(self) -> Part:
        """The same as a part of a rule."""
        names = (self.name,) if self.name else ()
        return Part(self.verb, self.group, self.resource, names, self.path or None)

    def question(self) -> Attributes:
        """The same as an authorizer's question."""
        return self.part.question(self.who.as_user(), self.namespace, self.name)

    def rule(self) -> Rule:
        """The rule that allows just this."""
        return self.part.rule()

    def __str__(self) -> str:
        """In words: ``ann/bot: list pods in red``."""
        return question_text(self.question(), self.who.label)
