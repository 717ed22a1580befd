"""The controllers of a cluster, in the order in which each change reaches them.

The order decides in which order objects are written, and so their revisions and names.
"""

from collections.abc import Callable

from kube_embedded.rbac.attributes import User

from ..apiserver.filters.request_info import request_info
from ..apiserver.handlers.represent.encode import dump
from ..apiserver.handlers.verbs.write import Writer
from ..apiserver.registry.objects import Controller
from ..apiserver.registry.registry import Registry
from ..bootstrap.core import CoreController
from ..bootstrap.system import SystemContent
from ..controllers import MANAGER
from ..controllers.aggregation import RoleAggregation
from ..controllers.controller import Publisher
from ..controllers.daemonsets import DaemonSets
from ..controllers.definitions import Definitions
from ..controllers.deployments import Deployments
from ..controllers.endpoints import ServiceEndpoints
from ..controllers.expiry import Expiry
from ..controllers.garbage import GarbageCollector
from ..controllers.jobs import Jobs
from ..controllers.namespaces import NamespaceContent, NamespaceDeletion
from ..controllers.nodes import NodeLifecycle
from ..controllers.quotas import ResourceQuotas
from ..controllers.replicas import REPLICA_SETS, REPLICATION_CONTROLLERS, ReplicaController
from ..controllers.signing import Sign, Signing
from ..controllers.statefulsets import StatefulSets
from ..controllers.tokens import TokenSecrets
from ..controllers.volumes import Volumes
from ..controllers.workload import Create
from ..machinery.kinds import Kind
from ..machinery.objects import namespace_of
from ..machinery.quota.counts import Counted
from ..machinery.request import Object, Request
from .credentials import Credentials


class Controllers:
    """Every controller of the control plane; with ``automatic`` each service account gets a token Secret."""

    def __init__(
        self,
        registry: Registry,
        create: Create,
        ca_certificate: bytes,
        sign: Sign,
        credentials: Credentials,
        counted: Counted,
        *,
        automatic: bool,
    ) -> None:
        system = SystemContent(registry, ca_certificate, tracked=not automatic)
        tokens = TokenSecrets(
            registry, credentials.issuer.issue_legacy, ca_certificate, automatic=automatic
        )
        namespaces = NamespaceContent(registry, ca_certificate)
        self.publishers: tuple[Publisher, ...] = (system, tokens, namespaces)
        aggregation = RoleAggregation(registry)
        replica_sets = ReplicaController(registry, create, REPLICA_SETS)
        replication_controllers = ReplicaController(registry, create, REPLICATION_CONTROLLERS)
        nodes = NodeLifecycle(registry)
        jobs = Jobs(registry, create)
        daemon_sets = DaemonSets(registry, create)
        stateful_sets = StatefulSets(registry, create)
        self.reacting: tuple[Controller, ...] = (
            tokens,  # fills token Secrets
            aggregation,  # collects the rules of aggregated cluster roles
            namespaces,  # the service account and the CA bundle that new pods need
            NamespaceDeletion(registry),  # empties a namespace that ends
            GarbageCollector(registry),  # deletes objects whose owners are gone
            Volumes(registry),  # drops the finalizers of volumes and claims
            ResourceQuotas(registry, counted),  # counts the objects of the writes above and below
            ServiceEndpoints(registry),  # the endpoints of services with a selector
            Signing(registry, sign),  # signs certificate requests
            Definitions(
                registry
            ),  # accepts the names of custom resources, and deletes these with their definition
            CoreController(registry),  # restores what every cluster has
            system,  # restores what kube-system has
            nodes,  # taints nodes, which daemon sets look at
            replica_sets,  # creates pods
            replication_controllers,
            Deployments(
                registry, create
            ),  # creates replica sets, which then come back to their controller above
            jobs,
            daemon_sets,
            stateful_sets,
        )
        self.timed: tuple[Callable[[], None], ...] = (
            aggregation.advance,  # work that was too much for one write
            replica_sets.advance,  # minReadySeconds
            replication_controllers.advance,  # minReadySeconds
            jobs.advance,  # delays, deadlines and times to live
            daemon_sets.advance,  # refused pods again, minReadySeconds
            stateful_sets.advance,  # refused pods again, minReadySeconds
            Expiry(registry).advance,  # old events
        )


def controller_create(writer: Writer) -> Create:
    """Make the function by which controllers create: as a service account of ``kube-system``, with admission."""

    def create(controller: str, obj: Object, kind: Kind) -> Object:
        group = f"/apis/{kind.group_version}" if kind.group else f"/api/{kind.version}"
        path = f"{group}/namespaces/{namespace_of(obj)}/{kind.plural}"
        request = Request(
            "POST",
            path,
            {"fieldManager": [MANAGER]},
            {"content-type": "application/json"},
            dump(obj),
        )
        request.info = request_info(request)
        account = f"system:serviceaccount:kube-system:{controller}"
        groups = (
            "system:serviceaccounts",
            "system:serviceaccounts:kube-system",
            "system:authenticated",
        )
        request.user = User(account, groups=groups)
        return writer.create(request, kind).object

    return create
