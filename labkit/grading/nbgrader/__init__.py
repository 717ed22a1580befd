"""Exercises for nbgrader.

- ``course``   the notebooks and settings of a course
- ``checker``  judges them, in a process without learners' code
"""
