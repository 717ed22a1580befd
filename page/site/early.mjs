// The worker of a page's first kernel: JupyterLite's, in which Python starts while JupyterLab still loads.
import { startEarly } from "./kernel.mjs";
import "../../extensions/@jupyterlite/pyodide-kernel-extension/static/{{worker}}";

startEarly();
