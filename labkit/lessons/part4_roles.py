"""Part 4, roles and role bindings: W14 to W19."""

import json
from collections.abc import Sequence

from kube_embedded.rbac.objects import Object
from kube_embedded.rbac.rules import Rule
from labkit.core.language import listed, text
from labkit.rbac.policy import RBAC_PATH
from labkit.rbac.testing.vocabulary import standard
from labkit.rbac.words import misspelt_verb

from .base import Account, CheckContext, NotPassed, Outcome, failed, not_attempted, passed
from .bindings import (
    VIEW,
    attempted_bindings,
    binding_text,
    cluster_bindings,
    giving,
    names_account,
    require_nothing_more,
    require_own_binding,
    role_bindings,
    role_kind,
    role_name,
    role_path,
    role_text,
)
from .looking import (
    Question,
    created,
    judge_looking,
    require_answers,
    require_prediction,
    wrong_prediction,
)
from .mistakes import mistakes
from .pods import (
    answering,
    elsewhere,
    no_proxy,
    own_name,
    require_account,
    require_name,
    require_running,
    require_token,
)
from .predictions import ALLOWED, FORBIDDEN, decisions, with_status
from .prepared import require_own
from .rules import beyond, grants, kind_of_surplus
from .steps import step

NAMESPACES = ("kikai", "darbo")


@step()
def w14(context: CheckContext) -> Outcome:
    """Both namespaces have a pod ``test`` whose proxy responds as the default account."""
    spaces = {name: context.names.namespace(name) for name in NAMESPACES}
    present = [
        name for name, space in spaces.items() if context.find(f"/api/v1/namespaces/{space}")
    ]
    expected = text("the namespaces kikai and darbo, and a pod test in each")
    if not present:
        strays = sorted(elsewhere(context, "pods", "test", spaces["kikai"]))
        if strays:
            raise failed(
                "another-namespace",
                text(
                    "a pod test in {namespaces}, and no namespace kikai or darbo", ", ".join(strays)
                ),
                expected,
                "Create the namespaces first; a pod without metadata.namespace lands in default.",
            )
        raise not_attempted("Create the namespaces kikai and darbo, and a pod test in each.")
    names = []
    for name, space in spaces.items():
        pod = context.pod(space, "test") if name in present else None
        if pod is None:
            seen = text("no namespace {name}", name)
            if name in present:
                seen = text("no pod test in {name}", name)
            raise failed(
                "missing-part",
                seen,
                expected,
                "Everything in this part exists twice, so that you can see where a right ends.",
            )
        title = f"{name}/test"
        require_own(pod, title, "W14")
        require_name(pod, "test")
        require_running(pod, title)
        hint = text(
            "Leave serviceAccountName out: the namespace's default account is the subject here."
        )
        require_account(pod, title, "default", "it runs as default", hint)
        require_token(pod, text("a token for the proxy to send"))
        if not answering(context, title):
            hint = text(
                "Use the image luksa/kubectl-proxy: it runs the proxy, and has a shell and curl."
            )
            raise no_proxy(title, "kubectl proxy runs in the pod", hint)
        names.append(own_name(pod))
    return passed(
        text("{pods} run; localhost:8001 answers in both.", listed(names)),
        "Two equal pods in two namespaces: what differs from here on is only what they may do.",
    )


def services(namespace: str) -> str:
    """The path of a namespace's services."""
    return f"/api/v1/namespaces/{namespace}/services"


ASK = text(
    "ask as the pod kikai/test, for the services of its namespace. W4 shows how such an address is built."
)


@step(decisions())
def w15(context: CheckContext) -> Outcome:
    """A list of services without any binding: forbidden, as predicted and as seen."""
    why = text("The server knows who asks, and no rule says they may. RBAC starts from nothing.")
    question = Question(
        "services in kikai", context.account("kikai"), services("kikai"), FORBIDDEN, why
    )
    return judge_looking(
        context,
        "W15",
        [question],
        todo=text('Predict first: predict("W15", "…"), either "allowed" or "forbidden".'),
        ask=ASK,
    )


