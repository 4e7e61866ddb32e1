// Drawings from their strokes: confusion matrix, mistakes, attention and generated drawings, each from a gallery.
"use strict";
(() => {
  const SIDE = 255, MARGIN = 14; // units of a compact drawing
  const PAGE = 60; // drawings that a cell shows at once
  const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

  const element = (name, attributes = {}, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };
  const template = document.createElement("template");
  template.innerHTML = "<svg></svg>";
  const svgNamespace = template.content.firstChild.namespaceURI;
  const svgElement = (name, attributes) => {
    const node = document.createElementNS(svgNamespace, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  };
  const percent = (thousandths) => {
    if (thousandths === 0) return "<\u00a00.1\u00a0%";
    if (thousandths === 1000) return ">\u00a099.9\u00a0%";
    return `${(thousandths / 10).toFixed(1)}\u00a0%`;
  };

  // [[dx, dy, dx, dy, ...], ...] → per stroke its points [[x, y], ...]
  const positions = (strokes) => {
    let x = 0, y = 0;
    return strokes.map((moves) => {
      const points = [];
      for (let at = 0; at < moves.length; at += 2) points.push([x += moves[at], y += moves[at + 1]]);
      return points;
    });
  };
  const pathLength = (points) => points.slice(1).reduce(
    (sum, [x, y], at) => sum + Math.hypot(x - points[at][0], y - points[at][1]), 0);

  // weights: per point after the first, relative to `most`
  const sketch = (strokes, weights = null, most = 1) => {
    const lines = positions(strokes), all = lines.flat();
    const width = Math.max(...all.map(([x]) => x)), height = Math.max(...all.map(([, y]) => y));
    const size = SIDE + 2 * MARGIN;
    const corner = [width, height].map((extent) => (extent - size) / 2).join(" ");
    const svg = svgElement("svg", { class: "sketch", viewBox: `${corner} ${size} ${size}`, "aria-hidden": "true" });
    for (const points of lines) {
      const rest = points.slice(1).map(([x, y]) => `L${x} ${y}`).join("");
      const path = svgElement("path", { d: `M${points[0][0]} ${points[0][1]}${rest || "h0"}` });
      path.dataset.length = pathLength(points);
      if (weights) path.classList.add("trace");
      svg.append(path);
    }
    if (weights) {
      all.slice(1).forEach(([x, y], at) => {
        const share = Math.min(1, weights[at] / most);
        svg.append(svgElement("circle", { cx: x, cy: y, r: 3 + 5 * share, style: `--weight: ${share.toFixed(3)}` }));
      });
    }
    return svg;
  };

  const play = (svg) => {
    if (reducedMotion.matches) return;
    stop(svg);
    const paths = [...svg.querySelectorAll("path")];
    const lengths = paths.map((path) => Number(path.dataset.length) + 20); // a dot takes a moment too
    const total = lengths.reduce((sum, length) => sum + length, 0);
    const duration = Math.min(3500, 700 + 1.2 * total);
    let delay = 0;
    paths.forEach((path, at) => {
      const share = duration * lengths[at] / total, length = lengths[at];
      const hidden = { strokeDasharray: `${length} ${length + 40}`, strokeDashoffset: length + 10, opacity: 0 };
      const begun = { ...hidden, opacity: 1, offset: 0.01 };
      const drawn = { strokeDasharray: `${length} ${length + 40}`, strokeDashoffset: 0, opacity: 1 };
      path.animate([hidden, begun, drawn], { duration: share, delay, fill: "backwards" });
      delay += share;
    });
  };
  const stop = (svg) => svg.getAnimations({ subtree: true }).forEach((animation) => animation.cancel());
  const animate = (node) => {
    const svg = node.querySelector("svg");
    for (const start of ["mouseenter", "focus", "click"]) node.addEventListener(start, () => play(svg));
    for (const end of ["mouseleave", "blur"]) node.addEventListener(end, () => stop(svg));
    return node;
  };

  const drawingButton = (strokes, ...lines) =>
    animate(element("button", { type: "button", class: "drawing" }, sketch(strokes), ...lines));
  const listOf = (label, nodes) =>
    element("ul", { class: "drawings", "aria-label": label }, ...nodes.map((node) => element("li", {}, node)));
  const line = (text, className = "") => element("span", className ? { class: className } : {}, text);

  // One cell of the table is in the tab order; arrow keys move to the next one, Enter and Space choose.
  const makeGrid = (table, choose = () => {}) => {
    const cells = [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll("td")]);
    let current = cells[0][0];
    table.setAttribute("role", "grid");
    const enter = (cell) => { current.tabIndex = -1; current = cell; cell.tabIndex = 0; };
    cells.forEach((row, r) => row.forEach((cell, c) => {
      cell.setAttribute("role", "gridcell");
      cell.tabIndex = -1;
      cell.addEventListener("focus", () => enter(cell));
      cell.addEventListener("click", () => choose(cell));
      cell.addEventListener("keydown", (event) => {
        const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
        const step = steps[event.key];
        if (step) cells[r + step[0]]?.[c + step[1]]?.focus();
        else if (event.key === "Enter" || event.key === " ") choose(cell);
        else return;
        event.preventDefault();
      });
    }));
    current.tabIndex = 0;
  };

  const choice = (label, names, change) => {
    const select = element("select", {}, ...names.map((name, at) => element("option", { value: at }, name)));
    select.addEventListener("change", () => change(Number(select.value)));
    return element("label", {}, label, " ", select);
  };
  const scrolling = (label, node) => element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, node);
  // Controls and a place that `show` fills for the chosen model
  const withModels = (root, models, show) => {
    const place = element("div");
    const change = (at) => place.replaceChildren(...show(models[at]));
    root.replaceChildren(element("div", { class: "controls" }, choice("Model", models.map((model) => model.name), change)), place);
    change(0);
  };

  const openCell = (gallery, model, actual, predicted, count) => {
    const dialog = element("dialog", { "aria-labelledby": "drawings-title" });
    const { classes } = gallery;
    const outcome = actual === predicted ? "recognised" : `taken for ${classes[predicted]}`;
    const shown = gallery.labels.flatMap((label, at) => (label === actual && model.predicted[at] === predicted ? [at] : []));
    const close = element("button", { type: "button" }, "Close");
    close.addEventListener("click", () => dialog.close());
    const title = element("h4", { id: "drawings-title" }, `${model.name}: ${classes[actual]} ${outcome}`);
    const list = listOf(title.textContent, []);
    const more = element("button", { type: "button" }, "Show more");
    const about = element("p");
    const append = () => {
      const begin = list.children.length;
      for (const at of shown.slice(begin, begin + PAGE)) {
        const lines = [line(`predicted ${percent(model.probability[at])}`)];
        if (actual !== predicted) lines.push(line(`true class ${percent(model.true_probability[at])}`, "muted"));
        list.append(element("li", {}, drawingButton(gallery.drawings[at], ...lines)));
      }
      more.hidden = list.children.length === shown.length;
      about.textContent = `${list.children.length} of ${count} test drawings.`;
    };
    more.addEventListener("click", append);
    append();
    dialog.append(element("div", { class: "dialog-head" }, title, close), about, list, more);
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    return dialog;
  };

  const views = {
    confusion: (root, gallery) => withModels(root, gallery.models, (model) => {
      const shown = gallery.matrix_classes, name = (at) => gallery.classes[shown[at]];
      const header = element("tr", {}, element("td"), ...shown.map(
        (label) => element("th", { scope: "col" }, element("span", {}, gallery.classes[label]))));
      const shares = model.counts.map((counts, row) => counts.map((count) => count / Math.max(1, gallery.totals[shown[row]])));
      const mostMistaken = Math.max(0.001, ...shares.flatMap((line, row) => line.filter((_, column) => column !== row)));
      const rows = model.counts.map((counts, row) => {
        const cells = counts.map((count, column) => {
          const share = row === column ? shares[row][row] : shares[row][column] / mostMistaken;
          const cell = element("td", { style: `--share: ${share.toFixed(3)}` }, count ? String(count) : "");
          if (row !== column) cell.classList.add("wrong");
          cell.setAttribute("aria-label", `true ${name(row)}, predicted ${name(column)}: ${count} drawings`);
          if (count) cell.setAttribute("aria-haspopup", "dialog");
          Object.assign(cell.dataset, { row, column });
          return cell;
        });
        return element("tr", {}, element("th", { scope: "row" }, name(row)), ...cells);
      });
      const table = element("table", { class: "confusion" }, element("thead", {}, header), element("tbody", {}, ...rows));
      const [correct, test] = [model.correct, gallery.test].map((count) => count.toLocaleString("en"));
      const right = `${correct} of ${test} test drawings are recognised.`;
      makeGrid(table, (cell) => {
        const { row, column } = cell.dataset, count = model.counts[row][column];
        if (!count) return;
        const dialog = openCell(gallery, model, shown[row], shown[column], count);
        root.append(dialog);
        dialog.showModal();
      });
      return [element("p", {}, right), scrolling(`Confusion matrix of ${model.name}`, table)];
    }),

    mistakes: (root, gallery) => withModels(root, gallery.models, (model) => {
      const { classes, labels, drawings } = gallery;
      const button = (at) => drawingButton(
        drawings[at],
        element("strong", {}, classes[labels[at]]),
        line(`predicted ${classes[model.predicted[at]]} ${percent(model.probability[at])}`),
        line(`true class ${percent(model.true_probability[at])}`, "muted"));
      const list = (title, rows) => [element("h4", {}, title), listOf(`${title} of ${model.name}`, rows.map(button))];
      if (!model.worst.length) return [element("p", {}, "No test drawing is mistaken.")];
      return [...list("Highest loss", model.worst), ...list("Most confident mistakes", model.confident)];
    }),

    attention: (root, gallery) => withModels(root, gallery.models.filter((model) => model.attention), (model) => {
      const { classes, labels, drawings } = gallery;
      const weights = model.attention.flatMap(([, shares]) => shares).sort((a, b) => a - b);
      const most = Math.max(200, weights[Math.floor(0.98 * (weights.length - 1))]); // hundredths of uniform attention
      const nodes = model.attention.map(([at, shares]) => {
        const predicted = model.predicted[at];
        const lines = [element("strong", {}, classes[labels[at]])];
        if (predicted !== labels[at]) lines.push(line(`predicted ${classes[predicted]}`));
        return element("div", { class: "drawing" }, sketch(drawings[at], shares, most), ...lines);
      });
      const scale = element("p", {}, "0 ", element("span", { class: "scale", "aria-hidden": "true" }), ` ${(most / 100).toFixed(1)} times uniform attention`);
      return [scale, listOf(`Attention of ${model.name}`, nodes)];
    }),

    generated: (root, gallery) => withModels(root, gallery.models, (model) => {
      const place = element("div");
      const cellOf = (grid, strokes, row, column) => {
        if (!strokes) return element("td");
        const cell = element("td", {}, sketch(strokes));
        const judged = grid.judged[row][column], right = judged === grid.rows[row];
        if (judged) cell.append(right ? "✓" : judged);
        if (judged && !right) cell.classList.add("mistaken");
        const verdict = judged ? `: the judge says ${judged}` : "";
        cell.setAttribute("aria-label", `${grid.rows[row]}, ${grid.columns[column] || column + 1}${verdict}`);
        return animate(cell);
      };
      const change = (at) => {
        const grid = model.grids[at];
        const header = element("tr", {}, element("td"), ...grid.columns.map((name, column) => element("th", { scope: "col" }, name || String(column + 1))));
        const rows = grid.cells.map((cells, row) => element("tr", {},
          element("th", { scope: "row" }, grid.rows[row]), ...cells.map((strokes, column) => cellOf(grid, strokes, row, column))));
        const table = element("table", { class: "generated" }, element("thead", {}, header), element("tbody", {}, ...rows));
        if (rows.length) makeGrid(table);
        place.replaceChildren(element("p", {}, grid.title), scrolling(`${grid.label} of ${model.name}`, table));
      };
      change(0);
      return [element("div", { class: "controls" }, choice("Drawings", model.grids.map((grid) => grid.label), change)), place];
    }),
  };

  const galleries = new Map();
  const read = (id) => {
    if (!galleries.has(id)) galleries.set(id, JSON.parse(document.getElementById(id).textContent));
    return galleries.get(id);
  };
  for (const root of document.querySelectorAll("[data-drawings]")) {
    views[root.dataset.drawings](root, read(root.dataset.source));
  }
})();
