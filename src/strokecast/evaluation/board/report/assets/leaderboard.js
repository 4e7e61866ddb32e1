// Controls above a leaderboard: a filter of the models and checkboxes that hide columns.
"use strict";
(() => {
  for (const controls of document.querySelectorAll("[data-table]")) {
    const table = document.getElementById(controls.dataset.table);
    const rows = () => [...table.tBodies[0].rows];
    const status = controls.querySelector("[role=status]");

    controls.querySelector("[data-filter]").addEventListener("input", (event) => {
      const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows()) {
        const name = row.cells[0].textContent.toLowerCase();
        row.hidden = !words.every((word) => name.includes(word));
        shown += !row.hidden;
      }
      status.textContent = words.length ? `${shown} of ${rows().length} models` : "";
    });

    const fieldset = controls.querySelector("fieldset");
    [...table.tHead.rows[0].cells].slice(1).forEach((header, at) => {
      const box = document.createElement("input");
      const label = document.createElement("label");
      box.type = "checkbox";
      box.checked = true;
      box.addEventListener("change", () => {
        for (const row of [table.tHead.rows[0], ...rows()]) row.cells[at + 1].hidden = !box.checked;
      });
      label.append(box, header.textContent);
      fieldset.append(label);
    });
    controls.hidden = false;
  }
})();
