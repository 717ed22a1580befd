"""One submission, from its file to its result.

- ``stages``        the order: one list
- ``grader``        on an embedded cluster
- ``real_cluster``  on a real one
"""
