// Wrong policies as cards. Those that pass every question stay lit; picking one says what rejects it.
function drawWall(data, act, view) {
  const cards = data.groups.flatMap((group) => group.cards);
  view.at = Math.min(view.at || 0, cards.length - 1);
  const picked = cards[view.picked];
  const toggle = (name, label) => h("label", {}, h("input", { type: "checkbox", "data-key": name, checked: view[name],
    onchange: (event) => { view[name] = event.target.checked; view.redraw(); } }), label);
  const move = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const shown = [...event.currentTarget.querySelectorAll("button")];
    const next = shown[shown.indexOf(event.target) + step];
    if (!next) return;
    event.preventDefault();
    shown.forEach((button) => { button.tabIndex = button === next ? 0 : -1; });
    view.at = Number(next.dataset.index);
    next.focus();
  };
  const shown = cards.filter((card) => !view.lit || !card.by);
  const first = shown.includes(cards[view.at]) ? cards[view.at] : shown[0];
  const card = (entry) => {
    const index = cards.indexOf(entry);
    return h("li", {}, h("button", {
      type: "button", class: `lk-mutant ${entry.by ? "lk-dark" : "lk-lit"}`, "data-key": `card-${index}`,
      "data-index": index, tabindex: entry === first ? "0" : "-1", "aria-pressed": view.picked === index ? "true" : "false",
      onclick: () => { view.at = index; view.picked = view.picked === index ? null : index; view.redraw(); },
    }, h("small", {}, h("span", { "aria-hidden": "true" }, entry.by ? "○ " : "● "), entry.by ? t("rejected") : t("passes")),
      h("span", {}, breakable(entry.what))));
  };
  const groups = data.groups.map((group) => ({ ...group, cards: group.cards.filter((entry) => shown.includes(entry)) }))
    .filter((group) => group.cards.length);
  return [
    h("h3", {}, t("Wrong policies")),
    h("p", { role: "status" }, h("strong", {}, data.summary), data.left ? "" : t(": every light is out.")),
    h("div", { class: "lk-row" }, toggle("lit", t("only those that pass")), toggle("plain", t("as a table"))),
    view.plain
      ? table(data.summary, [t("wrong policy"), t("passes?"), t("rejected by")],
        shown.map((entry) => [h("span", {}, breakable(entry.what)), entry.by ? t("○ rejected") : t("● passes"), entry.by]))
      : h("div", { class: "lk-cards", onkeydown: move }, groups.map((group) => [
        h("h4", {}, t("{title} ({count} lit)", { title: group.title, count: group.cards.filter((entry) => !entry.by).length })),
        h("ul", {}, group.cards.map(card))])),
    h("p", { class: "lk-quiet lk-detail", role: "status" }, !picked ? t("Pick a card to see what rejects it.")
      : picked.by ? t("Rejected by the question: {question}", { question: picked.by }) : t("It answers every question as the right policy does. Ask one more.")),
  ];
}

export default widget("wall", "Wrong policies", drawWall);
