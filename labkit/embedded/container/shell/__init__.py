"""The pods' shell: bash as a learner types it, run on nothing but this process's memory.

No file, process or socket of the host is ever touched: files live in a
:class:`~labkit.embedded.container.files.filesystem.FileSystem`, processes are coroutines of a
:class:`~labkit.embedded.container.shell.task_loop.TaskLoop`, and the network is a
:class:`~labkit.embedded.container.network.transport.PodNetwork` of plain callables. Everything is paid
for from a budget, so nothing that is typed can hang or bloat the server.
"""
