// Choose a cluster, start it, stop it, rewind it.
function drawStart(data, act) {
  const choice = (backend) => {
    const chosen = backend.name === data.backend;
    const missing = backend.needs.filter((need) => !need.met && need.required);
    return h("div", { class: `lk-choice${chosen ? " lk-chosen" : ""}` },
      h("h4", {}, backend.title),
      h("p", { class: "lk-quiet" }, backend.about),
      missing.length
        ? h("div", {}, h("p", { class: "lk-no" }, "✕ This machine lacks:"),
            h("ul", {}, missing.map((need) => h("li", {}, [`${need.thing}: ${need.found.replace(/\.$/, "")}.`, need.todo].join(" ")))))
        : h("p", { class: "lk-yes" }, "✓ This machine can run it."),
      backend.name === "existing" && !data.kubeconfig
        ? h("p", { class: "lk-quiet" }, "Name its kubeconfig: StartPanel(kubeconfig=…).")
        : null,
      h("button", {
        type: "button", class: `lk-button${missing.length ? "" : " lk-primary"}`, "data-key": `start-${backend.name}`,
        disabled: data.busy || missing.length > 0 || (backend.name === "existing" && !data.kubeconfig),
        onclick: () => act("start", { backend: backend.name }),
      }, chosen && data.running ? "Running" : "Start"));
  };
  const steps = [{ value: "", label: "the beginning" }, ...data.steps];
  return [
    h("h3", {}, data.running ? `The ${data.backend} cluster runs` : "Choose a cluster"),
    data.running ? h("p", {}, h("code", {}, data.url)) : null,
    h("div", { class: "lk-choices" }, data.backends.map(choice)),
    h("div", { class: "lk-progress" },
      h("div", { class: "lk-meter", role: "progressbar", "aria-label": "Starting the cluster", "aria-valuemin": "0",
        "aria-valuemax": "100", "aria-valuenow": String(data.percent) }, h("div", { style: `width:${data.percent}%` })),
      h("ol", { class: "lk-log", "aria-label": "What happened" }, data.log.map((line) => h("li", {}, `${line.text} (${line.seconds} s)`)))),
    h("div", { class: "lk-row" },
      h("button", { type: "button", class: "lk-button", "data-key": "stop", disabled: data.busy || !data.running,
        onclick: () => act("stop") }, "Stop"),
      h("label", {}, "Rewind to", h("select", { "data-key": "step", class: "lk-step" },
        steps.map((step) => h("option", { value: step.value }, step.label)))),
      h("button", { type: "button", class: "lk-button", "data-key": "rewind", disabled: data.busy || !data.running,
        onclick: (event) => act("rewind", { step: event.target.closest(".lk").querySelector(".lk-step").value }) }, "Rewind")),
  ].filter(Boolean);
}

export default widget("start", "Start panel", drawStart);
