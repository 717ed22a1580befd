"""The plugins of a default cluster, in the order in which they run.

Source: k8s.io/kubernetes ``pkg/kubeapiserver/options/plugins.go``.
"""

from collections.abc import Callable

from ...machinery.quota.counts import Counted
from . import certificates
from .attributes import Chain, Lister, Lookup
from .lifecycle import NamespaceLifecycle
from .noderestriction import MayRequestAudience, NodeRestriction
from .objects import OneDefaultPriority, StorageObjectInUse, TaintNewNodes
from .pods import DefaultTolerations, Priority, RuntimeClass
from .podsecurity import PodSecurity
from .quotas import ResourceQuota
from .serviceaccount import ServiceAccount


def default_chain(
    lookup: Lookup,
    lister: Lister,
    new_suffix: Callable[[], str],
    counted: Counted,
    may_use_signer: certificates.MayUseSigner,
    may_request_audience: MayRequestAudience,
    *,
    mount_secrets: bool = False,
) -> Chain:
    """Make the chain of all plugins.

    ``new_suffix`` returns five random characters, ``counted`` returns the resources that quotas count, and
    ``mount_secrets`` mounts the account's token Secret, as clusters did up to 1.20.
    """
    stored = lookup, lister
    return Chain(
        (
            NamespaceLifecycle(*stored),  # first: nothing is created in a namespace that ends
            ServiceAccount(
                *stored, new_suffix, mount_secrets
            ),  # the account of a pod, and its token volume
            NodeRestriction(
                *stored, may_request_audience
            ),  # nodes can write only themselves and their pods
            TaintNewNodes(),  # a new node takes no pods until it is ready
            PodSecurity(*stored),  # validates the pod that the others have completed
            Priority(*stored),  # the number behind a priority class
            OneDefaultPriority(*stored),
            DefaultTolerations(),
            StorageObjectInUse(),
            RuntimeClass(*stored),
            # The requester of a certificate is recorded before its permissions are checked.
            certificates.Requestor(),
            certificates.CertificateRights(may_use_signer),  # permissions to approve and to sign
            certificates.CertificateSubjects(),
            ResourceQuota(*stored, counted),  # last: it counts the final form of the object
        )
    )
