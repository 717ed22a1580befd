// The explanation of one decision, as the X-ray and the matrix show it.
function explanation(data) {
  return h("div", { class: "lk-explanation" },
    h("h4", {}, data.question),
    h("p", {}, verdict(data.allowed), data.reason ? ` — ${data.reason}` : ""),
    data.grants.length ? h("div", {}, h("h4", {}, "What grants it"),
      table("Rules that grant the request", ["binding", "role", "rule", "to"],
        data.grants.map((grant) => [grant.binding, grant.role, h("code", {}, grant.rule), grant.subject]))) : null,
    data.nearMisses.length ? h("div", {}, h("h4", {}, "Near misses"),
      h("ul", {}, data.nearMisses.map((miss) => h("li", {}, h("span", { class: "lk-badge" }, miss.what), " ", miss.why)))) : null,
    data.changes.length ? h("div", {}, h("h4", {}, "The smallest change that would allow it"),
      data.changes.map((change, index) => h("details", { open: index === 0 },
        h("summary", {}, change.title),
        change.commands.map(command),
        h("p", { class: "lk-quiet" }, change.alsoAllows.length
          ? `It would also allow: ${change.alsoAllows.join("; ")}.` : "It would allow nothing else.")))) : null);
}
