// A prompt for a container. Each line is one exec; up and down walk through the history.
function drawTerminal(data, act, view) {
  view.at ??= 0;
  const input = h("input", { type: "text", "data-key": "line", "aria-label": t("Command for {pod}", { pod: data.pod }), autocomplete: "off",
    autocapitalize: "off", spellcheck: "false", placeholder: "ls /var/run/secrets/kubernetes.io/serviceaccount" });
  input.value = view.draft || "";
  const walk = (step) => {
    const typed = data.lines.map((line) => line.command);
    view.at = Math.min(Math.max(view.at + step, 0), typed.length);
    input.value = view.at ? typed[typed.length - view.at] : "";
  };
  input.addEventListener("input", () => { view.draft = input.value; });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowUp") { walk(1); event.preventDefault(); }
    if (event.key === "ArrowDown") { walk(-1); event.preventDefault(); }
  });
  const run = (event) => {
    event.preventDefault();
    const command = input.value.trim();
    if (!command) return;
    view.at = 0;
    view.draft = input.value = "";
    act("run", { command });
  };
  const containers = data.containers.length > 1 ? h("label", {}, t("Container"),
    h("select", { "data-key": "container", onchange: (event) => act("choose", { container: event.target.value }) },
      data.containers.map((name) => h("option", { value: name, selected: name === data.container }, name)))) : null;
  return [
    h("div", { class: "lk-row" }, h("h3", {}, [data.pod, data.container].filter(Boolean).join(" · ")), containers,
      h("button", { type: "button", class: "lk-button lk-small", "data-key": "clear", onclick: () => act("clear") }, t("Clear"))),
    h("div", { class: "lk-screen", role: "log", "aria-label": t("Output of {pod}", { pod: data.pod }), tabindex: "0" },
      data.lines.map((line) => [
        h("pre", { class: "lk-typed" }, `${data.prompt}${line.command}`),
        line.stdout ? h("pre", {}, line.stdout) : null,
        line.stderr ? h("pre", { class: "lk-error" }, line.stderr) : null,
        line.returncode ? h("pre", { class: "lk-error" }, t("exit code {code}", { code: line.returncode })) : null,
      ])),
    h("form", { onsubmit: run }, input, h("button", { type: "submit", class: "lk-button lk-primary", "data-key": "run" }, t("Run"))),
  ];
}

export default widget("terminal", "Pod terminal", drawTerminal, (body) => {
  const screen = body.querySelector(".lk-screen");
  screen.scrollTop = screen.scrollHeight;
});
