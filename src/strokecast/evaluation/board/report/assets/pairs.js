// The matrix of pairwise differences: one cell is in the tab order, arrow keys move, the line below has the details.
"use strict";
(() => {
  for (const table of document.querySelectorAll("[data-pairs]")) {
    const detail = table.closest("section").querySelector(".detail");
    const cells = [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll("td")]);
    let row = 0, column = 0;
    const show = (cell) => { detail.textContent = cell.dataset.detail; };
    const move = (toRow, toColumn) => {
      cells[row][column].tabIndex = -1;
      row = Math.max(0, Math.min(cells.length - 1, toRow));
      column = Math.max(0, Math.min(cells.length - 1, toColumn));
      cells[row][column].tabIndex = 0;
    };
    table.setAttribute("role", "grid");
    cells.forEach((line, r) => line.forEach((cell, c) => {
      cell.setAttribute("role", "gridcell");
      cell.tabIndex = -1;
      cell.addEventListener("mouseenter", () => show(cell));
      cell.addEventListener("focus", () => { move(r, c); show(cell); });
    }));
    cells[0][0].tabIndex = 0;
    table.addEventListener("keydown", (event) => {
      const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
      const step = steps[event.key];
      if (!step) return;
      event.preventDefault();
      move(row + step[0], column + step[1]);
      cells[row][column].focus();
    });
  }
})();
