"""Exercises that grade themselves, with scores a teacher can trust.

From a learner's task to a teacher's report; each folder is listed above the ones that it imports:

- ``tasks``      the exercises: text, first objects and checks, with names drawn for a learner
- ``judging``    runs the checks on the cluster that a learner left behind, and counts the points
- ``exercises``  an exercise in a learner's notebook
- ``intake``     the input: folders, archives, a roster
- ``walls``      namespaces, limits and filters around a learner's process
- ``running``    a notebook in such a process, forked from a server and watched by a guard
- ``clusters``   the cluster that it talks to: its own, or a real one behind a proxy
- ``graders``    one submission from start to end: a list of stages
- ``pools``      many graders: processes of this machine, or of a Dask cluster
- ``reports``    results as files: stored, signed, exported
- ``session``    a folder of submissions, graded and reported; after an interruption it resumes
- ``nbgrader``   the same exercises for nbgrader

The checks read the cluster through the API, so they run on every backend. A learner's code
never shares a process with them.
"""