@step(decisions())
def w16(context: CheckContext) -> Outcome:
    """``service-reader`` exists in both namespaces: with only get and list on services."""
    roles = {
        name: context.find(f"{RBAC_PATH}/namespaces/{name}/roles/service-reader")
        for name in NAMESPACES
    }
    if not any(roles.values()):
        if context.find_visible(f"{RBAC_PATH}/clusterroles/service-reader"):
            raise failed(
                "role-kind",
                "a ClusterRole service-reader",
                "a Role service-reader in kikai, and one in darbo",
                "A cluster role belongs to no namespace; a role lives in one.",
            )
        raise not_attempted("Create the role service-reader in kikai, then in darbo.")
    for name, role in roles.items():
        if role is None:
            raise failed(
                "missing-part",
                text("no role service-reader in {name}", name),
                "one in kikai and one in darbo",
                "A role is worth something in its own namespace only. Apply it again for the other.",
            )
        require_own(role, text("the role service-reader in {name}", name), "W16")
        require_reading(role, "services", text("the role in {name}", name))
    # Before the prediction: a role that is too large would make any prediction right or wrong for another reason.
    require_nothing_more(context)
    account = context.account("kikai")
    mend = text("Somebody is bound to the role already. Delete the binding, and ask again.")
    question = Question("services in kikai", account, services("kikai"), FORBIDDEN, mend=mend)
    # The role in kikai is the one that could have changed something there.
    require_answers(context, "W16", [question], ASK, created(context.evidence(), roles["kikai"]))
    prediction = require_prediction(context, "W16")
    if prediction != FORBIDDEN:
        seen = text(
            "you predicted “{prediction}”; the server refused the account narrow the list of services",
            prediction,
        )
        hint = text(
            "A plain list names no object, so resourceNames do not allow it. Predict again."
        )
        raise wrong_prediction("W16", seen, hint)
    return passed(
        "service-reader in kikai and darbo grants get and list on services.",
        "A role grants to whoever is bound to it. Roles of one subject add up; none takes anything away.",
    )


def require_reading(
    role: Object, resource: str, whose: str, verbs: Sequence[str] = ("get", "list")
) -> None:
    """Require that a role grants only some verbs, by default get and list, on one resource of the core group."""
    rules = role.get("rules") or []
    lacking = [verb for verb in verbs if not grants(rules, verb, "", *resource.split("/"))]
    if lacking:
        kind, hint = _why_not(rules, resource)
        wanted = text("{verbs} on {resource}", listed(lacking), resource)
        raise failed(
            kind,
            text("{whose} does not grant {wanted}: {rules}", whose, wanted, json.dumps(rules)),
            text("{verbs} on {resource}, in the core API group", listed(verbs), resource),
            hint,
        )
    if surplus := beyond(rules, verbs, "", resource):
        excess = listed((extra.text for extra in surplus), ", ")
        # A * is the mistake that matters most, wherever it stands.
        worst = next((extra for extra in surplus if extra.value == "*"), surplus[0])
        kind = kind_of_surplus(worst)
        raise failed(
            kind,
            text("too much: {whose} also grants {excess}", whose, excess),
            text("{verbs} on {resource}, and nothing more", listed(verbs), resource),
            text(mistakes()[kind].says, what=worst.text),
        )


