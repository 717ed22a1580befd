// Tokens taken apart. The signature never comes here: Python keeps it.
function countdown(expires) {
  if (!expires) return "no end";
  const seconds = Math.round(expires - Date.now() / 1000);
  if (seconds <= 0) return "expired";
  const parts = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const words = [];
  let rest = seconds;
  for (const [unit, size] of parts) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count || (unit === "s" && !words.length)) words.push(`${count} ${unit}`);
  }
  return words.slice(0, 3).join(" ");
}

function drawToken(data, act) {
  const parts = ["header", "claims", "signature"];
  const heads = data.tokens.map((token, index) => h("div", {},
    h("h4", {}, breakable(token.title)),
    h("div", { class: "lk-parts", "aria-label": "A token has three parts" },
      parts.map((part) => h("span", { class: "lk-part" }, part === "signature" ? "<signature>" : `${part}: eyJ…`))),
    h("p", {}, verdict(token.verified, ["verified", "not verified"]), ` — ${token.verdict}`),
    h("p", {}, "Valid for: ", h("strong", { class: "lk-time", "data-expires": token.expires || "" }, countdown(token.expires))),
    h("button", { type: "button", class: "lk-button", "data-key": `tamper-${index}`, onclick: () => act("tamper", { index }) },
      token.tampered ? "Undo the tampering" : "Tamper with the subject")));
  const two = data.tokens.length === 2;
  const rows = data.rows.map((row) => [
    h("div", {}, h("code", {}, breakable(row.name)), two && row.meaning ? h("small", { class: "lk-quiet" }, row.meaning) : null),
    ...row.values.map((value) => h("span", { class: row.differs ? "lk-value lk-differs" : "lk-value" }, breakable(value))),
    ...(two ? [row.differs ? "≠ differs" : "= same"] : []),
    ...(two ? [] : [row.meaning]),
  ]);
  return [
    h("h3", {}, two ? "Two tokens, claim by claim" : "A token, taken apart"),
    h("div", { class: "lk-heads" }, heads),
    data.summary ? h("p", { role: "status" }, data.summary) : null,
    table("Header and claims", ["name", ...data.tokens.map((token) => breakable(token.title)), two ? "compared" : "what it means"],
      rows, { class: two ? "lk-claim lk-two" : "lk-claim" }),
  ].filter(Boolean);
}

export default widget("token", "Token inspector", drawToken, (body, data, view) => {
  view.stop?.();
  const clocks = body.querySelectorAll("[data-expires]");
  const timer = setInterval(() => clocks.forEach((clock) => {
    clock.textContent = countdown(Number(clock.dataset.expires));
  }), 1000);
  view.stop = () => clearInterval(timer);
});
