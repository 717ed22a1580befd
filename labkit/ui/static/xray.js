// One request as its path through the API server.
const states = () => ({
  pass: ["✓", t("passed"), "lk-yes"], stop: ["✕", t("stopped here"), "lk-no"], none: ["–", t("not reached"), "lk-quiet"],
});

function drawXRay(data) {
  return [
    h("h3", {}, data.title),
    h("ol", { "aria-label": t("Stages of the request, in order") }, data.stages.map((stage) => {
      const [symbol, word, tone] = states()[stage.state];
      return h("li", { class: `lk-stage lk-${stage.state}` },
        h("h4", {}, stage.title),
        h("p", { class: `lk-verdict ${tone}` }, h("span", { "aria-hidden": "true" }, symbol), ` ${word}`),
        h("dl", {}, stage.facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, [t("groups"), "groups"].includes(name) ? value.split(", ").map((group) => h("div", {}, breakable(group))) : breakable(value))])));
    })),
    h("p", { class: "lk-quiet" }, data.source),
    data.explanation ? explanation(data.explanation) : null,
  ].filter(Boolean);
}

export default widget("xray", "Request X-ray", drawXRay);
