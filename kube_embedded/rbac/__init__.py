"""The decision of RBAC: the server authorizes with it, and labkit explains with it.

- ``attributes``  the attributes of a request, and the decision on it
- ``rules``       predicates that match a rule with a request
- ``parts``       rules split into single permissions, and the permissions that a rule covers
- ``selectors``   label selectors
- ``objects``     names and titles of roles and bindings
- ``subjects``    the subjects of bindings
- ``bindings``    the rules that apply to a user
- ``rights``      the rights that an account used, and those of its rules that it never used
- ``defaults``    the roles and bindings that every cluster has
"""
