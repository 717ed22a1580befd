// A prediction as buttons: one row for each question. Where the page can reach its notebook, the answer is
// written into the cell, so that the notebook shows it after a restart.

/** The cell of JupyterLab that shows an element; none elsewhere, as in VS Code. */
function cellOf(element) {
  const node = element.closest(".jp-Cell");
  const documents = window.jupyterapp ? [...window.jupyterapp.shell.widgets("main")] : [];
  return documents.flatMap(({ content }) => content?.widgets ?? []).find((cell) => cell.node === node);
}

/** Replace the step's open call of predict in the cell above by this one. */
function writePrediction(element, { step, code }) {
  const source = cellOf(element)?.model.sharedModel;
  if (!source) return;
  const call = new RegExp(`^predict\\(\\s*["']${step}["'][\\s\\S]*?\\)[ \\t]*$`, "m");
  const written = source.getSource().replace(call, () => code);
  if (written !== source.getSource()) source.setSource(written);
}

function drawTaps(data, act, view) {
  const choose = (label, answer) => {
    view.pressed = true;
    act("choose", { label, answer });
  };
  const button = ({ label, chosen }) => (answer) => h("button", {
    type: "button", class: `lk-button${chosen === answer ? " lk-primary" : ""}`, "data-key": `${label}:${answer}`,
    "aria-pressed": chosen === answer ? "true" : "false", onclick: () => choose(label, answer),
  }, chosen === answer ? h("span", { "aria-hidden": "true" }, "✓ ") : null, answer);
  const field = ({ label, chosen }) => {
    const input = h("input", { type: "text", value: chosen, "data-key": "field", "aria-label": data.title, placeholder: data.example });
    return h("form", { class: "lk-row", onsubmit: (event) => { event.preventDefault(); choose(label, input.value); } },
      input, h("button", { type: "submit", class: "lk-button", "data-key": "predict" }, t("Predict")));
  };
  const row = (question) => h("fieldset", { class: "lk-question" },
    h("legend", { class: question.label ? "" : "lk-visually-hidden" }, question.label || data.title),
    h("div", { class: "lk-row" }, data.answers.length ? data.answers.map(button(question)) : field(question)));
  return [
    h("h3", {}, t("{step}: what do you expect?", data)),
    data.questions.map(row),
    h("p", { class: "lk-quiet", role: "status" }, data.code ? t("Noted. Your first choice is the one that counts.") : t("Choose, then go on.")),
  ];
}

function afterTaps(body, data, view) {
  if (view.pressed && data.code) writePrediction(body, data);
  view.pressed = false;
}

export default widget("taps", "Your prediction", drawTaps, afterTaps);
