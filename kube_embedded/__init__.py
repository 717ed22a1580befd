"""The embedded cluster: its components in one process, without Docker.

Data goes down: ``process`` → ``cluster`` → ``wiring`` → ``bootstrap`` → ``controllers``, ``node`` →
``apiserver``, ``container`` → ``machinery`` → ``rbac``, ``files``.

- ``process``      the cluster as a process of its own (``python -m kube_embedded``)
- ``testing``      a cluster for the tests of other projects
- ``cluster``      puts the components together
- ``wiring``       the lists of components: authorizers, authenticators, controllers, handlers
- ``bootstrap``    the objects that every new cluster has
- ``controllers``  the work of kube-controller-manager
- ``node``         the work of a kubelet and the scheduler
- ``apiserver``    the work of kube-apiserver
- ``container``    the inside of a pod: files, network, shell, programs
- ``machinery``    shared by the components: requests, errors, kinds, schemas, keys
- ``rbac``         the authorizer's decision
- ``files``        private files, and tables in JSON
- ``ownership``    who else could change a directory
- ``text``         texts that can be translated
- ``version``      the version

``rbac``, ``files``, ``ownership``, ``testing``, ``text`` and the names below are public; everything else can change
with each release:

- a cluster      ``Cluster``, its ``Keys`` (``new_token_key``) and ``Store``, the ``KINDS`` it serves
- its requests   ``ask`` for an ``Answer``, or ``read_request`` and ``Handler``; ``Request``, ``Response``,
  ``EventStream``; the caller: ``PeerCertificate``, ``ShownCertificate``; ``ApiError``
- its costs      ``limited`` to a ``WorkBudget``, ``uncharged``
- its server     ``ApiServer`` on the sockets of ``listen``, ``encode``; ``run`` with the loop that servers use
- a directory    ``make_keys``, ``open_cluster`` on a ``SQLiteStore`` with an ``AuditFile``,
  ``write_admin_kubeconfig`` for the ``ADMIN``

A name is loaded at its first use: ``python -m kube_embedded`` imports this module before it reads its arguments.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .apiserver.serving.address import listen
    from .apiserver.serving.head import encode
    from .apiserver.serving.inprocess import Answer, ask, read_request
    from .apiserver.serving.logs import AuditFile
    from .apiserver.serving.pki import ADMIN, make_keys, write_admin_kubeconfig
    from .apiserver.serving.server import ApiServer
    from .apiserver.storage import Store
    from .apiserver.storage.sqlite import SQLiteStore
    from .cluster import Cluster
    from .machinery.kinds import KINDS
    from .machinery.pki.keys import Keys, new_token_key
    from .machinery.request import (
        EventStream,
        Handler,
        PeerCertificate,
        Request,
        Response,
        ShownCertificate,
    )
    from .machinery.status import ApiError
    from .machinery.work import WorkBudget, limited, uncharged
    from .process import open_cluster, run

# Written twice, for type checkers above and here: this module must not import the names at run time.
_NAMES = {
    "apiserver.serving.address": "listen",
    "apiserver.serving.head": "encode",
    "apiserver.serving.inprocess": "Answer ask read_request",
    "apiserver.serving.logs": "AuditFile",
    "apiserver.serving.pki": "ADMIN make_keys write_admin_kubeconfig",
    "apiserver.serving.server": "ApiServer",
    "apiserver.storage": "Store",
    "apiserver.storage.sqlite": "SQLiteStore",
    "cluster": "Cluster",
    "machinery.kinds": "KINDS",
    "machinery.pki.keys": "Keys new_token_key",
    "machinery.request": "EventStream Handler PeerCertificate Request Response ShownCertificate",
    "machinery.status": "ApiError",
    "machinery.work": "WorkBudget limited uncharged",
    "process": "open_cluster run",
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = [
    "ADMIN",
    "KINDS",
    "Answer",
    "ApiError",
    "ApiServer",
    "AuditFile",
    "Cluster",
    "EventStream",
    "Handler",
    "Keys",
    "PeerCertificate",
    "Request",
    "Response",
    "SQLiteStore",
    "ShownCertificate",
    "Store",
    "WorkBudget",
    "ask",
    "encode",
    "limited",
    "listen",
    "make_keys",
    "new_token_key",
    "open_cluster",
    "read_request",
    "run",
    "uncharged",
    "write_admin_kubeconfig",
]


def __getattr__(name: str) -> Any:
    """Load a name from its module at first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
