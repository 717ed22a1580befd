"use strict";
// Each heading of a table becomes a button that sorts the table by its column; without scripts nothing is missing.
function sortKey(row, column) {
  const cell = row.cells[column];
  const value = cell.dataset.value;
  return value === undefined ? cell.textContent.trim() : Number(value);
}

function compareKeys(one, two) {
  if (typeof one === "number" && typeof two === "number") return one - two;
  if (typeof one === "number") return 1; // what has no figure is less than any
  if (typeof two === "number") return -1;
  return one.localeCompare(two, undefined, { numeric: true });
}

function sortBy(table, heading, column) {
  const descending = heading.getAttribute("aria-sort") === "ascending";
  for (const other of heading.parentNode.cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows].map((row) => [sortKey(row, column), row]);
  rows.sort((one, two) => (descending ? -1 : 1) * compareKeys(one[0], two[0]));
  table.tBodies[0].append(...rows.map((entry) => entry[1]));
}

for (const table of document.querySelectorAll("table.lk-sortable")) {
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sortBy(table, heading, column));
    heading.append(button);
  });
}

// On paper everything is open.
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details:not([open])")) {
    details.open = true;
    details.dataset.printed = "";
  }
});
addEventListener("afterprint", () => {
  for (const details of document.querySelectorAll("details[data-printed]")) {
    details.open = false;
    delete details.dataset.printed;
  }
});
