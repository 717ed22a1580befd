// Choose a cluster, start it, stop it, rewind it.
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
        h("ul", {}, missing.map((need) => h("li", {}, [`${need.thing}: ${need.found.replace(/\.$/, "")}.`, need.todo].join(" "))))),
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
  const steps = [{ value: "", label: "the beginning" }, ...data.steps];
  const off = data.busy || !data.running;
  return [
    h("h3", {}, data.running ? `The ${data.backend} cluster runs` : data.busy ? "Starting …" : "Choose a cluster"),
    data.running ? h("p", {}, h("code", {}, data.url)) : null,
    h("div", { class: "lk-choices" }, data.backends.map(choice)),
    h("div", { class: "lk-row" },
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
