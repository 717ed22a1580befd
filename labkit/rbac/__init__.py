"""What RBAC allows, explained. The decision itself is in ``kube_embedded.rbac``.

- ``words``       questions, rules and permissions in words
- ``policy``      the RBAC objects of a cluster, read through its API
- ``reviews``     the server's own decisions
- ``explain``     the rules that allowed a request, or nearly did
- ``explaining``  the same as plain data and as text
- ``changes``     the smallest change that would allow a refused request
- ``needs``       a permission that a task requires
- ``difference``  the permissions granted beyond the need
- ``matrix``      many requests at once
- ``graph``       subjects, bindings and the rules that they lead to
- ``testing``     tests of a policy, wrong variants of it, its changes and its use
"""
