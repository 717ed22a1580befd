"""The rules of RBAC, once: the server decides with them; lessons, graders and widgets explain with them.

- ``attributes``  the question: who wants to do what to what; and the answer
- ``rules``       what a rule allows, as small predicates
- ``parts``       rules taken apart into single permissions, and which of them a rule covers
- ``objects``     names and titles of roles and bindings
- ``subjects``    the subjects of bindings
- ``bindings``    which rules reach a user
- ``defaults``    the roles and bindings that every cluster has
- ``policy``      the RBAC objects of a cluster, read through its API
- ``reviews``     the server's own answers
- ``explain``     what allowed a request, or nearly did
- ``explaining``  the same as plain data and as text
- ``changes``     the smallest change that would allow a refused request
- ``needs``       a permission that a task asks for
- ``difference``  what was granted beyond the need
- ``matrix``      many questions at once
- ``graph``       who reaches what
- ``testing``     questions for a policy, wrong policies beside it, its changes and its use
"""
