"""The strategies of Roles, ClusterRoles and their bindings.

Source: k8s.io/kubernetes ``pkg/apis/rbac/validation`` and ``pkg/apis/rbac/v1/defaults.go``.
"""

from typing_extensions import override

from kube_embedded.machinery.kinds import Kind
from kube_embedded.machinery.request import Object
from kube_embedded.machinery.work import charge

from ..errors import FieldErrors
from ..metadata import (
    validate_known_finalizers,
    validate_metadata,
    validate_metadata_update,
    validate_selector,
)
from ..names import path_segment_name, subdomain_name
from ..strategy import Strategy

GROUP = "rbac.authorization.k8s.io"


class PolicyStrategy(Strategy):
    """The rules that roles and bindings share."""

    name_rule = staticmethod(path_segment_name)
    create_on_update = True

    @override
    def validate_update(self, kind: Kind, new: Object, old: Object) -> FieldErrors:
        """Check metadata, then the object as if it were new, then the change."""
        # pkg/registry/rbac/role/strategy.go: ValidateUpdate runs the rules of a new object first, and so
        # repeats causes.
        errors = FieldErrors()
        validate_metadata(new["metadata"], kind.namespaced, path_segment_name, errors)
        validate_metadata_update(new["metadata"], old["metadata"], errors)
        validate_known_finalizers(new["metadata"].get("finalizers"), "metadata.finalizers", errors)
        validate_metadata(new["metadata"], kind.namespaced, self.name_rule, errors)
        self.check(new, errors)
        validate_metadata_update(new["metadata"], old["metadata"], errors)
        self.check_change(new, old, errors)
        return errors


class RoleStrategy(PolicyStrategy):
    """Roles."""

    namespaced = True
    """Whether its rules are for one namespace."""

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        for index, rule in enumerate(obj.get("rules") or ()):
            check_rule(rule, self.namespaced, f"rules[{index}]", errors)
        aggregation = obj.get("aggregationRule")
        if aggregation is None:
            return
        path = "aggregationRule.clusterRoleSelectors"
        selectors = aggregation.get("clusterRoleSelectors") or []
        charge(500 * len(selectors))  # each looks at all cluster roles
        errors.check_present(
            path,
            selectors,
            "at least one clusterRoleSelector required if aggregationRule is non-nil",
        )
        for index, selector in enumerate(selectors):
            before = len(errors)
            validate_selector(selector, f"{path}[{index}]", errors)
            if len(errors) > before:
                errors.invalid(f"{path}[{index}]", None, "invalid label selector.")


class ClusterRoleStrategy(RoleStrategy):
    """Cluster roles."""

    namespaced = False


def check_rule(rule: Object, namespaced: bool, path: str, errors: FieldErrors) -> None:
    """Check one rule of a role."""
    errors.check_present(
        f"{path}.verbs", rule.get("verbs"), "verbs must contain at least one value"
    )
    urls = rule.get("nonResourceURLs")
    if urls:
        if namespaced:
            errors.invalid(
                f"{path}.nonResourceURLs",
                urls,
                "namespaced rules cannot apply to non-resource URLs",
            )
        if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
            reason = "rules cannot apply to both regular resources and non-resource URLs"
            errors.invalid(f"{path}.nonResourceURLs", urls, reason)
        return
    for field, noun in (("apiGroups", "api group"), ("resources", "resource")):
        errors.check_present(
            f"{path}.{field}", rule.get(field), f"resource rules must supply at least one {noun}"
        )


class RoleBindingStrategy(PolicyStrategy):
    """Role bindings and cluster role bindings."""

    roles: tuple[str, ...] = ("Role", "ClusterRole")
    """The kinds of roles that a binding can name."""

    @override
    def default(self, obj: Object) -> None:
        if not obj["roleRef"].get("apiGroup"):
            obj["roleRef"]["apiGroup"] = GROUP
        # Service accounts are in the core group, whose name is empty: only users and groups get one.
        for subject in obj.get("subjects") or ():
            if not subject.get("apiGroup") and subject.get("kind") in ("User", "Group"):
                fields = dict(subject)
                subject.clear()
                subject.update({"kind": fields.pop("kind"), **fields, "apiGroup": GROUP})
                # The order in which they are printed.
                for name in ("name", "namespace"):
                    if name in subject:
                        subject[name] = subject.pop(name)

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        role = obj["roleRef"]
        errors.check_choice("roleRef.apiGroup", role["apiGroup"], [GROUP])
        errors.check_choice("roleRef.kind", role.get("kind", ""), self.roles)
        errors.check_required("roleRef.name", role.get("name", ""), path_segment_name)
        for index, subject in enumerate(obj.get("subjects") or ()):
            self.check_subject(subject, f"subjects[{index}]", errors)

    def check_subject(self, subject: Object, path: str, errors: FieldErrors) -> None:
        """Check one subject of a binding."""
        name = subject.get("name", "")
        kind = subject.get("kind", "")
        group = subject.get("apiGroup", "")
        errors.check_present(f"{path}.name", name)
        if kind == "ServiceAccount":
            errors.check_if_given(f"{path}.name", name, subdomain_name)
            errors.check_choice(f"{path}.apiGroup", group, [""])
            if not subject.get("namespace") and "Role" not in self.roles:
                errors.required(f"{path}.namespace")
        elif kind in ("User", "Group"):
            errors.check_choice(f"{path}.apiGroup", group, [GROUP])
        else:
            errors.not_supported(f"{path}.kind", kind, ["ServiceAccount", "User", "Group"])

    @override
    def check_change(self, new: Object, old: Object, errors: FieldErrors) -> None:
        if new["roleRef"] != old["roleRef"]:
            role = new["roleRef"]
            printed = {
                "APIGroup": role["apiGroup"],
                "Kind": role.get("kind", ""),
                "Name": role.get("name", ""),
            }
            # Users who can only manage the subjects of a binding must not change the permissions that it grants.
            errors.invalid("roleRef", printed, "cannot change roleRef")


class ClusterRoleBindingStrategy(RoleBindingStrategy):
    """Cluster role bindings."""

    roles = ("ClusterRole",)
