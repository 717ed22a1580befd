// The explanation of one decision, as the X-ray and the matrix show it.
function explanation(data) {
  return h("div", { class: "lk-explanation" },
    h("h4", {}, data.question),
    h("p", {}, verdict(data.allowed), data.reason ? ` — ${data.reason}` : ""),
    data.grants.length ? h("div", {}, h("h4", {}, t("What grants it")),
      table(t("Rules that grant the request"), [t("binding"), t("role"), t("rule"), t("to")],
        data.grants.map((grant) => [grant.binding, grant.role, h("code", {}, grant.rule), grant.subject]))) : null,
    data.nearMisses.length ? h("div", {}, h("h4", {}, t("Near misses")),
      h("ul", {}, data.nearMisses.map((miss) => h("li", {}, h("span", { class: "lk-badge" }, miss.what), " ", miss.why)))) : null,
    data.changes.length ? h("div", {}, h("h4", {}, t("The smallest change that would allow it")),
      data.changes.map((change, index) => h("details", { open: index === 0 },
        h("summary", {}, change.title),
        change.commands.map(command),
        h("p", { class: "lk-quiet" }, change.alsoAllows.length
          ? t("It would also allow: {what}.", { what: change.alsoAllows.join("; ") }) : t("It would allow nothing else."))))) : null,
    data.never ? h("p", {}, data.never) : null);
}
