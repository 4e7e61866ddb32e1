// Forecasts by series, regime, origin and model: whole forecasts from one origin, and one day ahead of all origins.
"use strict";
(() => {
  const section = document.getElementById("forecast-explorer");
  const data = JSON.parse(document.getElementById("forecast-explorer-data").textContent);
  const { plot, drawLazily, colour, css, dataTable } = window.strokecastCharts;
  const find = (name) => section.querySelector(`[data-${name}]`);
  const [series, regime, model, other, origin, day] =
    ["series", "regime", "model", "other", "origin", "day"].map(find);
  const CONTEXT = 28; // days before the origin
  const DAY = 86400000;
  const iso = (first, offset) => new Date(Date.parse(first) + offset * DAY).toISOString().slice(0, 10);
  const daysBetween = (first, last) => Math.round((Date.parse(last) - Date.parse(first)) / DAY);
  const format = (value) => Number(value.toPrecision(4)).toLocaleString("en");

  const current = () => data.series[series ? Number(series.value) : 0];
  const inRegime = (first) => {
    const chosen = regime.value === "" ? null : data.regimes[Number(regime.value)];
    return !chosen || (first >= chosen.first && first <= chosen.last);
  };
  const models = () => [...new Set([model.value, other.value].filter(Boolean))];
  const unit = data.unit || "value";

  const fillOrigins = () => {
    const before = origin.value;
    const options = current().origins
      .map((first, at) => [first, at])
      .filter(([first]) => inRegime(first))
      .map(([first, at]) => new Option(first, at));
    origin.replaceChildren(...options);
    if (options.some((option) => option.value === before)) origin.value = before;
    else origin.selectedIndex = options.length - 1;
  };

  const actualTrace = (first, last, options) => {
    const shown = current();
    const from = Math.max(0, daysBetween(shown.first_day, first));
    const values = shown.actual.slice(from, Math.max(from, daysBetween(shown.first_day, last) + 1));
    return {
      type: "scatter", name: "actual", x: values.map((_, at) => iso(shown.first_day, from + at)), y: values,
      line: { color: css("--text"), width: 1.5 }, marker: { color: css("--text"), size: 5 }, ...options,
    };
  };

  const transparent = (hex, opacity) => hex + Math.round(opacity * 255).toString(16).padStart(2, "0");

  const bands = (name, rank, days, rows) => [...data.levels].reverse().map((level, at) => {
    const forecast = current().forecasts[name];
    const [low, high] = [forecast[`lo-${level}`], forecast[`hi-${level}`]].map((values) => values.slice(...rows));
    return {
      type: "scatter", name: `${name} ${level} %`, x: [...days, ...[...days].reverse()],
      y: [...low, ...high.reverse()], fill: "toself", fillcolor: transparent(colour(rank), 0.12 + 0.12 * at), mode: "lines",
      line: { width: 0 }, hoverinfo: "skip",
    };
  });

  const drawOne = () => {
    const shown = current(), at = Number(origin.value), first = shown.origins[at];
    if (first === undefined) {
      plot(section.querySelector("[data-view=one]"), [], { xaxis: {}, yaxis: {} });
      find("scores").textContent = "No origin of this regime is shown.";
      return;
    }
    const rows = [at * data.horizon, (at + 1) * data.horizon];
    const days = Array.from({ length: data.horizon }, (_, ahead) => iso(first, ahead));
    const last = days[days.length - 1];
    const actual = actualTrace(first, last, {}).y;
    const traces = [], scores = [];
    models().forEach((name, rank) => {
      const point = shown.forecasts[name].point.slice(...rows);
      traces.push(...bands(name, rank, days, rows));
      traces.push({
        type: "scatter", name, x: days, y: point, mode: "lines+markers",
        line: { color: colour(rank), width: 2.5 }, marker: { color: colour(rank), size: 7 },
      });
      const errors = point.map((value, ahead) => Math.abs(value - actual[ahead]));
      const inside = point.filter((_, ahead) => {
        const forecast = shown.forecasts[name];
        return actual[ahead] >= forecast["lo-80"][rows[0] + ahead] && actual[ahead] <= forecast["hi-80"][rows[0] + ahead];
      }).length;
      const mae = errors.reduce((sum, error) => sum + error, 0) / errors.length;
      scores.push(`${name}: mean absolute error ${format(mae)}, ${inside} of ${data.horizon} days in the 80 % interval`);
    });
    traces.push(actualTrace(iso(first, -CONTEXT), last, { mode: "lines+markers" }));
    find("scores").textContent = `${scores.join("; ")}.`;
    const element = section.querySelector("[data-view=one]");
    const caption = `${models().join(" and ")}: ${first} to ${last}`;
    section.querySelector("[data-caption=one]").textContent = caption;
    element.setAttribute("aria-label", `Actual values and forecasts with intervals of ${caption}`);
    plot(element, traces, {
      xaxis: { type: "date" }, yaxis: { title: { text: unit } },
      shapes: [{ type: "line", x0: first, x1: first, yref: "paper", y0: 0, y1: 1, line: { color: css("--strong"), dash: "dot" } }],
    });
  };

  const drawAll = () => {
    const shown = current(), ahead = Number(day.value) - 1;
    const chosen = shown.origins.map((first, at) => [first, at]).filter(([first]) => inRegime(first));
    const days = chosen.map(([first]) => iso(first, ahead));
    const element = section.querySelector("[data-view=all]");
    const caption = `All ${chosen.length} origins, ${day.value} ${day.value === "1" ? "day" : "days"} ahead: points with 80 % intervals`;
    section.querySelector("[data-caption=all]").textContent = caption;
    element.setAttribute("aria-label", `${caption} of ${models().join(" and ")}, and the actual value of every day`);
    const traces = days.length ? [actualTrace(days[0], days[days.length - 1], { mode: "lines", line: { color: css("--strong"), width: 1 } })] : [];
    models().forEach((name, rank) => {
      const forecast = shown.forecasts[name];
      const values = (key) => chosen.map(([, at]) => forecast[key][at * data.horizon + ahead]);
      const point = values("point"), low = values("lo-80"), high = values("hi-80");
      traces.push({
        type: "scatter", name, x: days, y: point, mode: "markers", marker: { color: colour(rank), size: 7 },
        error_y: {
          type: "data", symmetric: false, array: high.map((value, at) => value - point[at]),
          arrayminus: low.map((value, at) => point[at] - value), color: transparent(colour(rank), 0.55), thickness: 1.5, width: 0,
        },
      });
    });
    plot(element, traces, { xaxis: { type: "date" }, yaxis: { title: { text: unit } } });
  };

  // What the data table below a chart lists: the actual values, and per model the forecast and its 80 % interval.
  const tableRows = (days, indices) => [
    { name: "actual", x: days, y: days.map((date) => current().actual[daysBetween(current().first_day, date)]) },
    ...models().flatMap((name) => [["point", "forecast"], ["lo-80", "80 % low"], ["hi-80", "80 % high"]].map(
      ([key, label]) => ({ name: `${name} ${label}`, x: days, y: indices.map((at) => current().forecasts[name][key][at]) }))),
  ];
  const tables = {
    one: () => {
      const at = Number(origin.value), ahead = [...Array(data.horizon).keys()];
      const days = ahead.map((one) => iso(current().origins[at], one));
      return tableRows(days, ahead.map((one) => at * data.horizon + one));
    },
    all: () => {
      const ahead = Number(day.value) - 1, chosen = [...current().origins.keys()].filter((at) => inRegime(current().origins[at]));
      return tableRows(chosen.map((at) => iso(current().origins[at], ahead)), chosen.map((at) => at * data.horizon + ahead));
    },
  };

  const views = { one: drawOne, all: drawAll };
  const visible = new Set();
  const draw = () => visible.forEach((view) => views[view]());
  for (const view of Object.keys(views)) {
    const element = section.querySelector(`[data-view=${view}]`);
    const tools = document.createElement("div");
    tools.className = "chart-tools";
    tools.append(dataTable(element.getAttribute("aria-label"), tables[view], "day", unit));
    element.parentElement.append(tools);
    drawLazily(element, () => { visible.add(view); views[view](); });
  }
  const step = (by) => {
    origin.selectedIndex = Math.max(0, Math.min(origin.options.length - 1, origin.selectedIndex + by));
    draw();
  };
  for (const button of section.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => step(Number(button.dataset.step)));
  }
  for (const control of [series, regime]) control?.addEventListener("change", () => { fillOrigins(); draw(); });
  for (const control of [model, other, origin, day]) control.addEventListener("change", draw);
  fillOrigins();
  for (const controls of section.querySelectorAll(".explorer")) controls.hidden = false;
})();
