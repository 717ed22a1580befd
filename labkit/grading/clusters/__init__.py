"""The cluster that a submission talks to.

- ``embedded_cluster``                   its own, in the grader's process
- ``budget``, ``loop_watch``             bounds for its requests, and for what the others' requests cost it
- ``inprocess``                          clients of that cluster, without a socket
- ``reverse_proxy``, ``request_policy``  between a submission and a real cluster that all share
- ``lab_home``                           the files by which ``Lab()`` finds the cluster
"""
