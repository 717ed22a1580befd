"""Questions with their expected answers: requests that are allowed, and requests that are not.

A file of questions::

    namespaces: [kikai, darbo]            # what only a cluster would tell
    accounts: [kikai/builder]
    users: {jane: [team-a]}               # with their groups
    resources: [widgets.example.com]      # or {name: gadgets.example.com, namespaced: false}
    questions:
    - who: kikai/default
      may: list services in kikai
      may not: [delete services in kikai, list services in darbo, get /metrics]
    - who: jane
      may: get pods/log web-0 in kikai
    - who: {group: team-b}                # a member of it without a name
      may not: list secrets               # of all namespaces
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from kube_embedded.rbac.attributes import Attributes, qualified
from kube_embedded.rbac.subjects import AUTHENTICATED, Subject, member, subject
from labkit.core.errors import UsageError, near
from labkit.core.language import text

from ..words import question_text
from .vocabulary import OF_COLLECTIONS, PATH_VERBS, Vocabulary

FIELDS = ("namespaces", "accounts", "users", "groups", "resources", "questions")
MAX_QUESTIONS = 10_000


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its expected answer.

    Args:
        who: The subject of the request.
        attributes: The request.
        may: True if it is expected to be allowed.
        entry: The number of its entry in the file; 0 if it is from no file.
    """

    who: Subject
    attributes: Attributes
    may: bool
    entry: int = 0

    def __str__(self) -> str:
        """In words: ``kikai/default may not: list services in darbo``."""
        who = self.who.label or text("group {name}", self.who.groups[0])
        said = question_text(self.attributes, f"{who} {'may' if self.may else 'may not'}")
        return str(said) if self.attributes.namespace else said  # as it is written in the file


def read_questions(document: Any, vocabulary: Vocabulary) -> list[Question]:
    """Read a file of questions.

    Args:
        document: The parsed YAML or JSON.
        vocabulary: The names allowed in questions, in addition to the file's declarations.

    Raises:
        UsageError: An entry is invalid; the message has its number and the problem.
    """
    if not isinstance(document, dict) or not isinstance(document.get("questions"), list):
        raise UsageError(
            "The file holds no questions.", todo="It is a mapping with the key questions, a list."
        )
    for field in document:
        if field not in FIELDS:
            raise UsageError(
                text("The file has the key {key}.", field), todo=near(str(field), FIELDS)
            )
    users = _users(document.get("users"))
    vocabulary = vocabulary.declaring(
        resources=dict(_custom(resource) for resource in _list(document, "resources")),
        namespaces=_texts(document, "namespaces"),
        accounts=_texts(document, "accounts"),
        users=users,
        groups=[
            *_texts(document, "groups"),
            *(group for groups in users.values() for group in groups),
        ],
    )
    questions: list[Question] = []
    for number, entry in enumerate(document["questions"], 1):
        try:
            questions += _entry(number, entry, vocabulary, users)
        except UsageError as error:
            raise UsageError(
                text("Question {number}: {what}", number, error.what),
                why=error.why,
                todo=error.todo,
            ) from error
        # Each question is decided by every wrong policy, so a file without a limit could occupy a grader for hours.
        if len(questions) > MAX_QUESTIONS:
            what = text("There are more than {number} questions.", MAX_QUESTIONS)
            raise UsageError(what, todo="Ask in several files.")
    if not questions:
        raise UsageError("The file holds no questions.", todo="Write some under the key questions.")
    return questions


def ask(
    who: str,
    text: str,
    vocabulary: Vocabulary,
    *,
    may: bool = True,
    groups: tuple[str, ...] | None = None,
) -> Question:
    """Return a question from a line.

    Args:
        who: ``namespace/name`` of a service account, or a user's name.
        text: ``VERB RESOURCE[.GROUP][/SUBRESOURCE] [NAME] [in NAMESPACE]``, or ``VERB /PATH``.
        vocabulary: The allowed names.
        may: The expected answer.
        groups: The user's groups, apart from ``system:authenticated``.

    Raises:
        UsageError: It is not a question, or contains unknown names.
    """
    _check_who(who, groups or (), vocabulary)
    asking = subject(who) if groups is None else subject(who, (*groups, AUTHENTICATED))
    return Question(asking, _request(asking, text, vocabulary), may)


def check_consistent(questions: Iterable[Question]) -> None:
    """Refuse questions that contradict each other, since RBAC only adds permissions.

    Each member has a group's permissions; permissions for the whole cluster, or for objects of any name, apply in
    each namespace, or to each name.

    Raises:
        UsageError: Two questions contradict each other; the message contains both.
    """
    questions = list(questions)
    allowed: dict[tuple[object, ...], Question] = {}
    for question in questions:
        if question.may:
            who = (
                (True, question.who.user) if question.who.user else (False, question.who.groups[0])
            )
            allowed.setdefault((who, question.attributes[1:]), question)
    # RBAC has no denials: what is allowed for a group, everywhere or for all names is allowed for its part as
    # well.
    for question in questions:
        asked = question.attributes
        who_else = [(True, question.who.user), *((False, group) for group in question.who.groups)]
        wider = product(who_else, {asked.namespace, ""}, {asked.name, ""})
        keys = ((who, asked._replace(namespace=space, name=name)[1:]) for who, space, name in wider)
        if not question.may and (
            other := next((allowed[key] for key in keys if key in allowed), None)
        ):
            what = text(
                "Questions {entry} and {entry2} contradict each other.", other.entry, question.entry
            )
            raise UsageError(
                what,
                why=text("“{other}” and “{each}”: no policy answers both so.", other, question),
                todo="Correct one.",
            )


