// In JupyterLab's page: a bar while Python loads, notices from the kernels, and what is kept for use without network.
// A link opens its notebook alone.
(() => {
  const SITE = new URL("../", document.currentScript.src).pathname.replace(/static\/$/, "");
  const channel = new BroadcastChannel(`labkit:${SITE}`);
  const FRONT_END = 0.4; // of the bar, for JupyterLab itself

  // Every open notebook has a Python of its own, so those that were open last time would make a link's one wait.
  async function forgetLayout() {
    const name = `JupyterLite Storage - ${SITE}`;
    if (!(await indexedDB.databases()).some((database) => database.name === name)) return;
    const request = indexedDB.open(name);
    request.onsuccess = () => {
      const database = request.result;
      if (database.objectStoreNames.contains("statedb"))
        database.transaction("statedb", "readwrite").objectStore("statedb").clear();
      database.close();
    };
  }
  if (new URLSearchParams(location.search).has("path")) forgetLayout().catch(() => {}); // no storage, no layout

  const style = document.createElement("style");
  style.textContent = `
    #labkit-loading { position: fixed; z-index: 10001; left: 50%; bottom: 1.5rem; translate: -50% 0; width: min(24rem, 90vw);
      padding: .6rem 1rem; border: 1px solid #8888; border-radius: .4rem; background: #fff; color: #1a1a1a;
      font: 14px system-ui, sans-serif; box-shadow: 0 2px 8px #0003; }
    #labkit-loading progress { width: 100%; accent-color: #1f6feb; }
    .labkit-notices { position: fixed; z-index: 10000; left: 50%; top: .5rem; translate: -50% 0; width: min(44rem, 94vw); }
    .labkit-notices p { display: flex; gap: 1rem; align-items: start; margin: 0 0 .4rem; padding: .6rem 1rem; color: #1a1a1a;
      background: #fff4ce; border: 1px solid #b58900; border-radius: .4rem; font: 14px/1.4 system-ui, sans-serif; }
    .labkit-notices button { margin-left: auto; font: inherit; }
    @media (prefers-color-scheme: dark) { #labkit-loading { background: #22272e; color: #e8e8e8; } }`;
  document.head.append(style);

  const bar = document.createElement("div");
  bar.id = "labkit-loading";
  bar.setAttribute("role", "status");
  bar.innerHTML = '<label>Loading JupyterLab … <progress max="1" value="0"></progress></label>';
  const show = (text, value) => {
    bar.querySelector("label").firstChild.data = `${text} `;
    bar.querySelector("progress").value = value;
    if (!bar.isConnected) document.body?.append(bar);
  };

  // JupyterLab's scripts: how many bytes have come, of those that its first page takes.
  let seen = 0;
  let quiet;
  const expected = 11e6;
  const observer = new PerformanceObserver((list) => {
    list.getEntries().forEach((entry) => (seen += entry.decodedBodySize || 0));
    show("Loading JupyterLab …", FRONT_END * Math.min(seen / expected, 1));
    clearTimeout(quiet);
    quiet = setTimeout(() => bar.remove(), 5000); // no notebook was asked for
  });
  observer.observe({ type: "resource", buffered: true });

  const notices = document.createElement("div");
  notices.className = "labkit-notices";
  notices.setAttribute("role", "alert");
  const notice = (id, text) => {
    document.getElementById(`labkit-${id}`)?.remove();
    if (!text) return;
    const line = document.createElement("p");
    line.id = `labkit-${id}`;
    line.append(text);
    const close = document.createElement("button");
    close.textContent = "Close";
    close.onclick = () => line.remove();
    line.append(close);
    notices.append(line);
  };

  channel.onmessage = ({ data }) => {
    if (data.what === "notice") notice(data.id, data.text);
    if (data.what === "loading") {
      observer.disconnect();
      clearTimeout(quiet);
      const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
      const text = `Loading Python and labkit … ${megabytes(data.loaded)} of ${megabytes(data.total)} MB`;
      show(text, FRONT_END + (1 - FRONT_END) * (data.loaded / data.total));
    }
    if (data.what === "ready") {
      bar.remove();
      navigator.serviceWorker?.ready.then((registration) => registration.active.postMessage({ labkit: "keep" }));
    }
  };
  // The service worker has kept the whole site.
  navigator.serviceWorker?.addEventListener("message", ({ data }) => {
    if (data.labkit === "kept") document.documentElement.dataset.labkitKept = "yes";
  });
  addEventListener("DOMContentLoaded", () => document.body.append(bar, notices));
})();
