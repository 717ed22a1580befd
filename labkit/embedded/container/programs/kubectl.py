"""``kubectl`` inside a pod: ``proxy`` and ``version``."""

from __future__ import annotations

from labkit.embedded.container.programs.kubectl_proxy import serve
from labkit.embedded.container.programs.options import NOT_SIMULATED, BadOption
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process

VERSION = "v1.36.2"
HELP = """\
kubectl controls the Kubernetes cluster manager.

 Find more information at: https://kubernetes.io/docs/reference/kubectl/

In the lab's pods kubectl knows: proxy, version.
"""


@program("kubectl")
async def kubectl(process: Process) -> int:
    """Run one of the commands that the lab has."""
    verb = next((word for word in process.args if not word.startswith("-")), "")
    match verb:
        case "" | "help" | "options":
            return await process.out(HELP)
        case "version":
            return await process.out(f"Client Version: {VERSION}\nKustomize Version: v5.7.1\n")
        case "proxy":
            try:
                return await serve(process, process.args)
            except BadOption as error:
                text = str(error).replace("unrecognized option '", "unknown flag: ").rstrip("'")
                return await process.err(f"error: {text}\nSee 'kubectl proxy --help' for usage.\n")
    return await process.err(
        f"kubectl {verb}{NOT_SIMULATED}: use curl here, or kubectl outside the pod\n"
    )
