"""Exercises that grade themselves, with scores a teacher can trust.

1. ``draw``      names and details that vary with a learner
2. ``probes``    one question to the cluster that a learner left behind
3. ``tasks``     what is asked, what is set up first, and the probes that judge it
4. ``score``     probes to points, over-permission to deductions
5. ``exercise``  a task as the learner sees it in a notebook
6. ``grader``    submissions to scores, each in a cluster and a process of its own
7. ``reports``   scores as CSV, JUnit XML, Gradescope, PrairieLearn, and a page a learner

The checks ask the cluster through the API, so they run on every backend. A learner's
code never shares a process with them.
"""
