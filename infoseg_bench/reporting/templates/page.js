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
// A board shows one of its tables, and of their rows those that fit every filter.
function show(board, chosen) {
  board.querySelectorAll(".view").forEach((button, place) => button.setAttribute("aria-pressed", String(place === chosen)));
  board.querySelectorAll(".shown").forEach((table, place) => { table.hidden = place !== chosen; });
}
function filter(board) {
  const wanted = [...board.querySelectorAll("select")].map((one) => [one.dataset.tag, one.value]);
  for (const row of board.querySelectorAll("tbody tr[data-tags]")) {
    const tags = JSON.parse(row.dataset.tags);
    row.hidden = wanted.some(([place, value]) => value !== "" && tags[place] !== value);
  }
}
for (const board of document.querySelectorAll(".board")) {
  board.querySelectorAll(".view").forEach((button, place) => button.addEventListener("click", () => show(board, place)));
  board.querySelectorAll("select").forEach((one) => one.addEventListener("change", () => filter(board)));
  show(board, 0);
}
window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("main details")) details.open = true;
});
for (const link of document.querySelectorAll(".bar details a")) {
  link.addEventListener("click", () => { link.closest("details").open = false; });
}
