"""The parts that a write passes on its way to the store."""

from ..apiserver.admission.attributes import Lookup
from ..apiserver.admission.plugins import default_chain
from ..apiserver.handlers.admission import Admission
from ..apiserver.handlers.verbs.write import Writer
from ..apiserver.registry.registry import Registry
from ..machinery.kinds import KINDS
from .access import Access

# The kinds that quotas count: all namespaced kinds that stay. Events expire by themselves, and would make each
# write of a controller a write of all quotas.
COUNTED = {
    kind.resource
    for kind in KINDS
    if kind.namespaced and "list" in kind.verbs and kind.plural != "events"
}


class Writing:
    """The admission plugins, and the writer that all writes of clients and controllers go through."""

    def __init__(
        self, registry: Registry, lookup: Lookup, access: Access, *, mount_secrets: bool
    ) -> None:
        self._registry = registry
        self.plugins = default_chain(
            lookup,
            registry.store.list,
            registry.new_suffix,
            self.counted,
            access.may_use_signer,
            access.may_request_audience,
            mount_secrets=mount_secrets,
        )
        self.admission = Admission(self.plugins)
        guards = access.refuse_creation, access.refuse_escalation
        self.writer = Writer(registry, self.admission, *guards)

    def counted(self) -> set[str]:
        """Return the resources that quotas count; custom kinds come and go."""
        return COUNTED | self._registry.custom.counted()
