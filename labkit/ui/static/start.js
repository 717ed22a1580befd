// Choose a cluster, start it, stop it, rewind it; open JupyterLab's terminal beside the notebook.

/** The page's settings, where Jupyter made it. */
function jupyterSettings() {
  return JSON.parse(document.getElementById("jupyter-config-data")?.textContent || "{}");
}

function hasTerminals() {
  const { baseUrl, terminalsAvailable } = jupyterSettings();
  return Boolean(baseUrl) && ![false, "false"].includes(terminalsAvailable);
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
  const [, xsrf] = document.cookie.match(/(?:^|; )_xsrf=([^;]*)/) || [];
  const answer = await fetch(`${baseUrl}api/terminals`, { method: "POST", body: "{}",
    headers: { ...(token && { Authorization: `token ${token}` }), ...(xsrf && { "X-XSRFToken": xsrf }) } });
  if (!answer.ok) return false;
  const { name } = await answer.json();
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
    if (!backend.known) return h("p", { class: "lk-quiet" }, "… Looking for Docker and kind.");
    if (unnamed) return h("p", {}, "Name its kubeconfig: ", h("code", {}, "StartPanel(kubeconfig=…)"));
    if (!missing.length) return h("p", { class: "lk-yes" }, "✓ This machine can run it.");
    return [
      h("p", { class: "lk-no" }, `✕ This machine lacks: ${missing.map((need) => need.thing).join(", ")}.`),
      h("details", { open: Boolean(view[backend.name]),
        ontoggle: (event) => { view[backend.name] = event.target.open; } },
        h("summary", { "data-key": `lacks-${backend.name}` }, "What to do"),
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
      button(`start-${backend.name}`, runs ? "✓ Running" : "Start", off, off ? "" : " lk-primary",
        () => act("start", { backend: backend.name })));
  };
  const choices = h("div", { class: "lk-choices" }, data.backends.map(choice));
  const typed = () => h("div", {}, h("p", {}, "In a terminal, type this first. Then kubectl and labkit use this cluster."),
    command(data.terminal));
  const openOne = async (event) => {
    view.typed = !(await openTerminal(event.target, data.terminal).catch(() => false));
    if (view.typed) view.redraw();
  };
  const steps = [{ value: "", label: "the beginning" }, ...data.steps];
  const off = data.busy || !data.running;
  return [
    h("h3", {}, data.running ? `The ${data.backend} cluster runs` : data.busy ? "Starting …" : "Choose a cluster"),
    data.running ? h("p", {}, h("code", {}, data.url)) : null,
    data.running ? h("details", { open: Boolean(view.more), ontoggle: (event) => { view.more = event.target.open; } },
      h("summary", { "data-key": "more" }, "Another cluster"), choices) : choices,
    data.terminal && (view.typed || !hasTerminals()) ? typed() : null,
    h("div", { class: "lk-row" },
      data.terminal && !view.typed && hasTerminals()
        ? button("terminal", "Open a terminal with kubectl", off, " lk-primary", openOne) : null,
      button("stop", "Stop", off, "", () => act("stop")),
      h("label", {}, "Rewind to", h("select", {
        "data-key": "step", class: "lk-step", onchange: (event) => { view.step = event.target.value; },
      }, steps.map((step) => h("option", { value: step.value, selected: step.value === view.step }, step.label)))),
      button("rewind", "Rewind", off, "",
        () => act("rewind", { step: view.step || "" }))),
    // Last, so that nothing moves when lines are added.
    data.busy || data.log.length ? h("div", { class: "lk-progress" },
      h("div", { class: "lk-meter", role: "progressbar", "aria-label": "Starting the cluster", "aria-valuemin": "0",
        "aria-valuemax": "100", "aria-valuenow": String(data.percent) }, h("div", { style: `width:${data.percent}%` })),
      h("ol", { class: "lk-log", "aria-label": "What happened" }, data.log.map((line) => h("li", {}, `${line.text} (${line.seconds} s)`)))) : null,
  ].filter(Boolean);
}

export default widget("start", "Start panel", drawStart);
