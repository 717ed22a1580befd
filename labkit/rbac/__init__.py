"""Why the server decided as it did, from RBAC objects read through the API.

``policy`` reads what is there, ``explain`` finds what granted a request or nearly
did, ``changes`` finds the smallest change that would flip a refusal, ``matrix`` asks
the server many questions at once, ``graph`` draws who reaches what. The rules' own
reading is the server's (``labkit.embedded.apiserver.authorization``), so it exists once.
"""

from labkit.rbac.changes import Change, smallest_changes
from labkit.rbac.explain import Explanation, Grant, NearMiss, explain
from labkit.rbac.graph import Graph, rbac_graph
from labkit.rbac.matrix import Cell, Matrix, Permission, access_matrix
from labkit.rbac.policy import Api, Policy, Subject, read_policy, subject

__all__ = [
    "Api",
    "Cell",
    "Change",
    "Explanation",
    "Grant",
    "Graph",
    "Matrix",
    "NearMiss",
    "Permission",
    "Policy",
    "Subject",
    "access_matrix",
    "explain",
    "rbac_graph",
    "read_policy",
    "smallest_changes",
    "subject",
]
