// In JupyterLab's page: a bar while Python loads, notices from the kernels, what is kept for use without network, and
// new versions of the site. A link opens its notebook alone.
(() => {
  const SITE = new URL("../", document.currentScript.src).pathname.replace(/static\/$/, "");
  // What the page says in the language of the notebook that was asked for. It is fetched, and until then English.
  let words = {};
  const t = (english, values = {}) => (words[english] ?? english).replace(/\{(\w+)\}/g, (name, key) => values[key] ?? name);
  const [, language] = new URLSearchParams(location.search).get("path")?.match(/^(ko)\//) || [];
  if (language) document.head.append(Object.assign(document.createElement("script"), { src: `${SITE}fonts/${language}.js` }));
  if (language) fetch(`${SITE}static/loading-${language}.json`).then((response) => response.json()).then((read) => (words = read), () => {});
  let channel;
  try {
    channel = new BroadcastChannel(`labkit:${SITE}`);
  } catch {
    // Firefox, where the site's data are refused: nobody can tell how far the kernel is.
  }
  const TOTAL = {{total}}; // bytes on the wire before the first cell, as the landing page promises them
  const FRONT_END = {{front}}; // of them, JupyterLab's
  const NOTICE_MILLISECONDS = 5000; // how long one stays that only informs
  const RELOAD_MILLISECONDS = 2500; // after which a page does more to be reloaded, or says what is in the way
  const INTERRUPTS = ["notebook:interrupt-kernel", "kernelmenu:interrupt", "console:interrupt-kernel"];

  const result = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  // What JupyterLite keeps in one of its stores, if there is any.
  async function storeOf(name) {
    const kept = `JupyterLite Storage - ${SITE}`;
    if (!(await indexedDB.databases()).some((database) => database.name === kept)) return;
    const database = await result(indexedDB.open(kept));
    database.onversionchange = () => database.close(); // JupyterLite adds a store
    if (database.objectStoreNames.contains(name)) return () => database.transaction(name, "readwrite").objectStore(name);
    database.close();
  }

  // Every open notebook has a Python of its own, so those that were open last time would make a link's one wait.
  async function forgetLayout() {
    (await storeOf("statedb"))?.().clear();
  }
  const opens = new URLSearchParams(location.search).get("path");
  const inLab = location.pathname.startsWith(`${SITE}lab/`); // and not in Notebook's page of one document
  if (opens !== null) forgetLayout().catch(() => {}); // no storage, no layout

  // When the browser has the whole site, Python starts while JupyterLab loads, in the worker that its kernel will ask for.
  // (At the first visit they would share the network, and the notebook be readable later.)
  if (opens?.endsWith(".ipynb") && navigator.serviceWorker?.controller && !crossOriginIsolated) {
    const Plain = Worker;
    const early = new Worker(`${SITE}static/pyodide/early.mjs`, { type: "module" });
    window.Worker = function (address, ...options) {
      if (!String(address).endsWith("{{worker}}")) return new Plain(address, ...options);
      window.Worker = Plain;
      return early;
    };
  }

  // At the first visit that the service worker serves, JupyterLite would register it anew, since it has noted no version of
  // its own yet; WebKit then makes another worker, which would take the page over amid a cell.
  try {
    localStorage.setItem(`${location.origin}${SITE}service-worker.js?enableCache=false-version`, "{{jupyterlite}}");
  } catch {
    // no storage, no service worker
  }

  const style = document.createElement("style");
  style.textContent = {{tokens}} + `
    #labkit-loading, .labkit-notices { color-scheme: light dark; position: fixed; left: 50%; bottom: 72px; translate: -50% 0; font: 14px/1.4 var(--lk-sans); }
    [data-jp-theme-light="true"] :is(#labkit-loading, .labkit-notices) { color-scheme: light; }
    [data-jp-theme-light="false"] :is(#labkit-loading, .labkit-notices) { color-scheme: dark; }
    #labkit-loading, .labkit-notices p { padding: .6rem 1rem; border: 1px solid var(--lk-edge); border-radius: 8px; color: var(--lk-ink);
      background: var(--lk-raise); box-shadow: 0 2px 8px #0003; }
    #labkit-loading { z-index: 10001; width: min(24rem, 90vw); }
    #labkit-loading progress { width: 100%; accent-color: var(--lk-accent); }
    .labkit-notices { z-index: 10000; width: min(44rem, 94vw); }
    .labkit-notices p { display: flex; gap: 1rem; align-items: center; margin: .4rem 0 0; }
    .labkit-notices button { min-height: 32px; padding: 0 .8rem; border: 1px solid var(--lk-edge); border-radius: 6px; background: var(--lk-paper); color: inherit; font: inherit; white-space: nowrap; }
    .labkit-notices button:first-of-type { margin-left: auto; }
    .jp-RenderedMarkdown a { overflow-wrap: anywhere; } /* a phone is narrower than an address */`;
  document.head.append(style);

  const bar = document.createElement("div");
  bar.id = "labkit-loading";
  bar.setAttribute("role", "status");
  bar.innerHTML = `<label>${t("Loading JupyterLab")} … <progress max="1" value="0"></progress></label>`;
  const show = (text, value) => {
    bar.querySelector("label").firstChild.data = `${text} … `;
    const progress = bar.querySelector("progress");
    if (value === undefined) progress.removeAttribute("value");
    else progress.value = value;
    if (!bar.isConnected) document.body?.append(bar);
  };

  const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
  const count = (bytes) => show(t("Loading: {loaded} of {total} MB", { loaded: megabytes(bytes), total: megabytes(TOTAL) }), bytes / TOTAL);

  // JupyterLab's scripts: how many bytes have come, of those that its first page takes.
  let seen = 0;
  let quiet;
  const expected = 11e6;
  const observer = new PerformanceObserver((list) => {
    list.getEntries().forEach((entry) => (seen += entry.decodedBodySize || 0));
    count(FRONT_END * Math.min(seen / expected, 1));
    clearTimeout(quiet);
    quiet = setTimeout(() => bar.remove(), 5000); // no notebook was asked for
  });
  observer.observe({ type: "resource", buffered: true });

  /** Keep the bar as long as a cell waits that was run while Python was loading. */
  function whenAnswered() {
    const waits = [...document.querySelectorAll(".jp-Notebook .jp-InputPrompt")].some(({ textContent }) => textContent.includes("*"));
    if (!waits) return bar.remove();
    show(t("Running your first cell"));
    setTimeout(whenAnswered, 200);
  }

  const notices = document.createElement("div");
  notices.className = "labkit-notices";
  notices.setAttribute("role", "alert");
  const notice = (id, text, action, brief = false) => {
    document.getElementById(`labkit-${id}`)?.remove();
    if (!text) return;
    const line = document.createElement("p");
    line.id = `labkit-${id}`;
    line.append(text);
    if (action) {
      const button = document.createElement("button");
      [button.textContent, button.onclick] = action;
      line.append(button);
    }
    const close = document.createElement("button");
    close.textContent = t("Close");
    close.onclick = () => line.remove();
    line.append(close);
    notices.append(line);
    if (!action && brief) setTimeout(() => line.remove(), NOTICE_MILLISECONDS);
  };

  // A link's policy goes into a notebook, whose cell says what it creates, and only if the learner wants it.
  const [, shared] = location.hash.match(/^#shared=([\w-]+)$/) || [];
  async function offerPolicy() {
    const { readPicture, notebookOf } = await import(`${SITE}share/link.js`);
    const { policy } = await readPicture(shared);
    const open = () => {
      notice("shared", "");
      openNew("shared", notebookOf(policy)).catch((error) => notice("shared", t("That did not work ({error}).", { error })));
    };
    const text = t("A policy came with this link (roles and bindings: {count}). Open it in a notebook, whose cell creates what your cluster lacks? What is there stays as it is.", { count: policy.length });
    notice("shared", text, [t("Open it"), open]);
  }
  // Nor is what could be read of a damaged cluster created before the learner has seen it. It is offered until it is opened
  // or the notice closed, since the cluster's own copy of it is replaced soon.
  const REST = `labkit:${SITE}rest`;
  async function offerRest(objects) {
    const { notebookOfRest } = await import(`${SITE}share/link.js`);
    const forget = () => localStorage.removeItem(REST);
    const open = () => {
      notice("rest", "");
      openNew("rest", notebookOfRest(objects)).then(forget, (error) => notice("rest", t("That did not work ({error}).", { error })));
    };
    const text = t("What this page had kept was damaged, and the cluster began afresh. {count} of your objects could still be read. Open them in a notebook, whose cell creates them again?", { count: objects.length });
    notice("rest", text, [t("Open them"), open]);
    document.getElementById("labkit-rest").lastChild.addEventListener("click", forget);
  }
  addEventListener("load", () => {
    try {
      const text = localStorage.getItem(REST);
      if (text) offerRest(JSON.parse(text)).catch(() => {}); // the site does not answer
    } catch {
      // no storage
    }
  });
  async function openNew(name, content) {
    const app = window.jupyterapp;
    await app.restored;
    // JupyterLab comes back to the link's notebook, and then takes it out of the address.
    while (inLab && new URLSearchParams(location.search).has("path")) await new Promise((again) => setTimeout(again, 50));
    const { contents } = app.serviceManager;
    const taken = (await contents.get("")).content.map((each) => each.name);
    let path = `${name}.ipynb`;
    for (let number = 2; taken.includes(path); number += 1) path = `${name}-${number}.ipynb`;
    await contents.save(path, { type: "notebook", format: "json", content });
    await app.commands.execute("docmanager:open", { path });
  }
  if (shared) {
    history.replaceState(null, "", location.pathname + location.search); // a reload does not offer it again
    addEventListener("load", () => offerPolicy().catch(() => notice("shared", t("The policy of this link cannot be read."))));
  }

  if (typeof WebAssembly !== "object") addEventListener("load", () => notice("webassembly", t("This browser has no WebAssembly, or its settings forbid it, and Python cannot run in the page without it.")));
  else if (!isSecureContext) addEventListener("load", () => notice("insecure", t("This site came over http, so the browser gives it less: the lab does not work without network, and files that a cell writes end with its kernel. The rest works.")));

  // JupyterLab shows a notebook that was saved here in the place of the site's. When the site has a new edition of it, the
  // saved one goes if its cells are those that it came with. Otherwise it stays, and the new one lies beside it.
  async function editionOf({ cells }) {
    const text = cells.map(({ source }) => [source].flat().join("")).join("\n");
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    return [...new Uint8Array(digest, 0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  async function renewLessons() {
    const files = await storeOf("files");
    if (!files) return;
    const kept = [];
    const editions = await (await fetch(`${SITE}static/editions.json`)).json();
    for (const [path, edition] of Object.entries(editions)) {
      const mine = await result(files().get(path));
      if (!mine?.content?.cells || mine.content.metadata.labkit_edition === edition) continue;
      const own = await editionOf(mine.content);
      if (own === edition) continue;
      if (own === mine.content.metadata.labkit_edition) {
        await result(files().delete(path));
        continue;
      }
      const content = await (await fetch(`${SITE}files/${path}`)).json();
      const taken = await result(files().getAllKeys());
      let beside = path;
      for (let number = 1; beside === path || taken.includes(beside); number += 1)
        beside = path.replace(/\.ipynb$/, ` (new${number > 1 ? ` ${number}` : ""}).ipynb`);
      await result(files().put({ ...mine, path: beside, name: beside.split("/").pop(), content }, beside));
      mine.content.metadata.labkit_edition = edition; // the new one is put beside it once
      await result(files().put(mine, path));
      kept.push(path);
    }
    const text = t("The site has new editions of notebooks that you have changed. Yours stay, and the new ones lie beside them: {names}.", { names: kept.join(", ") });
    if (kept.length) notice("renewed", text);
  }
  renewLessons().catch(() => {}); // nothing is saved here, or the site came over http: then notebooks stay as they are

  // What the lesson mode asks (labkit/lab/lesson/lesson.js).
  const onKept = [];
  async function passed() {
    const { progress, passedIn } = await import(`${SITE}static/progress.js`);
    return passedIn(await progress(SITE));
  }
  window.labkitSite = { passed, onKept: (listener) => onKept.push(listener) };

  let asked = false;
  async function keepForLong() {
    if (asked) return;
    asked = true;
    // Otherwise a browser that lacks room may empty the site's storage. Some ask the learner, so only now.
    if (!(await navigator.storage?.persisted?.())) await navigator.storage?.persist?.();
  }

  const messages = {
    notice: ({ id, text }) => notice(id, t(text)),
    rest({ text }) {
      try {
        localStorage.setItem(REST, text);
      } catch {
        // it is offered once
      }
      offerRest(JSON.parse(text)).catch(() => {});
    },
    loading({ text, loaded }) {
      observer.disconnect();
      clearTimeout(quiet);
      if (document.hidden) return; // the kernel of another tab
      if (text) return show(t(text));
      count(loaded);
    },
    ready() {
      observer.disconnect();
      clearTimeout(quiet);
      whenAnswered();
      navigator.serviceWorker?.ready.then((registration) => registration.active.postMessage({ labkit: "keep" }));
    },
    kept() {
      onKept.forEach((listener) => listener());
      keepForLong().catch(() => {});
    },
  };
  if (channel) channel.onmessage = ({ data }) => messages[data.what]?.(data);
  else addEventListener("load", () => notice("memory", t("This browser refuses to keep anything for this site, so your progress ends when you close or reload this page. Allow the site's data (cookies) in the browser's settings to keep it.")));

  // The service worker has kept the whole site.
  navigator.serviceWorker?.addEventListener("message", ({ data }) => {
    if (data.labkit !== "kept") return;
    document.documentElement.dataset.labkitKept = "yes";
    if (data.anew) notice("offline", t("Offline: ready. The lab and its documentation work without network from now on."), undefined, true);
  });

  // A new version waits until all pages of the old one are gone, or until somebody asks for it.
  async function watchVersions() {
    const controlled = navigator.serviceWorker.controller;
    let reload;
    const offer = ({ waiting }) => {
      if (!waiting || !navigator.serviceWorker.controller) return;
      reload = () => {
        notice("version", t("Reloading …"));
        waiting.postMessage({ labkit: "renew" });
        setTimeout(() => navigator.serviceWorker.controller?.postMessage({ labkit: "tabs" }), RELOAD_MILLISECONDS);
      };
      notice("version", t("A new version of the lab is here. What you have done stays."), [t("Reload"), reload]);
    };
    navigator.serviceWorker.addEventListener("message", ({ data }) => {
      if (data.labkit !== "tabs") return;
      if (!data.urls.length) {
        navigator.serviceWorker.controller?.postMessage({ labkit: "release" });
        // If that is not enough: without its registration the browser asks the network, and the page registers the new one.
        const again = () => navigator.serviceWorker.ready.then((registration) => registration.unregister()).then(() => location.reload());
        return setTimeout(again, RELOAD_MILLISECONDS);
      }
      const names = data.urls.map((url) => new URL(url).searchParams.get("path") ?? url.slice(new URL(SITE, url).href.length)).join(", ");
      const text = t("The old version is still at work. Close this site's other tabs, then reload: {names}.", { names });
      notice("version", text, [t("Reload"), reload]);
    });
    navigator.serviceWorker.addEventListener("controllerchange", () => controlled && location.reload());
    const registration = await navigator.serviceWorker.ready;
    offer(registration);
    registration.addEventListener("updatefound", () => {
      registration.installing?.addEventListener("statechange", () => offer(registration));
    });
  }
  if (navigator.serviceWorker) watchVersions().catch(() => {});

  // JupyterLab sets this (`exposeAppInBrowser`) when its plugins are there, and none has started.
  Object.defineProperty(window, "jupyterapp", { configurable: true, set(app) {
    Object.defineProperty(window, "jupyterapp", { value: app });
    app.commands.commandExecuted.connect((_, { id }) => INTERRUPTS.includes(id) && notice("interrupt", t("A page cannot interrupt a cell that runs. Restart the kernel instead (the round arrow): the lab goes on from where the last finished cell left it.")));
    if (!channel) app.restored.then(messages.ready); // at least JupyterLab is there
    // JupyterLab would open it a second later, after all that it restores and lists.
    if (opens && inLab) app.restored.then(() => app.commands.execute("docmanager:open", { path: opens })).catch(() => {}); // it says so itself
  } });

  addEventListener("DOMContentLoaded", () => document.body.append(bar, notices));
})();
