// Draws the charts when they come into view, in the colours of the light or dark theme.
"use strict";
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const COLOURS = {
    light: ["#0b5cad", "#c4500c", "#23803b", "#b02a5b", "#6a3fb5", "#8a6100", "#00808a", "#a33a34", "#4a5560", "#b0309a"],
    dark: ["#6db3f7", "#f59a5a", "#6fd089", "#f58ab2", "#b99cf5", "#e3bd55", "#53cfd9", "#f08f88", "#b3bdc8", "#ea86d8"],
  };
  const DASHES = ["solid", "dash", "dot", "dashdot"];
  const SYMBOLS = ["circle", "square", "diamond", "triangle-up"];
  const BEST = 5;
  const NARROW = 640; // pixels; the legend of a narrower chart stands above it

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const palette = () => (dark.matches ? COLOURS.dark : COLOURS.light);
  const colour = (rank) => palette()[rank % palette().length];

  const themed = (trace) => {
    const rank = trace.meta && trace.meta.model;
    if (rank === undefined) return trace;
    const series = Math.floor(rank / palette().length) % DASHES.length;
    return {
      ...trace,
      line: { color: colour(rank), dash: DASHES[series], width: 2, ...trace.line },
      marker: { color: colour(rank), symbol: SYMBOLS[series], size: 7, ...trace.marker },
    };
  };

  const layoutOf = (layout, width) => {
    const axis = { gridcolor: css("--line"), linecolor: css("--strong"), zeroline: false, automargin: true };
    const above = { orientation: "h", y: 1.02, yanchor: "bottom", font: { size: 11 } };
    return {
      font: { family: "system-ui, sans-serif", size: 13, color: css("--text") },
      paper_bgcolor: css("--page"), plot_bgcolor: css("--page"),
      margin: { l: 56, r: 16, t: 12, b: 48 },
      autosize: true,
      hovermode: "closest",
      hoverlabel: { bgcolor: css("--panel"), font: { color: css("--text") }, bordercolor: css("--strong") },
      legend: width < NARROW ? above : { font: { size: 12 } },
      dragmode: window.matchMedia("(pointer: coarse)").matches ? false : "zoom",
      ...layout,
      xaxis: { ...axis, ...layout.xaxis },
      yaxis: { ...axis, ...layout.yaxis },
    };
  };

  const plot = (element, traces, layout) =>
    Plotly.react(element, traces.map(themed), layoutOf(layout, element.clientWidth), { displayModeBar: false, responsive: true });

  // Calls `draw` once `element` is near the screen, and again when the theme changes.
  const drawLazily = (element, draw) => {
    let drawn = false;
    new IntersectionObserver((entries, observer) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      drawn = true;
      draw();
    }, { rootMargin: "400px" }).observe(element);
    dark.addEventListener("change", () => { if (drawn) draw(); });
  };

  const cell = (tag, text) => {
    const element = document.createElement(tag);
    element.textContent = text === null || text === undefined ? "-" : text;
    if (tag === "th") element.scope = "col";
    return element;
  };

  // The same data as a table, made when it is opened.
  const dataTable = (label, tracesNow, x, y) => {
    const details = document.createElement("details");
    details.append(cell("summary", "Data as a table"));
    details.addEventListener("toggle", () => {
      details.querySelector(".scroll")?.remove();
      if (!details.open) return;
      const table = document.createElement("table");
      const header = table.createTHead().insertRow();
      header.append(cell("th", "series"), cell("th", x), cell("th", y));
      const body = table.createTBody();
      for (const trace of tracesNow()) {
        trace.x.forEach((value, at) => {
          const name = Array.isArray(trace.text) && !trace.meta ? trace.text[at] : trace.name;
          body.insertRow().append(
            cell("td", name), cell("td", trace.customdata ? trace.customdata[at] : value), cell("td", trace.y[at]));
        });
      }
      const scroll = document.createElement("div");
      scroll.className = "scroll";
      scroll.tabIndex = 0;
      scroll.setAttribute("role", "region");
      scroll.setAttribute("aria-label", `Data: ${label}`);
      scroll.append(table);
      details.append(scroll);
    });
    return details;
  };

  const selectLines = (lines, label, onChange) => {
    const wrapper = cell("label", `${lines} `);
    const select = document.createElement("select");
    select.setAttribute("aria-label", `${lines} shown: ${label}`);
    for (const [value, text] of [["best", `best ${BEST}`], ["all", "all"]]) {
      const option = cell("option", text);
      option.value = value;
      select.append(option);
    }
    select.addEventListener("change", onChange);
    wrapper.append(select);
    return [wrapper, select];
  };

  for (const figure of document.querySelectorAll("figure[data-chart]")) {
    const source = JSON.parse(document.getElementById(`${figure.dataset.section}-data`).textContent);
    const { traces, layout } = source[figure.dataset.chart];
    const element = figure.querySelector(".chart");
    const caption = figure.querySelector("figcaption").textContent;
    const ranks = traces.filter((trace) => trace.meta).map((trace) => trace.meta.model);
    let select = null;
    const shown = () => {
      if (!select || select.value === "all") return traces;
      const best = [...new Set(ranks)].sort((a, b) => a - b).slice(0, BEST);
      return traces.filter((trace) => !trace.meta || best.includes(trace.meta.model));
    };
    const style = (trace) => {
      if (trace.meta) return trace;
      if (trace.mode === "markers") return { ...trace, marker: { color: css("--strong"), size: 8 } };
      if (trace.text) return { ...trace, line: { color: colour(0), width: 2 }, marker: { color: colour(0), size: 10 } };
      return { ...trace, line: { color: css("--strong"), dash: "dash", width: 1.5 } };
    };
    const draw = () => plot(element, shown().map(style), layout);
    const tools = document.createElement("div");
    tools.className = "chart-tools";
    if (new Set(ranks).size > BEST + 1) {
      const [wrapper, control] = selectLines(figure.dataset.lines, caption, draw);
      select = control;
      tools.append(wrapper);
    }
    const titles = [layout.xaxis.title.text, layout.yaxis.title.text];
    tools.append(dataTable(caption, shown, ...titles));
    figure.append(tools);
    drawLazily(element, draw);
  }

  // For other sections: draw with the theme, wait until an element is near the screen, and list data as a table.
  window.strokecastCharts = { plot, drawLazily, colour, css, dataTable };
})();
