"""Exercises that grade themselves, with scores a teacher can trust.

From what a learner is asked to what a teacher reads, each folder above the ones it imports:

- ``tasks``      the exercises: text, first objects and checks, with names drawn for a learner
- ``judging``    what the checks see in the cluster that a learner left behind, and points for it
- ``exercises``  an exercise in a learner's notebook
- ``intake``     what comes in: folders, archives, a roster
- ``walls``      namespaces, limits and filters around a learner's process
- ``running``    a notebook in such a process, forked from a server and watched by a guard
- ``clusters``   the cluster that it talks to: its own, or a real one behind a proxy
- ``graders``    one submission from start to end: a list of stages
- ``pools``      many graders: processes of this machine, or of a Dask cluster
- ``reports``    results as files: stored, signed, exported
- ``session``    a folder of submissions, graded and reported; after an interruption it resumes
- ``nbgrader``   the same exercises for nbgrader

The checks ask the cluster through the API, so they run on every backend. A learner's code
never shares a process with them.
"""
