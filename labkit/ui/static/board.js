// Every step with its state. Hints come one at a time.
const BOARD_STATES = { passed: ["✓", "lk-yes"], failed: ["✕", "lk-no"], "not attempted": ["○", "lk-quiet"] };

function drawBoard(data, act) {
  return [
    h("h3", {}, data.title),
    h("div", { class: "lk-meter", role: "progressbar", "aria-label": t("Steps passed"), "aria-valuemin": "0",
      "aria-valuemax": String(data.total), "aria-valuenow": String(data.passed) },
      h("div", { style: `width:${(100 * data.passed) / Math.max(1, data.total)}%` })),
    data.lessons.map((lesson) => h("div", {}, h("h4", {}, lesson.title), h("ol", {}, lesson.steps.map((step) => {
      const [symbol, tone] = BOARD_STATES[step.state];
      return h("li", {},
        h("strong", {}, step.id),
        h("span", { class: `lk-verdict ${tone}` }, h("span", { "aria-hidden": "true" }, symbol), ` ${step.word}`),
        h("span", {}, step.title, step.time ? h("span", { class: "lk-quiet" }, ` · ${step.time}`) : null),
        h("span", { class: "lk-row" },
          h("button", { type: "button", class: "lk-button lk-small", "data-key": `check-${step.id}`,
            "aria-label": t("Check {step}", { step: step.id }), onclick: () => act("check", { step: step.id }) }, t("Check")),
          h("button", { type: "button", class: "lk-button lk-small", "data-key": `hint-${step.id}`,
            "aria-label": t("Hint for {step}", { step: step.id }), onclick: () => act("hint", { step: step.id }) }, t("Hint"))),
        step.says ? h("p", { class: "lk-hint" }, step.says) : null);
    })))),
  ].flat();
}

export default widget("board", "Checkpoints", drawBoard);
