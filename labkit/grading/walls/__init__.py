"""The separation of a learner's process from the machine.

- ``isolation``                     namespaces, limits, a user id
- ``root_directory``, ``packages``  the files it sees
- ``seccomp``                       its allowed system calls
- ``control_group``                 the kernel's memory for it
- ``syscalls``                      the system calls for them that Python lacks
"""
