// Subjects by permissions. A cell is a button: it asks why.
function drawMatrix(data, act, view) {
  const where = data.namespace ? `in the namespace ${data.namespace}` : "cluster-wide";
  const changed = data.rows.flatMap((row) => row.cells).filter((cell) => cell.changed).length;
  const cell = (row, column) => {
    const answer = row.cells[column];
    const word = answer.allowed ? "yes" : "no";
    const label = `${row.label}: ${data.columns[column]}, ${answer.allowed ? "allowed" : "forbidden"}` +
      `${answer.changed ? ", changed" : ""}. Explain.`;
    return h("button", {
      type: "button", "data-key": `${row.index}-${column}`, "aria-label": label,
      class: `lk-cell ${answer.allowed ? "lk-yes" : "lk-no"}${answer.changed ? " lk-changed" : ""}`,
      onclick: () => act("explain", { row: row.index, column }),
    }, `${answer.allowed ? "✓" : "✕"} ${word}${answer.changed ? " ●" : ""}`);
  };
  return [
    h("h3", {}, `Who may do what, ${where}`),
    h("div", { class: "lk-row" },
      h("button", { type: "button", class: "lk-button", "data-key": "refresh", onclick: () => act("refresh") }, "Ask again"),
      h("span", { class: "lk-quiet", role: "status" },
        changed ? `● ${changed} ${changed === 1 ? "answer has" : "answers have"} changed` : "Every cell is the server's own answer.")),
    table(`Access of ${data.rows.length} subjects to ${data.columns.length} permissions, ${where}`,
      ["subject", ...data.columns.map((column) => h("span", {}, breakable(column)))],
      data.rows.map((row) => [h("span", {}, breakable(row.label)), ...data.columns.map((_, column) => cell(row, column))])),
    data.explanation ? explanation(data.explanation) : null,
  ].filter(Boolean);
}

export default widget("matrix", "Access matrix", drawMatrix);
