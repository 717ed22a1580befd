// Subjects by permissions. A cell is a button: it asks why.
function drawMatrix(data, act, view) {
  const where = data.namespace ? t("in the namespace {namespace}", { namespace: data.namespace }) : t("cluster-wide");
  const changed = data.rows.flatMap((row) => row.cells).filter((cell) => cell.changed).length;
  const cell = (row, column) => {
    const answer = row.cells[column];
    const word = answer.allowed ? t("yes") : t("no");
    const label = `${row.label}: ${data.columns[column]}, ${answer.allowed ? "allowed" : "forbidden"}` +
      `${answer.changed ? t(", changed") : ""}. ${t("Explain.")}`;
    return h("button", {
      type: "button", "data-key": `${row.index}-${column}`, "aria-label": label,
      class: `lk-cell ${answer.allowed ? "lk-yes" : "lk-no"}${answer.changed ? " lk-changed" : ""}`,
      onclick: () => act("explain", { row: row.index, column }),
    }, `${answer.allowed ? "✓" : "✕"} ${word}${answer.changed ? " ●" : ""}`);
  };
  return [
    h("h3", {}, t("Who may do what, {where}", { where })),
    h("div", { class: "lk-row" },
      h("button", { type: "button", class: "lk-button", "data-key": "refresh", onclick: () => act("refresh") }, t("Ask again")),
      h("span", { class: "lk-quiet", role: "status" },
        changed === 1 ? t("● 1 answer has changed") : changed ? t("● {changed} answers have changed", { changed })
          : t("Every cell is the server's own answer."))),
    table(t("Access of {subjects} subjects to {permissions} permissions, {where}",
      { subjects: data.rows.length, permissions: data.columns.length, where }),
      [t("subject"), ...data.columns.map((column) => h("span", {}, breakable(column)))],
      data.rows.map((row) => [h("span", {}, breakable(row.label)), ...data.columns.map((_, column) => cell(row, column))])),
    data.explanation ? explanation(data.explanation) : null,
  ].filter(Boolean);
}

export default widget("matrix", "Access matrix", drawMatrix);
