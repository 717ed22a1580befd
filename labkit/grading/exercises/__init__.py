"""The learner's side: exercises in a notebook, and as notebooks.

- ``exercise``       shows a task, checks it, shows the score
- ``notes``          the facts about it that are stored in the learner's lab
- ``notebooks``      the learners' copies
- ``course_secret``  codes, so that names differ in each course
"""
