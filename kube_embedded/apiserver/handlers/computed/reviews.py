"""Reviews of tokens, of the caller's own identity, and of permissions.

Source: k8s.io/kubernetes ``pkg/registry/{authentication,authorization}``,
``pkg/apis/authorization/validation``.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from kube_embedded.machinery.kinds import BY_RESOURCE, Kind
from kube_embedded.machinery.node_users import node_name
from kube_embedded.machinery.request import Object, Request, user_info
from kube_embedded.machinery.schema.ordering import in_order
from kube_embedded.machinery.status import bad_request, invalid
from kube_embedded.machinery.steady_clock import Clock
from kube_embedded.machinery.work import charge
from kube_embedded.rbac.attributes import Attributes, Authorizer, User
from kube_embedded.rbac.bindings import Grant, joined_errors

from ...authentication.bearer import header_token
from ...authentication.claims import ISSUER
from ...authentication.groups import ANONYMOUS, authenticated
from ...authentication.identity import TokenIdentity
from ...authentication.signer import BadToken
from ...authorization.node import NO_RULES
from ...registry.errors import FieldErrors
from ...registry.registry import timestamp
from ..decode.bodies import decode_object
from ..decode.object_meta import SYSTEM_FIELDS, check_namespace
from ..decode.write_options import write_options
from ..represent.responses import One, Operation
from . import review_specs
from .token_requests import note_owner

AUTHENTICATION = "authentication.k8s.io"
AUTHORIZATION = "authorization.k8s.io"
RESOURCE_FIELDS = ("verb", "group", "version", "resource", "subresource", "namespace", "name")

Review = Callable[[Request, Object], Object]
"""(request, the review that was sent) to the answered review, without kind and apiVersion."""


class Reviews:
    """Answers every kind of review."""

    def __init__(
        self,
        authenticate: Callable[[str, Sequence[str]], TokenIdentity],
        authorize: Authorizer,
        held_rules: Callable[[User, str, list[str]], Iterable[Grant]],
        clock: Clock,
    ) -> None:
        self._authenticate = authenticate
        self._authorize = authorize
        self._held = held_rules
        self._clock = clock

    def operations(self) -> dict[tuple[str, str, str], Operation]:
        """(group, plural, no subresource) to the operation that handles it."""
        return {
            (AUTHENTICATION, "tokenreviews", ""): partial(_answer, self.token),
            (AUTHENTICATION, "selfsubjectreviews", ""): partial(_answer, self.self_subject),
            (AUTHORIZATION, "subjectaccessreviews", ""): partial(_answer, self.subject_access),
            (AUTHORIZATION, "localsubjectaccessreviews", ""): partial(
                _answer, self.local_subject_access
            ),
            (AUTHORIZATION, "selfsubjectaccessreviews", ""): partial(
                _answer, self.self_subject_access
            ),
            (AUTHORIZATION, "selfsubjectrulesreviews", ""): partial(
                _answer, self.self_subject_rules
            ),
        }

    def token(self, request: Request, body: Object) -> Object:
        """TokenReview: whose token is this?"""
        spec = body.get("spec") or {}
        if not spec.get("token"):
            raise bad_request("token is required for TokenReview in authentication")
        audiences = list(spec.get("audiences") or [ISSUER])
        # A webhook authenticator elsewhere sends the token that it received in a header.
        token = header_token(f"Bearer {spec['token']}")  # parsed as in a header
        status: Object
        try:
            identity = self._authenticate(token, audiences) if token is not None else None
        except BadToken as error:
            status = {
                "user": {},
                "error": joined_errors(["invalid bearer token", *filter(None, [str(error)])]),
            }
        else:
            if identity is None:
                user = ANONYMOUS
            else:
                user = authenticated(identity.user)
                audiences = list(identity.audiences)
            status = {"authenticated": True, "user": user_info(user), "audiences": audiences}
        return {"metadata": self._metadata(request, body), "spec": spec, "status": status}

    def self_subject(self, request: Request, body: Object) -> Object:
        """SelfSubjectReview: who am I?"""
        return {
            "metadata": {"creationTimestamp": timestamp(self._clock())},
            "status": {"userInfo": user_info(request.user)},
        }

    def subject_access(self, request: Request, body: Object) -> Object:
        """SubjectAccessReview: check whether a user is allowed to make a request."""
        return self._access(request, body, _user_of(body.get("spec") or {}), needs_user=True)

    def local_subject_access(self, request: Request, body: Object) -> Object:
        """LocalSubjectAccessReview: check whether a user is allowed to make a request in this namespace."""
        spec = body.get("spec") or {}
        metadata = self._metadata(request, body)
        namespace = request.info.namespace
        check_namespace(metadata, namespace)
        metadata["namespace"] = namespace
        errors = review_specs.validate_access_spec(spec, needs_user=True)
        _must_be_empty(metadata, errors, "must be empty except for namespace", "namespace")
        resource = spec.get("resourceAttributes")
        own = namespace if resource is None else resource.get("namespace", "")
        if own != namespace:
            field = "spec.resourceAttributes.namespace"
            errors.invalid(field, own, "must match metadata.namespace")
        path = spec.get("nonResourceAttributes")
        if path is not None:
            value = review_specs.go_fields(path)
            detail = "disallowed on this kind of request"
            errors.invalid("spec.nonResourceAttributes", value, detail)
        return self._answered(metadata, spec, _user_of(spec), errors)

    def self_subject_access(self, request: Request, body: Object) -> Object:
        """SelfSubjectAccessReview: check whether the caller is allowed to make a request."""
        return self._access(request, body, request.user, needs_user=False)

    def self_subject_rules(self, request: Request, body: Object) -> Object:
        """SelfSubjectRulesReview: list the caller's permissions in this namespace."""
        namespace = (body.get("spec") or {}).get("namespace", "")
        if not namespace:
            raise bad_request("no namespace on request")
        # The node authorizer decides by objects, and so has no rules to list.
        a_node = node_name(request.user) is not None
        errors: list[str] = [NO_RULES] if a_node else []
        resources = []
        paths = []
        for grant in self._held(request.user, namespace, errors):
            # A user can hold thousands of rules through groups.
            charge(20)
            rule = grant.rule
            if rule.get("resources"):
                resources.append(_kept(rule, "verbs", "apiGroups", "resources", "resourceNames"))
            if rule.get("nonResourceURLs"):
                paths.append(_kept(rule, "verbs", "nonResourceURLs"))
        status: Object = {
            "resourceRules": resources,
            "nonResourceRules": paths,
            "incomplete": a_node,
        }
        if errors:
            status["evaluationError"] = joined_errors(errors)
        return {"metadata": {}, "spec": {}, "status": status}

    def _access(self, request: Request, body: Object, user: User, *, needs_user: bool) -> Object:
        spec = body.get("spec") or {}
        metadata = self._metadata(request, body)
        errors = review_specs.validate_access_spec(spec, needs_user=needs_user)
        _must_be_empty(metadata, errors, "must be empty")
        return self._answered(metadata, spec, user, errors)

    def _answered(self, metadata: Object, spec: Object, user: User, errors: FieldErrors) -> Object:
        if errors:
            # Nameless, and so in the real server's message.
            raise invalid("", AUTHORIZATION, "", errors)
        decision = self._authorize(_question(user, spec))
        status: Object = {"allowed": decision.allowed}
        if decision.reason:
            status["reason"] = decision.reason
        problems = review_specs.evaluation_errors(spec)
        if problems:
            status["evaluationError"] = problems
        return {"metadata": metadata, "spec": spec, "status": status}

    def _metadata(self, request: Request, body: Object) -> Object:
        sent = body.get("metadata") or {}
        metadata = {key: value for key, value in sent.items() if key not in SYSTEM_FIELDS}
        info = request.info
        if not info.namespace:
            metadata.pop("namespace", None)
        kind = BY_RESOURCE[info.group, info.version, info.resource]
        review = {"metadata": metadata, "spec": body.get("spec") or {}}
        note_owner(request, kind, review, timestamp(self._clock()))
        return metadata


