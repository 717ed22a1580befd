"""What separates a learner's process from the machine.

- ``isolation``                     namespaces, limits, a user id
- ``root_directory``, ``packages``  the files it sees
- ``seccomp``                       the system calls it may make
- ``control_group``                 the memory it may make the kernel hold
- ``syscalls``                      what Python lacks to build them
"""
