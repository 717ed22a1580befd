// Questions one after another. The reply to an answer appears below it, and Next goes on.
function drawReview(data, act, view) {
  if (!data.ask) return h("p", { role: "status" }, data.title);
  const answered = Boolean(data.reply);
  const mark = (place) => !answered || place !== data.chosen ? null : h("span", { "aria-hidden": "true" }, data.right ? "✓ " : "✕ ");
  const answer = (words, place) => h("button", {
    type: "button", class: "lk-button", "data-key": `answer-${place}`, "aria-pressed": place === data.chosen ? "true" : "false",
    "aria-disabled": answered ? "true" : null, onclick: () => answered || act("answer", { place }),
  }, mark(place), coded(words));
  return [
    h("h3", {}, data.title),
    data.policy ? h("pre", { class: "lk-policy", tabindex: "0", role: "region", "aria-label": t("The policy") }, data.policy) : null,
    h("p", { class: "lk-ask" }, coded(data.ask)),
    h("div", { class: "lk-answers", role: "group", "aria-label": data.title }, data.answers.map(answer)),
    h("div", { role: "status", class: "lk-said" }, !answered ? null : [
      h("p", {}, h("strong", {}, data.right ? t("Right: ") : t("Not yet: ")), data.reply.split("\n").flatMap((line, number) => number ? [h("br"), coded(line)] : [coded(line)])),
      data.right ? null : h("p", { class: "lk-quiet" }, t("It comes back tomorrow. To read it again: {step}.", data)),
    ]),
    answered ? h("button", { type: "button", class: "lk-button lk-primary", "data-key": "next", onclick: () => { view.moved = true; act("next"); } }, t("Next")) : null,
  ];
}

/** A text with its words in backquotes as code. */
function coded(text) {
  return text.split(/`([^`]+)`/).map((part, number) => number % 2 ? h("code", {}, part) : part);
}

/** After Next the keyboard is on the first answer. */
function afterReview(body, data, view) {
  if (view.moved) body.querySelector('[data-key="answer-0"]')?.focus();
  view.moved = false;
}

export default widget("review", "Questions", drawReview, afterReview);
