// Choose a cluster, start it, stop it, rewind it; open JupyterLab's terminal beside the notebook.

/** The page's settings, where Jupyter made it. */
function jupyterSettings() {
  return JSON.parse(document.getElementById("jupyter-config-data")?.textContent || "{}");
}

function hasTerminals() {
  const { baseUrl, terminalsAvailable } = jupyterSettings();
  return Boolean(baseUrl) && ![false, "false"].includes(terminalsAvailable);
}

/** What Jupyter's server answers to a request of its own API. */
async function askJupyter(path, method = "GET", body = undefined) {
  const { baseUrl, token } = jupyterSettings();
  const [, xsrf] = document.cookie.match(/(?:^|; )_xsrf=([^;]*)/) || [];
  const answer = await fetch(`${baseUrl}api/${path}`, { method, body: body && JSON.stringify(body),
    headers: { ...(token && { Authorization: `token ${token}` }), ...(xsrf && { "X-XSRFToken": xsrf }) } });
  if (!answer.ok) throw new Error(t("Jupyter answered {status}", { status: answer.status }));
  return answer.json();
}

/** Where the notebooks lie: in a page without a server JupyterLab has them itself. */
function notebookFiles() {
  const place = (path) => `contents/${path.split("/").map(encodeURIComponent).join("/")}`;
  return window.jupyterapp?.serviceManager.contents ?? {
    get: (path) => askJupyter(place(path)),
    save: (path, content) => askJupyter(place(path), "PUT", content),
  };
}

/** The notebooks by path, those of the exercises and the Korean ones too; without Jupyter none. */
async function readNotebooks(folder = "") {
  const found = {};
  const { content } = await notebookFiles().get(folder, { content: true }).catch(() => ({ content: [] }));
  for (const { type, name, path } of content) {
    if (type === "notebook") found[path] = (await notebookFiles().get(path, { content: true })).content;
    if (type === "directory" && ["exercises", "ko"].includes(name)) Object.assign(found, await readNotebooks(path));
  }
  return found;
}

/** Write a notebook of a file; one that is open gets the new cells where it stands. Its outputs are not trusted. */
async function writeNotebook(path, content) {
  if (!path.endsWith(".ipynb")) throw new Error(t("{path} is no notebook", { path }));
  content.cells.forEach(({ metadata }) => delete metadata?.trusted);
  const widgets = [...(window.jupyterapp?.shell.widgets("main") ?? [])];
  const { context } = widgets.find((each) => each.context?.path === path) ?? {};
  if (!context) return notebookFiles().save(path, { type: "notebook", format: "json", content });
  context.model.fromJSON(content);
  return context.save();
}

const MAX_WORK = 50e6;
const cellsOf = ({ cells }) => JSON.stringify(cells.map(({ source, outputs }) => [[source].flat().join(""), outputs]));

