"""What a learner's cluster is worth.

- ``findings``  what the checks of an exercise see
- ``weights``   how much is too much
- ``score``     points
- ``result``    the score of one submission, and how its notebook ended
"""
