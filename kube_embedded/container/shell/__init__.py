"""The pods' shell: bash as a learner types it, run entirely in this process's memory.

No file, process or socket of the host is ever touched: files live in a
:class:`~kube_embedded.container.files.filesystem.FileSystem`, processes are coroutines of a
:class:`~kube_embedded.container.shell.task_loop.TaskLoop`, and the network is a
:class:`~kube_embedded.container.network.transport.PodNetwork` of plain callables. All work is charged to a
budget, so that no command can hang or bloat the server.
"""