def _entry(
    number: int, entry: Any, vocabulary: Vocabulary, users: Mapping[str, tuple[str, ...]]
) -> Iterator[Question]:
    if (
        not isinstance(entry, dict)
        or "who" not in entry
        or not set(entry) <= {"who", "may", "may not"}
    ):
        raise UsageError("it is no entry.", todo='An entry has the keys who, and may or "may not".')
    asking = _who(entry["who"], vocabulary, users)
    lines = [(key == "may", line) for key in ("may", "may not") for line in _lines(entry.get(key))]
    if not lines:
        raise UsageError("nothing is asked.", todo='Write a line under may or "may not".')
    for may, line in lines:
        yield Question(asking, _request(asking, line, vocabulary), may, number)


def _who(who: Any, vocabulary: Vocabulary, users: Mapping[str, tuple[str, ...]]) -> Subject:
    if isinstance(who, dict) and set(who) == {"group"} and isinstance(who["group"], str):
        vocabulary.check_group(who["group"])
        return member({"kind": "Group", "name": who["group"]}, "")
    if not isinstance(who, str) or not who:
        raise UsageError(
            "who is a list." if isinstance(who, list) else "who is nobody.",
            todo="Write namespace/name, a user, or {group: NAME}.",
        )
    groups = users.get(who, ())
    _check_who(who, groups, vocabulary)
    return subject(who, (*groups, AUTHENTICATED)) if groups else subject(who)


def _check_who(who: str, groups: Iterable[str], vocabulary: Vocabulary) -> None:
    account = subject(who).account
    if account is not None:
        vocabulary.check_account("/".join(account))
    else:
        vocabulary.check_user(who)
    for group in groups:
        vocabulary.check_group(group)


def _request(who: Subject, line: str, vocabulary: Vocabulary) -> Attributes:
    words = line.split()
    if len(words) < 2:
        what = text("“{line}” is no request.", line)
        raise UsageError(what, todo="Write a verb and a resource, such as “list pods in kikai”.")
    verb, thing, *rest = words
    if thing.startswith("/"):
        if rest or verb not in PATH_VERBS:
            todo = (
                near(verb, PATH_VERBS)
                if not rest
                else text("A path has no name and lies in no namespace.")
            )
            raise UsageError(text("“{line}” is no request for a path.", line), todo=todo)
        vocabulary.check_path(thing)
        return Attributes(who.as_user(), verb, path=thing)
    name, namespace = _place(line, rest)
    plural, _, subresource = thing.partition("/")
    resource, _, group = plural.partition(".")
    full = f"{resource}/{subresource}" if subresource else resource
    vocabulary.check_resource(verb, group, full)
    # The authorizer gets no name in these requests. A question with one would be meaningless.
    if name and verb in ("create", "deletecollection") and not subresource:
        what = text("A request to {verb} {resource} names no object.", verb, plural)
        raise UsageError(what, todo=text("Leave out {name}.", name))
    # kubectl get namespace kikai is authorized in kikai: the server uses the name as the namespace.
    of_one = (group, resource) == ("", "namespaces") and verb not in OF_COLLECTIONS
    if of_one and name and not namespace:
        namespace = (
            name  # as requests for one namespace's object do: a RoleBinding in it can allow them
        )
    elif namespace:
        vocabulary.check_namespace(namespace)
        if not vocabulary.namespaced(group, full) and not of_one:
            what = text("{resource} lie in no namespace.", qualified(group, full))
            raise UsageError(what, todo="Leave out the words after “in”.")
    return Attributes(who.as_user(), verb, group, "", resource, subresource, namespace, name)


def _place(line: str, rest: list[str]) -> tuple[str, str]:
    """Return the name and the namespace in the words after a resource; empty if missing."""
    name = rest.pop(0) if rest and rest[0] != "in" else ""
    namespace = rest[1] if len(rest) == 2 and rest[0] == "in" else ""
    if rest and not namespace:
        what = text("“{line}” is no request.", line)
        raise UsageError(what, todo="After the resource come a name, and “in” with a namespace.")
    return name, namespace


def _users(entry: Any) -> dict[str, tuple[str, ...]]:
    # A list of mappings, `[jane: [team-a]]`, looks much like the mapping.
    named = dict.fromkeys(_lines(entry), ()) if isinstance(entry, list) else entry or {}
    if not isinstance(named, dict):
        raise UsageError(
            "users is neither a list nor a mapping.", todo="Write {jane: [team-a]}, or [jane]."
        )
    return {str(user): tuple(_lines(groups)) for user, groups in named.items()}


def _custom(entry: Any) -> tuple[tuple[str, str], bool]:
    name = entry.get("name") if isinstance(entry, dict) else entry
    plural, dot, group = str(name).partition(".")
    if not isinstance(name, str) or not dot:
        what = text("{name} is no custom resource.", name)
        raise UsageError(what, todo="Write its plural and group: widgets.example.com")
    return (group, plural), not (isinstance(entry, dict) and entry.get("namespaced") is False)


def _list(document: Mapping[str, Any], field: str) -> list[Any]:
    value = document.get(field) or []
    if not isinstance(value, list):
        raise UsageError(
            text("{key} is no list.", field), todo=text("Write {key}: [one, another]", field)
        )
    return value


def _texts(document: Mapping[str, Any], field: str) -> list[str]:
    return _lines(_list(document, field))


def _lines(value: Any) -> list[str]:
    """One text, or a list of them."""
    lines = [value] if isinstance(value, str) else value or []
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        what = text("{value} is neither a text nor a list of texts.", f"{value!r}")
        raise UsageError(what, todo="Write a text, or a list of texts.")
    return lines
