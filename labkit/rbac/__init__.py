"""The rules of RBAC, once: the server decides with them, lessons and widgets explain with them.

- ``attributes``  the question: who wants to do what to what
- ``rules``       what a rule says, as small predicates
- ``bindings``    which rules reach a user
- ``policy``      the RBAC objects of a cluster, read through its API
- ``explain``     what allowed a request, or nearly did
- ``changes``     the smallest change that would allow a refused request
- ``matrix``      many questions at once
- ``graph``       who reaches what
"""
