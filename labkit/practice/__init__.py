"""The drill: find misconceptions about RBAC, and repeat them until they are gone.

- ``pool``         the questions, each with the answers of these authorizers
- ``chooser``      chooses the most informative question, and evaluates the answers
- ``keeping``      the stored state: how it is joined, and when an idea comes back
- ``asking``       a session: the next question, and the effect of an answer

``beliefs.yaml`` has the misconceptions' names and the facts. ``python -m tools.drill`` writes the questions: there
each misconception is an authorizer.
"""
