"""Judges the cluster that a learner left behind.

- ``findings``  runs the checks of an exercise
- ``weights``   weighs superfluous permissions
- ``score``     turns findings into points
- ``result``    the score of one submission, and how its notebook ended
"""