/** The learner's work as a file: save it, and add such a file to what is here. */
function drawWork(act, view, off) {
  const work = (view.work ??= { said: "", question: null });
  const show = (said, question = null) => {
    Object.assign(work, { said, question });
    view.redraw();
  };
  const failed = (error) => show(t("That did not work: {error}", { error: error.message }));
  const save = async () => {
    await window.jupyterapp?.commands.execute("docmanager:save-all");
    view.receive = ({ packed }) => {
      if (!packed) return;
      const href = URL.createObjectURL(new Blob([packed], { type: "application/json" }));
      h("a", { href, download: "labkit-work.json" }).click();
      show(t("Saved as labkit-work.json. It has no token and no private key."));
    };
    act("pack", { notebooks: await readNotebooks() });
  };
  const write = async (notebooks, names, beside = false) => {
    const taken = await readNotebooks();
    for (const name of names) {
      let path = name;
      for (let number = 2; beside && path in taken; number += 1) path = name.replace(/\.ipynb$/, `-${number}.ipynb`);
      await writeNotebook(path, notebooks[name]);
    }
  };
  const add = async (file) => {
    if (!file) return;
    if (file.size > MAX_WORK) return show(t("This file is too large to be labkit's."));
    const text = await file.text();
    const here = await readNotebooks();
    view.receive = ({ notebooks, left }) => notebooks && (async () => {
      const names = Object.keys(notebooks).filter((name) => !(name in here) || cellsOf(here[name]) !== cellsOf(notebooks[name]));
      await write(notebooks, names.filter((name) => !(name in here)));
      const differ = names.filter((name) => name in here);
      if (!differ.length && !left.length) show(t("Your work is here."));
      else show(t("What was missing is here now. This differs:"), { text, notebooks, differ, left });
    })().catch(failed);
    act("unpack", { text });
  };
  const keep = async ({ notebooks, differ }) => {
    await write(notebooks, differ, true);
    show(t("What was here stays. The file's notebooks lie beside, with a number."));
  };
  const replace = async ({ text, notebooks, differ }) => {
    await write(notebooks, differ);
    view.receive = ({ left }) => left && show(left.length ? t("Replaced, but for: {left}", { left: left.join(" ") }) : t("Replaced."));
    act("unpack", { text, overwrite: true });
  };
  const button = (key, label, action) => h("button", { type: "button", class: "lk-button", "data-key": key,
    "aria-disabled": off ? "true" : null, onclick: () => off || action().catch(failed) }, label);
  const { question } = work;
  return h("details", { open: Boolean(view.workOpen), ontoggle: (event) => { view.workOpen = event.target.open; } },
    h("summary", { "data-key": "work" }, t("Go on elsewhere")),
    h("p", { class: "lk-quiet" }, t("One file has your progress, your notebooks and what you made in the cluster.")),
    h("div", { class: "lk-row" }, button("pack", t("Save my work as a file"), save),
      h("label", {}, t("Add such a file "), h("input", { type: "file", accept: ".json,.txt", "data-key": "unpack", disabled: off,
        onchange: (event) => add(event.target.files[0]).catch(failed) }))),
    h("p", { role: "status" }, work.said),
    question ? h("div", {}, h("ul", {}, [...question.differ, ...question.left].map((line) => h("li", {}, line))),
      h("div", { class: "lk-row" }, button("keep", t("Keep what is here"), () => keep(question)),
        button("replace", t("Replace it with the file's"), () => replace(question)))) : null);
}

/** Run a command of JupyterLab. It takes a click for the learner's own where the output is trusted. */
function runCommand(beside, name, given) {
  const output = beside.closest(".lk-live")?.previousElementSibling || beside.parentElement;
  const button = h("button", { type: "button", hidden: true, "data-commandlinker-command": name,
    "data-commandlinker-args": JSON.stringify(given) });
  output.append(button);
  button.click();
  button.remove();
}

