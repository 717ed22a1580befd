"""The plugins of a default cluster, in the order in which they run.

Source: k8s.io/kubernetes ``pkg/kubeapiserver/options/plugins.go``.
"""

from __future__ import annotations

from collections.abc import Callable

from labkit.embedded.apiserver.admission.attributes import Chain, Lister, Lookup
from labkit.embedded.apiserver.admission.certificates import (
    CertificateRights,
    CertificateSubjects,
    MayUseSigner,
    Requestor,
)
from labkit.embedded.apiserver.admission.classes import ClaimResize, DefaultIngressClass, DefaultStorageClass
from labkit.embedded.apiserver.admission.lifecycle import NamespaceLifecycle
from labkit.embedded.apiserver.admission.limits import LimitRanger
from labkit.embedded.apiserver.admission.noderestriction import MayRequestAudience, NodeRestriction
from labkit.embedded.apiserver.admission.objects import OneDefaultPriority, StorageObjectInUse, TaintNewNodes
from labkit.embedded.apiserver.admission.pods import DefaultTolerations, Priority, RuntimeClass
from labkit.embedded.apiserver.admission.podsecurity import PodSecurity
from labkit.embedded.apiserver.admission.quotas import ResourceQuota
from labkit.embedded.apiserver.admission.serviceaccount import ServiceAccount
from labkit.embedded.machinery.quota.evaluators import Evaluators


def default_chain(
    lookup: Lookup,
    lister: Lister,
    new_suffix: Callable[[], str],
    evaluators: Evaluators,
    may_use_signer: MayUseSigner,
    may_request_audience: MayRequestAudience,
    *,
    mount_secrets: bool = False,
) -> Chain:
    """Make the chain of all plugins.

    Args:
        lookup: Reads stored objects.
        lister: Lists stored objects.
        new_suffix: Five random characters.
        evaluators: Measure what objects use of quotas.
        may_use_signer: Decides about approving and signing certificates.
        may_request_audience: Decides about the tokens that nodes ask for.
        mount_secrets: Mount the account's token Secret, as clusters did up to 1.20.
    """
    return Chain(
        (
            NamespaceLifecycle(lookup),
            LimitRanger(lister),
            ServiceAccount(lookup, lister, new_suffix, mount_secrets),
            NodeRestriction(lookup, may_request_audience),
            TaintNewNodes(),
            PodSecurity(lookup, lister),
            Priority(lookup, lister),
            OneDefaultPriority(lister),
            DefaultTolerations(),
            DefaultStorageClass(lister),
            StorageObjectInUse(),
            ClaimResize(lookup),
            RuntimeClass(lookup),
            Requestor(),
            CertificateRights(may_use_signer),
            CertificateSubjects(),
            DefaultIngressClass(lister),
            ResourceQuota(lister, evaluators),
        )
    )
