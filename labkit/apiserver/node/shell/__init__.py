"""The pods' shell: bash as a learner types it, run on nothing but this process's memory.

No file, process or socket of the host is ever touched: files live in a
:class:`~labkit.apiserver.node.filesystem.FileSystem`, processes are coroutines of a
:class:`~labkit.apiserver.node.shell.kernel.Kernel`, and the network is a
:class:`~labkit.apiserver.node.transport.Network` of plain callables. Everything is paid
for from a budget, so nothing that is typed can hang or bloat the server.
"""
