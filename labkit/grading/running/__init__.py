"""One notebook, run in a learner's process.

- ``workers``               the grader's end of such processes
- ``fork_server``           where they come from
- ``execution``, ``shell``  what executes cells in them, and ``messages`` that say what cells show
- ``printer``               what they print, on its way out
- ``guard``, ``processes``  watch them from outside, and end them
- ``wire``                  messages between all these
"""
