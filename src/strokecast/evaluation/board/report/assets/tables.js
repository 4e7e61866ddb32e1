// Tables of the class `sortable`: a button in each column header sorts; aria-sort says how.
"use strict";
(() => {
  const number = (text) => {
    const match = text.replace(/,/g, "").match(/^\s*[+-]?\d*\.?\d+(?:e[+-]?\d+)?/i);
    return match ? parseFloat(match[0]) : null;
  };

  // Missing values ("-") are last in both directions.
  const compare = (a, b, direction) => {
    if (a === "-" || b === "-") return (a === "-") - (b === "-");
    const x = number(a), y = number(b);
    return direction * (x !== null && y !== null ? x - y : a.localeCompare(b));
  };

  const sortBy = (table, column) => {
    const headers = [...table.tHead.rows[0].cells];
    const ascending = headers[column].getAttribute("aria-sort") !== "ascending";
    headers.forEach((header, at) => {
      if (at === column) header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      else header.removeAttribute("aria-sort");
    });
    const rows = [...table.tBodies[0].rows];
    const text = (row) => row.cells[column].textContent.trim();
    rows.sort((a, b) => compare(text(a), text(b), ascending ? 1 : -1));
    table.tBodies[0].append(...rows);
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((header, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      button.addEventListener("click", () => sortBy(table, column));
      header.append(button);
    });
  }
})();