VERBS = {"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "*"}
"""The verbs of requests for objects, and all of them."""


def _why_not(rules: Sequence[Rule], resource: str) -> tuple[str, str]:
    """Why rules do not grant get and list: the kind of mistake, and a hint."""
    kind = _kind_of_rules(rules, resource)
    hint: str = text(mistakes()[kind].says)
    if kind == "wrong-verb":
        hint = misspelt_verb(rules) or hint
    return kind, hint


def _kind_of_rules(rules: Sequence[Rule], resource: str) -> str:
    """The kind of mistake by which rules do not grant get and list."""
    groups = {group for rule in rules for group in rule.get("apiGroups") or ()}
    resources = {name for rule in rules for name in rule.get("resources") or ()}
    verbs = {verb for rule in rules for verb in rule.get("verbs") or ()}
    if not rules:
        return "empty-role"
    if not groups & {"", "*"}:
        return "wrong-group"
    if not resources & {resource, "*"}:
        served = {name for group, name in standard().resources if not group}
        return "another-resource" if resources & served else "wrong-resource"
    if verbs - VERBS:
        return "wrong-verb"
    # A list names no object, so RBAC cannot compare it with resourceNames.
    named = any(rule.get("resourceNames") for rule in rules)
    return "names-and-list" if named else "missing-verb"


@step(decisions())
def w17(context: CheckContext) -> Outcome:
    """``kikai``'s default account lists ``kikai``'s services, and gained no other permission."""
    kikai, darbo = map(context.names.namespace, NAMESPACES)
    account = context.account("kikai")
    if not context.can(account, "list", "services", kikai):
        attempts = attempted_bindings(context, (kikai, darbo), account)
        if not attempts:
            raise not_attempted(
                "Bind service-reader, in kikai, to the account that the pod kikai/test runs as."
            )
        binding = attempts[0]
        seen = text(
            "{user} still cannot list services in kikai; {binding}",
            account.user,
            binding_text(binding),
        )
        expected = text("the account of the pod kikai/test can list them")
        raise _wrong_binding(context, binding, account, seen, expected)
    # list without get is a possible role, but kubectl get service NAME would be refused with it.
    if not context.can(account, "get", "services", kikai):
        raise failed(
            "missing-verb",
            "listing works, reading a single service does not",
            "get and list on services",
            "Reading one object and listing many are two verbs.",
        )
    require_nothing_more(context)
    readers = giving(context, role_bindings(context, kikai), account, "services")
    # view contains services as well, so part 5's binding must not count as the one of this step.
    own = [binding for binding in readers if role_text(binding) != VIEW]
    if not own:
        raise failed(
            "through-another-role",
            "services can be listed through view only",
            "service-reader bound in kikai",
            "A RoleBinding in kikai, whose roleRef is the Role service-reader.",
        )
    require_own_binding(own, "W17")
    question = Question("services in kikai", account, services("kikai"), ALLOWED)
    bound_at = created(context.evidence(), own[0])
    require_answers(context, "W17", [question], ASK, bound_at)
    _require_refused_change(context, account, bound_at)
    prediction = require_prediction(context, "W17")
    if prediction != FORBIDDEN:
        seen = text(
            "you predicted that changing is {prediction}; the server says {answer}",
            prediction,
            with_status("forbidden"),
        )
        hint = text(
            "The role holds get and list. Whatever no rule names stays forbidden. Predict again."
        )
        raise wrong_prediction("W17", seen, hint)
    return passed(
        text("{user} lists the services of kikai, and can change none.", account.user),
        "The binding joined a WHO to a WHAT. The very next request was judged by it.",
    )


def _require_refused_change(context: CheckContext, account: Account, since: float) -> None:
    """Require that an account was refused a change of a service, after some time."""
    goal = (account.user, 403, "services", account.namespace)
    for request in context.evidence().asked:
        call = request.call
        asked = (request.user, request.status, call.resource, call.namespace)
        if asked == goal and request.at >= since and not request.reads:
            return
    raise failed(
        "missing-part",
        text("{user} has not tried to change a service yet", account.user),
        with_status(FORBIDDEN),
        "Delete a service of kikai, of any name, as the pod kikai/test.",
    )


def _wrong_binding(
    context: CheckContext, binding: Object, account: Account, seen: str, expected: str
) -> NotPassed:
    """The verdict on a binding that does not let an account list services in ``kikai``."""
    kind, hint = _binding_mistake(context, binding, account)
    return failed(kind, seen, expected, hint)


def _binding_mistake(context: CheckContext, binding: Object, account: Account) -> tuple[str, str]:
    """Why a binding does not let an account list services: the kind of mistake, and a hint."""
    where = binding["metadata"].get("namespace")
    if not where:
        return "binding-kind", text("It is a ClusterRoleBinding. This step asks for a RoleBinding.")
    if where != context.names.namespace("kikai"):
        return "binding-elsewhere", text(
            "It lies in {namespace}: a RoleBinding grants in its own namespace only.", where
        )
    if not names_account(binding, account):
        return "wrong-subject", text(
            "Its subject is not the account that is meant. "
            "A subject has a kind, a name, and for a service account the namespace that it lives in."
        )
    role = context.find(role_path(binding))
    if role is None:
        return "missing-role", text(
            "There is no {kind} {role}: a binding may name one that is not there.",
            role_kind(binding),
            role_name(binding),
        )
    return _why_not(role.get("rules") or [], "services")


@step()
def w18(context: CheckContext) -> Outcome:
    """``darbo``'s default account reads ``kikai``'s services too; ``kikai``'s still does."""
    kikai, darbo = map(context.names.namespace, NAMESPACES)
    old, new = map(context.account, NAMESPACES)
    local = role_bindings(context, kikai)
    if not context.can(new, "list", "services", kikai):
        # A binding in kikai that mentions darbo is the likely attempt; one elsewhere that names the account comes
        # second.
        attempts = [binding for binding in local if _mentions(binding, "darbo", darbo)] or [
            binding
            for binding in attempted_bindings(context, (darbo,), new)
            if names_account(binding, new)
        ]
        # A second subject that names darbo nowhere is misspelt.
        attempts += [binding for binding in local if len(binding.get("subjects") or ()) > 1]
        if not attempts:
            raise not_attempted("Add darbo's default account to the binding in kikai.")
        binding = attempts[0]
        seen = text(
            "{second} cannot list services in kikai; {binding}", new.user, binding_text(binding)
        )
        expected = text("both accounts can list services in kikai, by the binding in kikai")
        raise _wrong_binding(context, binding, new, seen, expected)
    if not context.can(old, "list", "services", kikai):
        raise failed(
            "subject-replaced",
            text("{second} may, but {first} no longer may", new.user, old.user),
            "both accounts may list services in kikai",
            "You replaced the first subject. Subjects are a list: keep the old one, add the new.",
        )
    require_nothing_more(context)
    # A cluster-wide binding also lets it read in kikai, and the lab creates those of part 5.
    reaching = [*local, *cluster_bindings(context, new)]
    require_own_binding(giving(context, reaching, new, "services"), "W18")
    return passed(
        text("{first} and {second} list the services of kikai.", old.user, new.user),
        "A subject may live in another namespace; what it gains is where the binding lies.",
    )


def _mentions(binding: Object, *names: str) -> bool:
    """Return whether a subject's name or namespace contains one of some names: an attempt, right or wrong."""
    return any(name in str(binding.get("subjects")) for name in names)


@step(decisions(*NAMESPACES))
def w19(context: CheckContext) -> Outcome:
    """From ``darbo``: ``kikai``'s services are listed, its own are not, as predicted."""
    account = context.account("darbo")
    questions = [
        Question(
            "kikai",
            account,
            services("kikai"),
            ALLOWED,
            text("The binding lies in kikai and names darbo's account: it holds in kikai."),
            text("W18 comes first: add darbo's default account to the binding, then ask again."),
        ),
        Question(
            "darbo",
            account,
            services("darbo"),
            FORBIDDEN,
            text("darbo has the role, but no binding: a role without a binding grants nothing."),
            text("Delete the binding in darbo: W18 asks for one in kikai only. Then ask again."),
        ),
    ]
    return judge_looking(
        context,
        "W19",
        questions,
        todo=text('Predict both: predict("W19", {"kikai": "…", "darbo": "…"}).'),
        ask=text("ask as the pod darbo/test, for the services of kikai and for those of darbo."),
    )


STEPS = (w14, w15, w16, w17, w18, w19)
