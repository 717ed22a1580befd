"""The drill: find out what somebody believes wrongly about RBAC, and come back to it until it is gone.

- ``authorizers``  wrong ideas, each as an authorizer; ``beliefs.yaml`` has their names and what is true instead
- ``pool``         the questions, with what each of these answers
- ``chooser``      which question tells most, and what the answers say
- ``keeping``      what is kept, how it is joined, and what comes back when
- ``asking``       a session: what to ask next, and what an answer changes

``python -m tools.drill`` writes the questions.
"""
