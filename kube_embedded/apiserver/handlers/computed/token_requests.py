"""TokenRequest: a token for a service account (``POST …/serviceaccounts/NAME/token``).

Source: k8s.io/kubernetes ``pkg/registry/core/serviceaccount/storage/token.go``,
``pkg/apis/authentication/validation``.
"""

from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.kinds import Kind
from kube_embedded.machinery.request import Object, Request
from kube_embedded.machinery.schema import schemas
from kube_embedded.machinery.status import ApiError, bad_request, conflict, invalid, not_found
from kube_embedded.machinery.steady_clock import Clock

from ...admission.attributes import Attributes, Plugin
from ...authentication.claims import ISSUER, TokenIssuer
from ...authentication.identity import Lookup
from ...registry.managed.manager import Ownership, update_managed_fields
from ...registry.registry import timestamp
from ..decode.bodies import decode_object
from ..decode.object_meta import check_key, check_namespace
from ..decode.write_options import write_options
from ..represent.responses import One

GROUP = "authentication.k8s.io"
KIND = Kind(GROUP, "v1", "TokenRequest", "serviceaccounts", True, verbs=("create",))
DEFAULT_SECONDS = 3600
MIN_SECONDS = 600
MAX_SECONDS = 1 << 32


class TokenRequests:
    """Answers TokenRequests."""

    def __init__(
        self, issuer: TokenIssuer, lookup: Lookup, clock: Clock, admission: Plugin
    ) -> None:
        self._issuer = issuer
        self._lookup = lookup
        self._clock = clock
        self._admission = admission

    def _answer(self, request: Request, body: Object) -> Object:
        """Answer a TokenRequest for the account in the path with a token; 400, 404, 409 or 422."""
        namespace = request.info.namespace
        name = request.info.name
        metadata = dict(body.get("metadata") or {})
        _must_match(metadata, namespace, name)
        account = self._lookup("serviceaccounts", namespace, name)
        if account is None:
            raise not_found("serviceaccounts", "", name)
        uid = account["metadata"]["uid"]
        if metadata.get("uid", uid) != uid:
            what = f"the UID in the token request ({metadata['uid']})"
            raise conflict(
                "TokenRequest",
                GROUP,
                name,
                f"{what} does not match the UID of the service account ({uid})",
            )
        metadata |= {
            "name": name,
            "namespace": namespace,
            "uid": uid,
            "creationTimestamp": timestamp(self._clock()),
        }
        asked = body.get("spec") or {}
        seconds = asked.get("expirationSeconds")
        spec: Object = {
            "audiences": asked.get("audiences") or [ISSUER],
            "expirationSeconds": DEFAULT_SECONDS if seconds is None else seconds,
            "boundObjectRef": asked.get("boundObjectRef"),
        }
        _check_lifetime(spec["expirationSeconds"])
        bound = self._bound_object(spec["boundObjectRef"], namespace, name)
        issued = self._issuer.issue(account, spec["audiences"], spec["expirationSeconds"], **bound)
        request.annotate("authentication.kubernetes.io/issued-credential-id", f"JTI={issued.id}")
        review = {
            "metadata": metadata,
            "spec": {**asked, "expirationSeconds": spec["expirationSeconds"]},
        }
        note_owner(request, KIND, review, timestamp(self._clock()), "token")
        return {
            "kind": "TokenRequest",
            "apiVersion": KIND.group_version,
            "metadata": metadata,
            "spec": spec,
            "status": {"token": issued.token, "expirationTimestamp": timestamp(issued.expires)},
        }

    def operation(self, request: Request, kind: Kind) -> One:
        """Answer ``serviceaccounts/token``; 400, 403, 404, 409, 415 or 422."""
        write_options(request, "CreateOptions")  # checked before the body is read
        body = decode_object(request, KIND)
        info = request.info
        write = Attributes(
            operation="CREATE",
            group="",
            kind=KIND.kind,
            resource=info.resource,
            subresource=info.subresource,
            namespace=info.namespace,
            name=info.name,
            obj=body,
            old=None,
            user=request.user,
            dry_run=False,
            annotate=request.annotate,
        )
        # NodeRestriction lets a kubelet ask only for tokens of its own pods.
        self._admission.admit(write)
        return One(KIND, self._answer(request, body), 201)

    def _bound_object(self, ref: Object | None, namespace: str, account: str) -> Object:
        if ref is None:
            return {}
        group, _, version = ref.get("apiVersion", "").rpartition("/")
        kind = ref.get("kind", "")
        name = ref.get("name", "")
        if group or kind not in ("Pod", "Secret", "Node"):
            raise bad_request(f"cannot bind token to object of type {group}/{version}, Kind={kind}")
        if not name:
            raise bad_request("Name parameter required.")
        check_key(name)
        plural = f"{kind.lower()}s"
        obj = self._lookup(plural, "" if kind == "Node" else namespace, name)
        if obj is None:
            raise not_found(plural, "", name)
        bound = {kind.lower(): obj}
        if kind == "Pod":
            if obj["spec"].get("serviceAccountName") != account:
                what = f'cannot bind token for serviceaccount "{account}"'
                raise bad_request(f"{what} to pod running with different serviceaccount name.")
            node = obj["spec"].get("nodeName")
            if node:
                # The token names the node even if it has gone; then it has no uid.
                bound["node"] = self._lookup("nodes", "", node) or {"metadata": {"name": node}}
        if ref.get("uid") and ref["uid"] != obj["metadata"]["uid"]:
            detail = f"the UID in the bound object reference ({ref['uid']}) does not match the UID in record"
            raise conflict(
                kind, "", name, f"{detail}. The object might have been deleted and then recreated"
            )
        return bound


def _must_match(metadata: Object, namespace: str, name: str) -> None:
    account = metadata.get("name") or name
    if account != name:
        detail = (
            f"Invalid value: {go_quote(account)}: must match the service account name if specified"
        )
        raise _invalid(name, "metadata.name", detail)
    check_namespace(metadata, namespace)


def _check_lifetime(seconds: int) -> None:
    path = "spec.expirationSeconds"
    if seconds < MIN_SECONDS:
        raise _invalid(
            "", path, f"Invalid value: {seconds}: may not specify a duration less than 10 minutes"
        )
    if seconds > MAX_SECONDS:
        raise _invalid(
            "",
            path,
            f"Invalid value: {seconds}: may not specify a duration larger than 2^32 seconds",
        )


def _invalid(name: str, path: str, message: str) -> ApiError:
    cause = {"reason": "FieldValueInvalid", "message": message, "field": path}
    return invalid("TokenRequest", GROUP, name, [cause])


def note_owner(request: Request, kind: Kind, obj: Object, now: str, subresource: str = "") -> None:
    """Put the ``managedFields`` of a first write into an object; 422 if the request's parameters are invalid.

    The request names the manager, in a parameter or by its user agent. The object is changed in place.
    """
    struct = schemas().of_kind(kind.group, kind.version, kind.kind)
    assert struct is not None, kind
    manager = write_options(request, "CreateOptions").manager
    write = Ownership(struct, manager, kind.group_version, now, subresource)
    update_managed_fields(write, None, obj)
