// Tokens taken apart. The signature never comes here: Python keeps it.
function countdown(expires) {
  if (!expires) return t("no end");
  const seconds = Math.round(expires - Date.now() / 1000);
  if (seconds <= 0) return t("expired");
  const parts = [[t("{count} d"), 86400], [t("{count} h"), 3600], [t("{count} min"), 60], [t("{count} s"), 1]];
  const said = [];
  let rest = seconds;
  for (const [unit, size] of parts) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count || (size === 1 && !said.length)) said.push(unit.replace("{count}", count));
  }
  return said.slice(0, 3).join(" ");
}

function drawToken(data, act) {
  const parts = [`${t("header")}: eyJ…`, `${t("claims")}: eyJ…`, `<${t("signature")}>`];
  const heads = data.tokens.map((token, index) => h("div", {},
    h("h4", {}, breakable(token.title)),
    h("div", { class: "lk-parts", "aria-label": t("A token has three parts") },
      parts.map((part) => h("span", { class: "lk-part" }, part))),
    h("p", {}, verdict(token.verified, [t("verified"), t("not verified")]), ` — ${token.verdict}`),
    h("p", {}, t("Valid for: "), h("strong", { class: "lk-time", "data-expires": token.expires || "" }, countdown(token.expires))),
    h("button", { type: "button", class: "lk-button", "data-key": `tamper-${index}`, onclick: () => act("tamper", { index }) },
      token.tampered ? t("Undo the tampering") : t("Tamper with the subject"))));
  const two = data.tokens.length === 2;
  const rows = data.rows.map((row) => [
    h("div", {}, h("code", {}, breakable(row.name)), two && row.meaning ? h("small", { class: "lk-quiet" }, row.meaning) : null),
    ...row.values.map((value) => h("span", { class: row.differs ? "lk-value lk-differs" : "lk-value" }, breakable(value))),
    ...(two ? [row.differs ? t("≠ differs") : t("= same")] : []),
    ...(two ? [] : [row.meaning]),
  ]);
  return [
    h("h3", {}, two ? t("Two tokens, claim by claim") : t("A token, taken apart")),
    h("div", { class: "lk-heads" }, heads),
    data.summary ? h("p", { role: "status" }, data.summary) : null,
    table(t("Header and claims"), [t("name"), ...data.tokens.map((token) => breakable(token.title)), two ? t("compared") : t("what it means")],
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
