"""A policy as YAML, as kubectl's commands or as a graph, in at most twelve lines."""

from __future__ import annotations

import json
from collections.abc import Callable

from kube_embedded.rbac.attributes import Attributes
from kube_embedded.rbac.objects import (
    Object,
    binding_title,
    name_of,
    namespace_of,
    role_key,
    role_title,
    title,
)
from kube_embedded.rbac.subjects import Subject, subject_title
from labkit.core.language import text
from labkit.rbac.policy import Policy
from tools.drill.policies import CLUSTER_SCOPED

MAX_LINES = {"YAML": 12, "kubectl": 8, "graph": 12}
"""More than four commands are not read in ten seconds."""
MAX_WIDTH = 88
GROUP_OF = {"deployments": "apps", "cronjobs": "batch", "roles": "rbac.authorization.k8s.io"}
BRANCH = "  └ "
NAMED, GROUP, CORE, NO_ROLE = IN_GRAPHS = (
    "{rule} named {names}",
    "{thing} (API group {group})",
    "{thing} (core API group)",
    "(there is no such role)",
)
"""The words of a graph besides the names of objects."""


def yaml_lines(objects: tuple[Object, ...]) -> list[str]:
    """Each object in four or five lines of YAML."""
    lines: list[str] = []
    for each in objects:
        meta = each["metadata"]
        lines += ["---"] if lines else []
        lines += [f"kind: {each['kind']}", f"metadata: {_flow(meta)}"]
        if "rules" in each:
            lines += ["rules:", *(f"- {_flow(rule)}" for rule in each["rules"])]
        else:
            ref = {key: value for key, value in each["roleRef"].items() if key != "apiGroup"}
            entries = [
                {key: value for key, value in entry.items() if key != "apiGroup"}
                for entry in each["subjects"]
            ]
            lines += [
                f"roleRef: {_flow(ref)}",
                "subjects:",
                *(f"- {_flow(entry)}" for entry in entries),
            ]
    return lines


def _flow(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    text = str(value)
    return text if text and not set(text) & set("*:{}[],&#") else json.dumps(text)


def kubectl_lines(objects: tuple[Object, ...]) -> list[str]:
    """The commands that create the objects, in two lines each; none where kubectl cannot write a rule.

    kubectl looks up the API group of a resource, and writes one rule for each group.
    """
    lines: list[str] = []
    for each in objects:
        place = f" -n {namespace_of(each)}" if namespace_of(each) else ""
        first = f"kubectl create {each['kind'].lower()} {name_of(each)}{place}"
        if "rules" in each:
            if len(each["rules"]) > 1:
                return []
            rule = each["rules"][0]
            resource, group = rule["resources"][0], rule["apiGroups"][0]
            if group != GROUP_OF.get(resource.split("/")[0], ""):
                return []
            plural, _, sub = resource.partition("/")
            thing = plural + (f".{group}" if group else "") + (f"/{sub}" if sub else "")
            named = "".join(f" --resource-name={name}" for name in rule.get("resourceNames", ()))
            second = f"--verb={','.join(rule['verbs'])} --resource={thing}{named}"
        else:
            ref = each["roleRef"]
            flags = [_subject_flag(entry) for entry in each["subjects"]]
            second = f"--{ref['kind'].lower()}={ref['name']} {' '.join(flags)}"
        lines += [f"{first} \\", f"    {second}"]
    return lines


def _subject_flag(entry: Object) -> str:
    if entry["kind"] == "Group":
        return f"--group={entry['name']}"
    return f"--serviceaccount={entry['namespace']}:{entry['name']}"


def graph_lines(objects: tuple[Object, ...]) -> list[str]:
    """From each subject over its binding to the role and its rules; API groups only where one is another resource's."""
    policy = Policy.of(objects)
    groups = odd_groups(objects)
    lines: list[str] = []
    bound = set()
    for binding in policy.bindings:
        bound.add(role_key(binding))
        role = policy.role_of(binding)
        lines += [
            ", ".join(subject_title(entry, namespace_of(binding)) for entry in binding["subjects"])
        ]
        lines += [f"{BRANCH}{binding_title(binding)}"]
        lines += [
            f"{BRANCH}{role_title(binding)}".rjust(
                len(BRANCH) + len(f"{BRANCH}{role_title(binding)}")
            )
        ]
        said = [_rule(rule, groups) for rule in role["rules"]] if role else [NO_ROLE]
        lines += [f"{' ' * 12}{line}" for line in said]
    for key, role in policy.roles.items():
        if key not in bound:
            lines += [title(*key), *(f"{' ' * 4}{_rule(rule, groups)}" for rule in role["rules"])]
    return lines


def odd_groups(objects: tuple[Object, ...]) -> bool:
    """Whether a rule names a resource with an API group that is not the resource's."""
    rules = [rule for each in objects for rule in each.get("rules", ())]
    return any(
        rule["apiGroups"][0] != GROUP_OF.get(rule["resources"][0].split("/")[0], "")
        for rule in rules
    )


def _rule(rule: Object, groups: bool) -> str:
    said = f"{', '.join(rule['verbs'])} {', '.join(rule['resources'])}"
    if rule.get("resourceNames"):
        said = text(NAMED, said, ", ".join(rule["resourceNames"]))
    return in_group(said, rule["apiGroups"][0]) if groups else said


def in_group(thing: str, group: str) -> str:
    """A resource, or a rule about one, with its API group in words."""
    return text(GROUP, thing, group) if group else text(CORE, thing)


FORMS: dict[str, Callable[[tuple[Object, ...]], list[str]]] = {
    "YAML": yaml_lines,
    "kubectl": kubectl_lines,
    "graph": graph_lines,
}


def forms(objects: tuple[Object, ...]) -> dict[str, list[str]]:
    """The forms in which a policy fits."""
    written = {name: form(objects) for name, form in FORMS.items()}
    return {
        name: lines
        for name, lines in written.items()
        if lines and len(lines) <= MAX_LINES[name] and max(map(len, lines)) <= MAX_WIDTH
    }


def request_text(question: Attributes, groups: bool) -> str:
    """The request as a question in words, with the API group if it matters."""
    account, place, name = (
        "/".join(Subject(question.user.name).account or ()),
        question.namespace,
        question.name,
    )
    if question.verb == "escalate":
        return text(
            "May {account} use the verb escalate on roles in the namespace {namespace}?",
            account,
            place,
        )
    thing = question.resource + (f"/{question.subresource}" if question.subresource else "")
    values = (account, question.verb, in_group(thing, question.group) if groups else thing)
    if question.verb in ("list", "watch"):
        if name:
            selected = "May {account} {verb} {resource} in the namespace {namespace} with the field selector {selector}?"
            return text(selected, *values, place, f"metadata.name={name}")
        if place:
            return text(
                "May {account} {verb} {resource} in the namespace {namespace}?", *values, place
            )
        if question.resource in CLUSTER_SCOPED:
            return text("May {account} {verb} {resource}?", *values)
        return text("May {account} {verb} {resource} in all namespaces at once?", *values)
    if place:
        return text(
            "May {account} {verb} {resource} named {name} in the namespace {namespace}?",
            *values,
            name,
            place,
        )
    return text("May {account} {verb} {resource} named {name}?", *values, name)
