"""One notebook, run in a learner's process.

- ``workers``               the grader's end of such processes
- ``fork_server``           forks them
- ``execution``, ``shell``  execute cells in them; ``warm_up`` has the shell's cells before a fork
- ``messages``              the output of cells, as text
- ``printer``               their output on its way to the supervisor
- ``guard``, ``processes``  watch them from outside, and end them
- ``wire``                  messages between all these
"""
