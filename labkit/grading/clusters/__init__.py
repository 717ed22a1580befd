"""The cluster that a submission talks to.

- ``embedded_cluster``                   its own, in the grader's process
- ``budget``, ``loop_watch``             bounds for its requests, and for the delays by the others' requests
- ``inprocess``                          clients of that cluster, without a socket
- ``reverse_proxy``, ``request_policy``  between a submission and a real cluster that all share
- ``lab_home``                           the files with which ``Lab()`` finds the cluster
"""
