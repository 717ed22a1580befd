"""What a learner holds: exercises in a notebook, and as notebooks.

- ``exercise``       shows a task, checks it, shows the score
- ``notes``          what is stored of it in the learner's lab
- ``notebooks``      the learners' copies
- ``course_secret``  codes, so that names differ in each course
"""
