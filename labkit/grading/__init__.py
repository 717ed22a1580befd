"""Exercises that grade themselves, with scores a teacher can trust.

- ``exercise``               an exercise in a learner's notebook
- ``tasks``, ``seed``        each task's text, first objects and probes, with names drawn for a learner
- ``probes``, ``findings``   questions to the cluster that a learner left behind, and what they found
- ``score``, ``reports``     points, and files for teachers' systems
- ``stages``                 how a submission is graded: one list
- ``workers``                learners' processes, forked from ``fork_server``, watched by a ``guard``
- ``isolation``              their walls: namespaces and limits; see ``root_directory``, ``seccomp``, ``control_group``
- ``embedded_cluster``       a submission's own cluster, within a ``budget``
- ``real_cluster``           a real one that all share, behind ``reverse_proxy`` and ``request_policy``
- ``session``                a folder of submissions, graded by a ``pool`` of ``grader`` processes
- ``dask_pool``              graded on other machines instead, by ``dask_worker``
- ``result_store``           its results, signed, so that an interrupted session resumes

The probes ask the cluster through the API, so they run on every backend. A learner's code
never shares a process with them.
"""