def _answer(review: Review, request: Request, kind: Kind) -> One:
    write_options(request, "CreateOptions")  # checked before the body is read
    answer = review(request, decode_object(request, kind))
    return One(kind, {"kind": kind.kind, "apiVersion": kind.group_version, **answer}, 201)


def _question(user: User, spec: Object) -> Attributes:
    path = spec.get("nonResourceAttributes")
    if path is not None:
        return Attributes(user, path.get("verb", ""), path=path.get("path", ""), non_resource=True)
    resource = spec["resourceAttributes"]
    named = {field: resource.get(field, "") for field in RESOURCE_FIELDS}
    return Attributes(
        user, **named, fields=review_specs.exact_requirements(resource.get("fieldSelector") or {})
    )


def _user_of(spec: Object) -> User:
    extra = {key: tuple(values or ()) for key, values in (spec.get("extra") or {}).items()}
    return User(spec.get("user", ""), tuple(spec.get("groups") or ()), spec.get("uid", ""), extra)


def _must_be_empty(metadata: Object, errors: FieldErrors, detail: str, *allowed: str) -> None:
    if set(metadata) - {"managedFields", *allowed}:
        head = {"kind": "SubjectAccessReview", "apiVersion": f"{AUTHORIZATION}/v1"}
        printed = in_order({**head, "metadata": metadata})["metadata"]
        errors.invalid("metadata", printed, detail)


def _kept(rule: Object, *fields: str) -> Object:
    return {field: rule[field] for field in fields if rule.get(field)}
