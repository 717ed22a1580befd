"""The rules of RBAC: the server decides with them; lessons, graders and widgets explain with them.

- ``attributes``  the attributes of a request, and the decision on it
- ``rules``       predicates that match a rule with a request
- ``parts``       rules split into single permissions, and the permissions that a rule covers
- ``selectors``   label selectors
- ``objects``     names and titles of roles and bindings
- ``subjects``    the subjects of bindings
- ``bindings``    the rules that apply to a user
- ``defaults``    the roles and bindings that every cluster has
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
