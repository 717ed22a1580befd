"""One notebook, run in a learner's process.

- ``workers``               the grader's end of such processes
- ``fork_server``           forks them
- ``execution``, ``shell``  execute cells in them; ``warm_up`` has what the shell does before a fork
- ``messages``              what cells show, as text
- ``printer``               their output on its way to the supervisor
- ``guard``, ``processes``  watch them from outside, and end them
- ``wire``                  messages between all these
"""
