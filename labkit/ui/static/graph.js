// Subjects → bindings → roles → rules. Four lists that read without the lines, and
// lines over them. Picking a box lights up everything it is connected with.
const columns = () => [t("Subjects"), t("Bindings"), t("Roles"), t("Rules")];

function connected(data, start) {
  const found = new Set([start]);
  for (const [from, to] of [[0, 1], [1, 0]]) {
    const queue = [start];
    while (queue.length) {
      const id = queue.shift();
      for (const edge of data.edges) {
        if (edge.ends[from] === id && !found.has(edge.ends[to])) {
          found.add(edge.ends[to]);
          queue.push(edge.ends[to]);
        }
      }
    }
  }
  return found;
}

function drawGraph(data, act, view) {
  const picked = view.picked && data.nodes.some((node) => node.id === view.picked) ? view.picked : null;
  view.lit = picked ? connected(data, picked) : null;
  // In a long drawing the connected boxes come first, or they would be out of sight.
  const first = (nodes) => view.lit && data.nodes.length > 40
    ? [...nodes.filter((node) => view.lit.has(node.id)), ...nodes.filter((node) => !view.lit.has(node.id))] : nodes;
  const pick = (id) => { view.picked = view.picked === id ? null : id; view.redraw(); };
  const box = (node) => {
    const state = view.lit ? (view.lit.has(node.id) ? " lk-picked" : " lk-dim") : node.granting ? " lk-granting" : "";
    return h("li", {}, h("button", {
      type: "button", class: `lk-node${state}`, "data-key": node.id, "data-id": node.id,
      "aria-pressed": picked === node.id ? "true" : "false", onclick: () => pick(node.id),
    }, node.granting ? h("span", {}, "✓ ") : null, breakable(node.title),
      h("small", {}, breakable([node.kind, node.namespace ? t("in {namespace}", { namespace: node.namespace }) : null,
        node.granting ? t("grants it") : null].filter(Boolean).join(" · ")))));
  };
  const choose = (name, label, value, options) => h("label", {}, label,
    h("select", { "data-key": name, onchange: (event) => act("filter", { [name]: event.target.value }) },
      options.map((option) => h("option", { value: option.value, selected: option.value === value }, option.label))));
  return [
    h("h3", {}, t("Who is bound to what")),
    h("div", { class: "lk-row" },
      choose("namespace", t("Namespace"), data.namespace, data.namespaces),
      choose("subject", t("Subject"), data.subject, data.subjects),
      h("label", {}, h("input", { type: "checkbox", "data-key": "defaults", checked: data.defaults,
        onchange: (event) => act("filter", { defaults: event.target.checked }) }), t("default bindings too")),
      h("button", { type: "button", class: "lk-button", "data-key": "refresh", onclick: () => act("refresh") }, t("Read again"))),
    h("p", { class: "lk-quiet", role: "status" }, data.summary),
    scrolling(t("Subjects, bindings, roles and rules"),
      data.nodes.length ? null : h("p", { class: "lk-quiet lk-empty" }, t("No binding fits this choice.")),
      h("div", { class: "lk-columns", hidden: !data.nodes.length },
        h("svg", { "aria-hidden": "true", focusable: "false" }),
        columns().map((title, column) => {
          const nodes = first(data.nodes.filter((node) => node.column === column));
          return h("div", { class: "lk-column" }, h("h4", {}, `${title} (${nodes.length})`), h("ul", {}, nodes.map(box)));
        }))),
  ];
}

function drawEdges(body, data, view) {
  const columns = body.querySelector(".lk-columns");
  const svg = body.querySelector("svg");
  if (!columns || !svg) return;
  const place = () => {
    const origin = columns.getBoundingClientRect();
    const boxes = new Map([...columns.querySelectorAll("[data-id]")].map((box) => [box.dataset.id, box.getBoundingClientRect()]));
    svg.replaceChildren(...data.edges.filter((edge) => edge.ends.every((id) => boxes.has(id))).map((edge) => {
      const [from, to] = edge.ends.map((id) => boxes.get(id));
      const [x1, y1] = [from.right - origin.left, from.top + from.height / 2 - origin.top];
      const [x2, y2] = [to.left - origin.left, to.top + to.height / 2 - origin.top];
      const bend = (x2 - x1) / 2;
      const lit = view.lit && edge.ends.every((id) => view.lit.has(id));
      const state = view.lit ? (lit ? "lk-picked" : "lk-dim") : edge.granting ? "lk-granting" : "";
      return h("path", { d: `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`, class: state });
    }));
  };
  place();
  view.stop?.();
  const observer = new ResizeObserver(place);
  observer.observe(columns);
  view.stop = () => observer.disconnect();
}

export default widget("graph", "RBAC graph", drawGraph, drawEdges);
