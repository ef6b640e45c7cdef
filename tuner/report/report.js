"use strict";
// Sorting and readouts; the page is complete and looks the same without them.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  const key = (row, column) => {
    const text = row.cells[column].textContent.trim(), number = parseFloat(text);
    return Number.isNaN(number) ? text : number;
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.className = "sort";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].sort((a, b) => {
        const x = key(a, column), y = key(b, column);
        if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1;
        const order = typeof x === "number" ? x - y : x.localeCompare(y);
        return down ? -order : order;
      });
      body.append(...rows);
    });
  });
}
for (const svg of document.querySelectorAll("svg[data-stops]")) {
  const figure = svg.closest("figure"), out = figure.querySelector(".readout"), table = figure.querySelector(".twin table");
  if (!out || !table) continue;
  const stops = svg.dataset.stops.trim().split(/\s+/).map(Number);
  const heads = [...table.tHead.rows[0].cells].map(cell => cell.textContent.trim());
  let at = -1;
  const show = index => {
    at = Math.max(0, Math.min(stops.length - 1, index));
    const row = table.tBodies[0].rows[at];
    if (row) out.textContent = [...row.cells].map((cell, i) => [heads[i], cell.textContent.trim()]).filter(p => p[1]).map(p => p.join(" ")).join(" · ");
  };
  svg.setAttribute("tabindex", "0");
  svg.addEventListener("pointermove", event => {
    const box = svg.getBoundingClientRect(), x = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
    show(stops.reduce((best, stop, i) => Math.abs(stop - x) < Math.abs(stops[best] - x) ? i : best, 0));
  });
  svg.addEventListener("keydown", event => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by) { event.preventDefault(); show(at + by); }
  });
}
