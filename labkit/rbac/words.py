"""Questions, rules and permissions in words."""

import re
from collections.abc import Iterable

from kube_embedded.rbac.attributes import Attributes, qualified
from kube_embedded.rbac.parts import Part
from kube_embedded.rbac.rules import Rule
from labkit.core.language import Text, text


def place_text(namespace: str) -> Text:
    """Where a permission applies: ``in kikai``, or ``in the whole cluster`` without a namespace."""
    return text("in {namespace}", namespace) if namespace else text("in the whole cluster")


def question_text(question: Attributes, who: str) -> str:
    """A question in words: ``kikai/default: list services in kikai``.

    Args:
        question: The request.
        who: The caller, as a person calls them.
    """
    if not question.is_resource:
        return f"{who}: {question.verb} {question.path}"
    thing = qualified(question.group, question.full_resource)
    named = f" {question.name}" if question.name else ""
    where = place_text(question.namespace)
    return text("{rule} {where}", f"{who}: {question.verb} {thing}{named}", where)


def misspelt_verb(rules: Iterable[Rule]) -> str:
    """Return a sentence on why a verb of some rules matches no request; empty if all verbs are valid.

    The server accepts any text as a verb, and compares it letter by letter.
    """
    for rule in rules:
        for verb in rule.get("verbs") or ():
            # People who know kubectl write --verb=get,list, and carry the commas over into YAML.
            if words := re.findall(r"[^\s,;]+", verb) if re.search(r"[\s,;]", verb) else []:
                return text(
                    '"{verb}" is one string, and so one verb. Each verb is a string of its own: {verbs}.',
                    verb,
                    ", ".join(f'"{word.lower()}"' for word in words),
                )
            # HTTP methods are in capitals; RBAC's verbs are not, and the server does not fold case.
            if verb != verb.lower():
                return text(
                    'Verbs are written in small letters: "{right}", not "{verb}".',
                    verb.lower(),
                    verb,
                )
    return ""


def rule_text(rule: Rule) -> str:
    """A rule in one line: ``get, list · services``."""
    things = [*(rule.get("resources") or ()), *(rule.get("nonResourceURLs") or ())]
    said = f"{', '.join(rule.get('verbs') or ())} · {', '.join(things)}"
    names = rule.get("resourceNames") or ()
    return text("{rule} · named {names}", said, ", ".join(names)) if names else said


def part_text(part: Part) -> str:
    """A permission in words, with the API group: ``get · deployments.apps/scale``."""
    # A * for all resources is of all groups anyway.
    of_all = part.group == "*" and "*" in part.resource
    shown = part.resource if of_all else qualified(part.group, part.resource)
    return rule_text(part._replace(resource=shown).rule())
