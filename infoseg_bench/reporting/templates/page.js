"use strict";
// Sorts a table by the column whose head is pressed: numbers by their first number, empty cells last.
function key(cell) {
  const text = cell.textContent.trim();
  const number = parseFloat(text);
  return { empty: text === "", number: Number.isNaN(number) ? null : number, text };
}
function compare(a, b) {
  if (a.number !== null && b.number !== null) return a.number - b.number;
  return a.text.localeCompare(b.text);
}
function sort(head) {
  const up = head.getAttribute("aria-sort") === "descending";
  for (const other of head.parentElement.children) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const body = head.closest("table").tBodies[0];
  const rows = [...body.rows].map((row) => [key(row.cells[head.cellIndex]), row]);
  rows.sort(([a], [b]) => (a.empty - b.empty) || (up ? compare(a, b) : compare(b, a)));
  body.append(...rows.map(([, row]) => row));
}
for (const button of document.querySelectorAll("thead button")) {
  button.addEventListener("click", () => sort(button.closest("th")));
}
window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
