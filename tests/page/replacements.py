"""List the parts of other libraries that a page replaces.

A page has no other process, no sockets and little memory, so the lab replaces some functions of the standard library,
of urllib3 and of JupyterLite, from the first request of the page on. `REPLACEMENTS` names each of them with the file
that replaces it and the reason. The tests compare the list with these files and with the installed libraries, in the
lowest and in the newest version that `pyproject.toml` allows.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Replacement:
    """One part of another library that a page replaces.

    Args:
        target: Its name in that library.
        file: The file that replaces it, from the root of the checkout.
        code: The code in that file that does it.
        reason: Why there is no other way.
    """

    target: str
    file: str
    code: str
    reason: str


LOOPBACK = "labkit/backends/page/loopback.py"
KERNEL = "page/site/python/labkit_page.py"
LOADING = "page/site/loading.js"

REPLACEMENTS = (
    # The embedded cluster's address leads into this process.
    Replacement(
        "ssl:SSLContext.load_verify_locations",
        LOOPBACK,
        'ssl.SSLContext, "load_verify_locations"',
        "a context does not give back the CAs that it has loaded, and Pyodide's loads none",
    ),
    Replacement(
        "ssl:SSLContext.load_cert_chain",
        LOOPBACK,
        'ssl.SSLContext, "load_cert_chain"',
        "the same for the client's certificate, which the cluster authenticates",
    ),
    Replacement(
        "http.client:HTTPConnection.connect",
        LOOPBACK,
        'http.client.HTTPConnection, "connect"',
        "urlopen has no sockets in a page: Pyodide's would wait for ever",
    ),
    Replacement(
        "http.client:HTTPSConnection.connect",
        LOOPBACK,
        'http.client.HTTPSConnection, "connect"',
        "it does not call the method that it overrides",
    ),
    Replacement(
        "urllib3.poolmanager:pool_classes_by_scheme",
        LOOPBACK,
        "Any] = pool_classes_by_scheme",
        "the official client makes its pools by this table; in Pyodide they would call fetch",
    ),
    # IPython's kernel shares one lab with all notebooks of the site.
    Replacement(
        "sys.meta_path (first)",
        KERNEL,
        "sys.meta_path[:] = [Client(forget_later),",
        "the official client is 60 MiB: its archives are in memory only during an import",
    ),
    Replacement(
        "sys.meta_path (last)",
        KERNEL,
        "*sys.meta_path, Joining()]",
        "few labs join a class, so its module is fetched when it is imported",
    ),
    Replacement(
        "sys.path",
        KERNEL,
        'sys.path.append("")',
        "each look into the notebooks' folder asks the page's thread, which may be busy",
    ),
    Replacement(
        "labkit.core.language.read",
        KERNEL,
        "language.read = fetched",
        "the catalogues are files of the site, and only one of them is needed",
    ),
    Replacement(
        "pyodide_kernel.kernel.Kernel.run",
        KERNEL,
        "kernel.run = run_cell",
        "a cell first takes the lab, which other notebooks and tabs use too",
    ),
    Replacement(
        "ipykernel.comm.CommManager.comm_msg",
        KERNEL,
        "kernel.comm_manager.comm_msg = on_message",
        "a widget's message does the same",
    ),
    Replacement(
        "IPython.core.completer.IPCompleter.use_jedi",
        KERNEL,
        "shell.Completer.use_jedi = False",
        "jedi takes 33 MB, most of it stubs of packages that a page does not have",
    ),
    # JupyterLite starts the kernel and stores its own things in the browser.
    Replacement(
        "window.Worker",
        LOADING,
        "window.Worker = function (address, ...options)",
        "Python starts while JupyterLab still loads, in the worker that its kernel will ask for",
    ),
    Replacement(
        "globalThis.fetch",
        "page/site/kernel.mjs",
        "globalThis.fetch = async (resource, options) =>",
        "only here can the loading bar count what Pyodide fetches",
    ),
    Replacement(
        "localStorage: the version of JupyterLite's service worker",
        LOADING,
        "service-worker.js?enableCache=false-version`",
        "JupyterLite would register it again amid a cell",
    ),
    Replacement(
        "IndexedDB: JupyterLite's statedb",
        LOADING,
        '(await storeOf("statedb"))?.().clear()',
        "each notebook of the last visit would start a Python, and delay the one that was asked for",
    ),
)
