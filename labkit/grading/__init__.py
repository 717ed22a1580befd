"""Exercises that grade themselves, with scores a teacher can trust.

What is asked:

- ``seed``              names and details that vary with a learner
- ``tasks``             each task's text, the objects it starts with, and the probes that judge it
- ``probes``            questions to the cluster that a learner left behind
- ``exercise``          an exercise in a learner's notebook

How a submission is graded:

- ``stages``            read, isolate, open, run, close, probe, score: one list
- ``workers``           learners' processes, forked from ``fork_server`` and isolated by ``isolation``
- ``embedded_cluster``  a submission's own cluster, within a ``budget``
- ``real_cluster``      a real one that all share, behind ``reverse_proxy`` and ``request_policy``
- ``findings``          what the probes found; ``score`` turns it into points
- ``grader``, ``pool``  many submissions at once, on one processor and on several
- ``session``           a folder of submissions into a folder of ``reports``

The probes ask the cluster through the API, so they run on every backend. A learner's code
never shares a process with them.
"""
