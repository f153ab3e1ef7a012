// The performance chart: value beside the amount paid in, or return beside the benchmark.

import { areaLook, besideLook, chartLook, note } from "./charting.js";
import { day, money, percent } from "./figures.js";

let box = null;
let data = null;
let modes = [];
let written = {};
let lines = {};
let chart = null;
let main = null;
let beside = null;
let mode = "value";

function points(column) {
  return data.days
    .map((time, number) => ({ time, value: column[number] }))
    .filter((point) => point.value !== null);
}

function told(name, row) {
  const [first, last] = [row[0], row[row.length - 1]];
  const write = written[mode];
  return `${name} ${write(first.value)} on ${day(first.time)}, ${write(last.value)} on ${day(last.time)}`;
}

function entry(look, name) {
  const item = document.createElement("span");
  item.className = `chart-key ${look}`;
  item.textContent = name;
  return item;
}

function show() {
  const [column, other, name, otherName] = lines[mode];
  const row = points(column);
  const rowBeside = otherName ? points(other) : [];
  chart.applyOptions({ localization: chartLook(written[mode]).localization });
  main.setData(row.map((point) => ({ ...point })));
  beside.setData(rowBeside.map((point) => ({ ...point })));
  chart.timeScale().fitContent();
  const empty = mode === "value" && row.every((point) => !point.value);
  main.applyOptions({ visible: !empty });
  beside.applyOptions({ visible: !empty });
  note(box, empty || !row.length ? "There is nothing to draw in this period." : "");
  document.getElementById("chart-legend").replaceChildren(entry("main", name), ...(rowBeside.length ? [entry("beside", otherName)] : []));
  const words = [[name, row], [otherName, rowBeside]]
    .filter(([, drawn]) => drawn.length)
    .map(([title, drawn]) => told(title, drawn))
    .join("; ");
  box.setAttribute("aria-label", words || "No chart");
  document.getElementById("chart-said").textContent = words;
}

function repaint() {
  if (!chart) return;
  chart.applyOptions(chartLook(written[mode]));
  main.applyOptions(areaLook());
  beside.applyOptions(besideLook());
}

// Draws the chart of the page, also after its part of the page was replaced.
export function drawChart() {
  chart?.remove();
  box = document.getElementById("chart");
  data = JSON.parse(box.dataset.chart);
  written = {
    value: (number) => money(number, data.form),
    return: (number) => percent(number, 2, true),
  };
  lines = {
    value: [data.values, data.paid, "Value", "Paid in"],
    return: [data.growth, data.benchmark, "Return", data.benchmark_name],
  };
  mode = "value";
  modes = [...document.querySelectorAll("[data-mode]")];
  for (const button of modes) {
    button.addEventListener("click", () => {
      mode = button.dataset.mode;
      for (const other of modes) other.setAttribute("aria-pressed", String(other === button));
      show();
    });
  }
  new ResizeObserver(() => chart?.timeScale().fitContent()).observe(box);
  const made = { ...chartLook(written[mode]), autoSize: true };
  chart = window.LightweightCharts.createChart(box, made);
  beside = chart.addSeries(window.LightweightCharts.LineSeries, besideLook());
  main = chart.addSeries(window.LightweightCharts.AreaSeries, areaLook());
  show();
}

document.addEventListener("theme", repaint);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
// The performance page has its chart from the start; the home draws it when its part arrives.
if (document.querySelector("[data-chart][data-draw]")) drawChart();
