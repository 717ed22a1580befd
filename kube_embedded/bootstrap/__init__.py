"""The objects that every new cluster has: namespaces, services, priority levels, RBAC policy."""
