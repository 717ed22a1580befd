"""Why the server decided as it did, from RBAC objects read through the API.

``policy`` reads what is there, ``explain`` finds what granted a request or nearly
did, ``changes`` finds the smallest change that would flip a refusal, ``matrix`` asks
the server many questions at once, ``graph`` draws who reaches what. The rules' own
reading is the server's (``labkit.apiserver.authorization``), so it exists once.
"""

from labkit.access.changes import Change, smallest_changes
from labkit.access.explain import Explanation, Grant, NearMiss, explain
from labkit.access.graph import Graph, rbac_graph
from labkit.access.matrix import Cell, Matrix, Permission, access_matrix
from labkit.access.policy import Api, Policy, Subject, read_policy, subject

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