/** Open a terminal to the right of the notebook, and type a line into it. Returns whether that went well. */
async function openTerminal(beside, line) {
  const { baseUrl, token } = jupyterSettings();
  const { name } = await askJupyter("terminals", "POST", {});
  const address = new URL(`${baseUrl}terminals/websocket/${name}`, location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  if (token) address.searchParams.set("token", token);
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => {
    socket.onmessage = (event) => { if (JSON.parse(event.data)[0] === "stdout") resolve(); }; // the shell's prompt
    socket.onerror = reject;
    setTimeout(resolve, 2000);
  });
  socket.send(JSON.stringify(["stdin", `${line}; clear\r`]));
  socket.close();
  const panels = () => [...document.querySelectorAll(".jp-MainAreaWidget:has(.jp-Terminal)")].map((panel) => panel.id);
  const before = panels();
  runCommand(beside, "terminal:open", { name });
  for (let tries = 0; tries < 50; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const [opened] = panels().filter((id) => !before.includes(id));
    if (opened) {
      runCommand(beside, "application:split-tab", { direction: "right", id: opened });
      break;
    }
  }
  return true;
}
function drawStart(data, act, view) {
  // A button that must wait stays focusable, or who works by keyboard would lose the place.
  const button = (key, label, off, tone, action) => h("button", {
    type: "button", class: `lk-button${tone}`, "data-key": key, "aria-disabled": off ? "true" : null,
    onclick: (event) => { if (!off) action(event); },
  }, label);
  const state = (backend, missing, unnamed) => {
    if (!backend.known) return h("p", { class: "lk-quiet" }, t("… Looking for Docker and kind."));
    if (unnamed) return h("p", {}, t("Name its kubeconfig: "), h("code", {}, "StartPanel(kubeconfig=…)"));
    if (!missing.length) return h("p", { class: "lk-yes" }, t("✓ This machine can run it."));
    return [
      h("p", { class: "lk-no" }, t("✕ This machine lacks: {things}.", { things: missing.map((need) => need.thing).join(", ") })),
      h("details", { open: Boolean(view[backend.name]),
        ontoggle: (event) => { view[backend.name] = event.target.open; } },
        h("summary", { "data-key": `lacks-${backend.name}` }, t("What to do")),
        h("ul", {}, missing.map((need) => h("li", {}, [`${need.thing}: ${need.state.replace(/\.$/, "")}.`, need.todo].join(" "))))),
    ];
  };
  const choice = (backend) => {
    const chosen = backend.name === data.backend;
    const runs = chosen && data.running;
    const missing = backend.needs.filter((need) => !need.met && need.required);
    const unnamed = backend.name === "existing" && !data.kubeconfig;
    const off = data.busy || runs || !backend.known || missing.length > 0 || unnamed;
    return h("div", { class: `lk-choice${chosen ? " lk-chosen" : ""}` },
      h("h4", {}, backend.title),
      h("p", { class: "lk-quiet" }, backend.about),
      h("div", { class: "lk-state" }, state(backend, missing, unnamed)),
      button(`start-${backend.name}`, runs ? t("✓ Running") : t("Start"), off, off ? "" : " lk-primary",
        () => act("start", { backend: backend.name })));
  };
  const choices = h("div", { class: "lk-choices" }, data.backends.map(choice));
  const typed = () => h("div", {}, h("p", {}, t("In a terminal, type this first. Then kubectl and labkit use this cluster.")),
    command(data.terminal));
  const openOne = async (event) => {
    view.typed = !(await openTerminal(event.target, data.terminal).catch(() => false));
    if (view.typed) view.redraw();
  };
  const steps = [{ value: "", label: t("the beginning") }, ...data.steps];
  const off = data.busy || !data.running;
  return [
    h("h3", {}, data.running ? t("The {cluster} cluster runs", { cluster: data.backend }) : data.busy ? t("Starting …") : t("Choose a cluster")),
    data.running ? h("p", {}, h("code", {}, data.url)) : null,
    data.again ? h("p", {}, data.again) : null,
    data.running ? h("details", { open: Boolean(view.more), ontoggle: (event) => { view.more = event.target.open; } },
      h("summary", { "data-key": "more" }, t("Another cluster")), choices) : choices,
    data.terminal && (view.typed || !hasTerminals()) ? typed() : null,
    h("div", { class: "lk-row" },
      data.terminal && !view.typed && hasTerminals()
        ? button("terminal", t("Open a terminal with kubectl"), off, " lk-primary", openOne) : null,
      button("stop", t("Stop"), off, "", () => act("stop")),
      h("div", { class: "lk-rewind" }, h("label", {}, t("Rewind to"), h("select", {
        "data-key": "step", class: "lk-step", onchange: (event) => { view.step = event.target.value; },
      }, steps.map((step) => h("option", { value: step.value, selected: step.value === view.step }, step.label)))),
      button("rewind", t("Rewind"), off, "",
        () => act("rewind", { step: view.step || "" })))),
    data.terminal && hasTerminals() ? h("p", { class: "lk-quiet" }, 
      t("The terminal opens beside the text. kubectl and labkit use this cluster there, and what you do there counts as if you had done it here.")) : null,
    drawWork(act, view, off),
    h("label", { class: "lk-quiet" }, t("Language "), h("select", { "data-key": "language", onchange: (event) => act("speak", { language: event.target.value }) },
      Object.entries(data.languages).map(([code, name]) => h("option", { value: code, lang: code, selected: code === data.language }, name)))),
    // Last, so that nothing moves when lines are added.
    data.busy || data.log.length ? h("div", { class: "lk-progress" },
      h("div", { class: "lk-meter", role: "progressbar", "aria-label": t("Starting the cluster"), "aria-valuemin": "0",
        "aria-valuemax": "100", "aria-valuenow": String(data.percent) }, h("div", { style: `width:${data.percent}%` })),
      h("ol", { class: "lk-log", "aria-label": t("What happened") }, data.log.map((line) => h("li", {}, t("{text} ({seconds} s)", line))))) : null,
  ].filter(Boolean);
}

export default widget("start", "Start panel", drawStart);
