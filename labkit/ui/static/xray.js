// One request as its path through the API server.
const STATES = { pass: ["✓", "passed", "lk-yes"], stop: ["✕", "stopped here", "lk-no"], none: ["–", "not reached", "lk-quiet"] };

function drawXRay(data) {
  return [
    h("h3", {}, data.title),
    h("ol", { "aria-label": "Stages of the request, in order" }, data.stages.map((stage) => {
      const [symbol, word, tone] = STATES[stage.state];
      return h("li", { class: `lk-stage lk-${stage.state}` },
        h("h4", {}, stage.title),
        h("p", { class: `lk-verdict ${tone}` }, h("span", { "aria-hidden": "true" }, symbol), ` ${word}`),
        h("dl", {}, stage.facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, name === "groups" ? value.split(", ").map((group) => h("div", {}, breakable(group))) : breakable(value))])));
    })),
    h("p", { class: "lk-quiet" }, data.source),
    data.explanation ? explanation(data.explanation) : null,
  ].filter(Boolean);
}

export default widget("xray", "Request X-ray", drawXRay);
