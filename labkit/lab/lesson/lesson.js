// The lesson mode: JupyterLab without its frame, below a slim header. It works in JupyterLab and in Notebook, on a
// server (labkit lab) and in the site's page.
//
// This file is a prebuilt extension as bundlers write them: a container with `init` and `get`. Nothing is bundled, so
// nothing has to be built. labkit/lab/extension.py puts the style and the translations in.
(() => {
  const STYLE = {{style}};
  const WORDS = {{words}};
  const KEY = "labkit-jupyter"; // "all": the learner prefers all of Jupyter
  const config = document.getElementById("jupyter-config-data");
  const LITE = config?.dataset.jupyterLiteRoot !== undefined;
  const SETTINGS = JSON.parse(config?.textContent || "{}");
  const NARROW = matchMedia("(max-width: 760px)");
  // A lesson's notebook: 04-roles.ipynb, exercises/ex4-roles.ipynb, and both below a language's folder.
  const LESSON = /^(?:(ko|instructor)\/)?(?:0?(\d+)-|exercises\/ex(\d)-)[\w-]+\.ipynb$/;
  // Evaluated by the kernel, which knows where the progress is kept.
  const DONE = `[step for step, entry in __import__("labkit.lessons.progress", fromlist=["x"]).Progress.default().all().items() if entry.get("state") == "passed"]`;

  const asked = LITE
    ? new URLSearchParams(location.search).get("path")
    : decodeURIComponent(location.pathname.match(/\/(?:tree|notebooks)\/(.+\.ipynb)$/)?.[1] ?? "");
  const step = location.hash.slice(1);
  let language = "en";
  const t = (english, values = {}) => (WORDS[language]?.[english] ?? english).replace(/\{(\w+)\}/g, (name, key) => values[key] ?? name);

  const kept = (key, value) => {
    try {
      if (value === undefined) return localStorage.getItem(key);
      localStorage.setItem(key, value);
    } catch {
      // no storage: the choice lasts as long as the page
    }
  };

  const element = (tag, className, properties = {}) => Object.assign(document.createElement(tag), { className, ...properties });

  /** What a notebook says of itself: its title, its steps with their headings, and where it leads. */
  function read(panel) {
    const cells = [...panel.content.model.cells].map((cell, index) => ({ cell, index, text: cell.sharedModel.source }));
    const found = { title: "", steps: [], next: "" };
    let heading;
    for (const { cell, index, text } of cells) {
      if (cell.type === "markdown") {
        const [, title] = text.match(/^# (.+)/) ?? [];
        if (title) found.title ||= title;
        const [, line] = text.match(/^## (.+)/) ?? [];
        if (line) heading = { line, index };
        const links = [...text.matchAll(/\]\(([\w./-]+\.ipynb)\)/g)];
        if (links.length) [, found.next] = links.at(-1);
        continue;
      }
      const [, id] = text.match(/^(?:paper\.)?check\("([\w.]+)"\)/) ?? [];
      const [, number, title] = heading?.line.match(/([\d.]+) · (.+)/) ?? [];
      if (!id || id.replace(/^[A-Z]/, "") !== number) continue; // the check of another part's step is an example
      const says = cell.outputs?.toJSON().at(-1)?.data?.["text/plain"];
      found.steps.push({ id, title, index: heading.index, aside: id.startsWith("A"), passed: [says].flat().join("").startsWith("✔") });
    }
    return found;
  }

  /** The ids of the steps that were passed in any notebook. */
  async function passedSteps(panel) {
    if (LITE) return (await window.labkitSite?.passed?.()) ?? [];
    const kernel = panel.sessionContext.session?.kernel;
    if (!kernel) return [];
    const future = kernel.requestExecute({ code: "", silent: true, store_history: false, user_expressions: { done: DONE } });
    const { content } = await future.done;
    const text = content.user_expressions?.done?.data?.["text/plain"] ?? "";
    return [...text.matchAll(/'(\w+)'/g)].map(([, id]) => id);
  }

  async function start(app, { BoxLayout, Widget }) {
    const { shell, commands } = app;
    document.head.append(element("style", "", { textContent: STYLE }));
    await app.restored;
    const header = element("nav", "lk-lesson");
    const bar = element("div", "lk-lesson-run");
    const [top, bottom] = [header, bar].map((node) => new Widget({ node }));
    top.id = "labkit-lesson";
    bottom.id = "labkit-run";
    const root = shell.layout;
    // JupyterLab's own panel takes what is left; in Notebook none of them would.
    root.widgets.filter(({ id }) => id === "jp-main-vsplit-panel").forEach((each) => BoxLayout.setStretch(each, 1));
    root.insertWidget(0, top);
    root.insertWidget(root.widgets.length, bottom);

    // Before the session is ready, the command would ask the learner to choose a kernel.
    const run = async () => {
      if (!panel.sessionContext.isReady) runs.forEach((each) => (each.textContent = t("Running …")));
      await panel.sessionContext.ready;
      await commands.execute("notebook:run-cell-and-select-next");
    };
    const runs = [header, bar].map(() => element("button", "lk-run", { type: "button", onclick: run }));
    bar.append(runs[1]);
    let panel;
    let passed = new Set();
    let all = kept(KEY) === "all";

    const go = (index) => {
      panel.content.activeCellIndex = index;
      panel.content.scrollToItem(index, "start").catch(() => {});
    };
    const open = async (event, path) => {
      event.preventDefault();
      if (panel.context.model.dirty) await panel.context.save();
      if (LITE) location.href = event.currentTarget?.href ?? `?path=${path}`;
      else commands.execute("docmanager:open", { path });
    };
    const link = (className, text, path) => {
      const href = LITE ? `?path=${path}` : `${SETTINGS.baseUrl ?? "/"}lab/tree/${path}`;
      const made = element("a", className, { textContent: text, href });
      made.onclick = (event) => event.ctrlKey || event.metaKey || open(event, path);
      return made;
    };
    const theme = async () => {
      const dark = document.body.dataset.jpThemeLight === "false";
      if (commands.hasCommand("apputils:adaptive-theme") && commands.isToggled("apputils:adaptive-theme")) await commands.execute("apputils:adaptive-theme");
      await commands.execute("apputils:change-theme", { theme: dark ? "JupyterLab Light" : "JupyterLab Dark" });
    };
    const button = (className, text, title, onclick) => element("button", className, { type: "button", textContent: text, title, onclick });

    function draw() {
      const path = panel.context.path;
      const [, folder, part, exercise] = path.match(LESSON) ?? [];
      const { title, steps, next } = read(panel);
      const heading = part > 0 && part < 9 ? t("Part {part} · {title}", { part, title }) : title || path;
      header.ariaLabel = t("Lesson");
      const parts = [];
      if (LITE) parts.push(element("a", "lk-home", { href: `../${language === "ko" ? "ko" : "index"}.html`, textContent: "labkit", title: t("All parts") }));
      parts.push(element("span", "lk-part", { textContent: heading, title: heading }));
      const list = element("ol", "lk-dots");
      const isDone = (each) => each.passed || passed.has(each.id);
      const open = steps.find((each) => !each.aside && !isDone(each));
      for (const each of steps) {
        const done = isDone(each);
        const name = `${each.id} · ${each.title}`;
        const label = done ? t("{step}: passed", { step: name }) : name;
        const dot = element("a", "", { href: `#${each.id}`, title: label, ariaLabel: label, onclick: (event) => (event.preventDefault(), go(each.index)) });
        dot.dataset.state = done ? "passed" : each === open ? "next" : "open";
        if (each.aside) dot.dataset.aside = "";
        const item = element("li", "");
        item.append(dot);
        list.append(item);
      }
      if (steps.length) parts.push(list);
      parts.push(element("span", "lk-space"));
      if (open) {
        const forward = button("lk-forward", t("Next: {step}", { step: open.id }), open.title, () => go(open.index));
        parts.push(forward);
      } else if (next) {
        const beside = path.includes("/") ? new URL(next, `http://x/${path}`).pathname.slice(1) : next;
        parts.push(link("lk-forward", t("Next part"), beside));
      }
      parts.push(runs[0]);
      if ((part || exercise) && folder !== "instructor") {
        const other = path.startsWith("ko/") ? path.slice(3) : `ko/${path}`;
        parts.push(Object.assign(link("lk-quiet", other === path.slice(3) ? "English" : "한국어", other), { lang: other === path.slice(3) ? "en" : "ko" }));
      }
      const shade = button("lk-quiet lk-theme", "◐", t("Light or dark"), theme);
      shade.ariaLabel = shade.title;
      parts.push(shade);
      parts.push(button("lk-quiet lk-all", all ? t("Lesson only") : t("All of Jupyter"), t("Show or hide the files, the menus and the tools"), toggle));
      header.replaceChildren(...parts);
      const touch = matchMedia("(pointer: coarse)").matches;
      runs.forEach((each) => {
        each.title = touch ? "" : "Shift+Enter";
        each.textContent = header.dataset.busy === "" ? t("Running …") : t("▶ Run");
      });
    }

    const hidden = new Set();
    function frame() {
      const rows = root.widgets.filter(({ id }) => /^jp-(menu|top|bottom)-panel$/.test(id));
      return [shell.menu, shell.top, ...rows].filter(Boolean);
    }
    function fit() {
      const lesson = Boolean(panel) && !all;
      document.body.classList.toggle("labkit-lesson", lesson);
      if (shell.leftCollapsed !== undefined && lesson && "mode" in shell) {
        shell.collapseLeft();
        shell.collapseRight();
      }
      for (const side of shell.toggleSideTabBarVisibility ? ["left", "right"] : []) {
        if (shell.isSideTabBarVisible(side) === lesson) shell.toggleSideTabBarVisibility(side);
      }
      if ("mode" in shell) shell.mode = lesson ? "single-document" : "multiple-document";
      if (lesson) frame().forEach((each) => hidden.add(each));
      hidden.forEach((each) => each.setHidden(lesson)); // JupyterLab has moved its menu meanwhile
      panel?.toolbar.setHidden(lesson);
      top.setHidden(!panel);
      bottom.setHidden(!panel || !NARROW.matches);
      shell.fit();
    }
    function toggle() {
      all = !all;
      kept(KEY, all ? "all" : "lesson");
      fit();
      draw();
    }
    NARROW.addEventListener("change", fit);

    async function refresh() {
      const mine = panel;
      const found = await passedSteps(mine).catch(() => []);
      if (found.length) passed = new Set(found);
      if (mine === panel) draw();
    }
    let due;
    const soon = () => {
      clearTimeout(due);
      due = setTimeout(refresh, 150);
    };
    // The commands of an answer are folded, but in the parts that are about them (W1 to W8), until the learner chooses.
    const OPEN = "labkit-commands";
    function unfold() {
      const about = /^(?:ko\/)?0[12]-/.test(panel?.context.path ?? "") ? "open" : "";
      const open = (kept(OPEN) ?? about) === "open";
      panel?.node.querySelectorAll("details.lk-command").forEach((each) => (each.open = open));
    }
    new MutationObserver((changes) => {
      const isNew = ({ addedNodes }) => [...addedNodes].some((node) => node.querySelector?.("details.lk-command"));
      if (changes.some(isNew)) unfold();
    }).observe(shell.node, { childList: true, subtree: true });
    shell.node.addEventListener("click", ({ target }) => {
      const fold = target.closest?.("details.lk-command > summary")?.parentElement;
      if (!fold) return;
      kept(OPEN, fold.open ? "closed" : "open"); // the browser turns it after this event
      setTimeout(unfold);
    });
    // A cell's request is announced; the silent one of `passedSteps` is not.
    function watch(kernel) {
      if (!kernel || kernel.labkitWatched) return;
      kernel.labkitWatched = true;
      let cell = false;
      kernel.iopubMessage.connect((_, { header: { msg_type: type }, content }) => {
        if (type === "execute_input") cell = true;
        if (type !== "status" || (!cell && content.execution_state !== "idle")) return;
        if (content.execution_state === "idle") {
          if (cell) soon();
          cell = false;
        }
        if (cell) header.dataset.busy = "";
        else delete header.dataset.busy;
        runs.forEach((each) => (each.textContent = cell ? t("Running …") : t("▶ Run")));
      });
    }

    async function show() {
      const widget = shell.currentWidget;
      const isNotebook = widget?.content?.model?.cells && LESSON.test(widget.context.path);
      if (!isNotebook) {
        if (panel?.isDisposed || widget !== panel) panel = undefined;
        fit();
        return;
      }
      if (widget === panel) return;
      panel = widget;
      language = panel.context.path.startsWith("ko/") ? "ko" : "en";
      fit();
      draw();
      await panel.context.ready;
      if (panel !== widget) return;
      panel.content.model.cells.changed.connect(soon);
      panel.sessionContext.kernelChanged.connect((_, { newValue }) => watch(newValue));
      panel.sessionContext.ready.then(() => {
        watch(widget.sessionContext.session?.kernel);
        soon();
      });
      const target = panel.context.path === asked && read(panel).steps.find(({ id }) => id === step);
      if (target) requestAnimationFrame(() => go(target.index));
    }
    shell.currentChanged.connect(show);
    window.labkitSite?.onKept?.(soon);
    await show();
    await shell.currentWidget?.context?.ready;
    await show();
  }

  const plugin = {
    id: "labkit-lesson:plugin",
    autoStart: true,
    activate: (app) => {
      if (!asked?.endsWith(".ipynb")) return;
      lumino.then((widgets) => start(app, widgets));
    },
  };
  let lumino;
  (window._JUPYTERLAB ??= {})["labkit-lesson"] = {
    init(shared) {
      const [entry] = Object.values(shared["@lumino/widgets"]);
      lumino = Promise.resolve().then(() => entry.get()).then((factory) => factory());
    },
    get: async () => () => ({ __esModule: true, default: [plugin] }),
  };
})();
