// The performance chart: value beside the amount paid in, or return beside the benchmark.

import { areaLook, besideLook, chartLook, note } from "./charting.js";
import { day, money, percent } from "./figures.js";

const box = document.getElementById("chart");
const data = JSON.parse(document.getElementById("performance-data").textContent);
const modes = [...document.querySelectorAll("[data-mode]")];
const legend = document.getElementById("chart-legend");
const said = document.getElementById("chart-said");
const written = {
  value: (number) => money(number, data.form),
  return: (number) => percent(number, 2, true),
};
const lines = {
  value: [data.values, data.paid, "Value", "Paid in"],
  return: [data.growth, data.benchmark, "Return", data.benchmark_name],
};
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
  note(box, row.length ? "" : "There is nothing to draw in this period.");
  legend.replaceChildren(entry("main", name), ...(rowBeside.length ? [entry("beside", otherName)] : []));
  const words = [[name, row], [otherName, rowBeside]]
    .filter(([, drawn]) => drawn.length)
    .map(([title, drawn]) => told(title, drawn))
    .join("; ");
  box.setAttribute("aria-label", words || "No chart");
  said.textContent = words;
}

function repaint() {
  chart.applyOptions(chartLook(written[mode]));
  main.applyOptions(areaLook());
  beside.applyOptions(besideLook());
}

for (const button of modes) {
  button.addEventListener("click", () => {
    mode = button.dataset.mode;
    for (const other of modes) other.setAttribute("aria-pressed", String(other === button));
    show();
  });
}
new ResizeObserver(() => chart?.timeScale().fitContent()).observe(box);
document.addEventListener("theme", repaint);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);

chart = window.LightweightCharts.createChart(box, { ...chartLook(written[mode]), autoSize: true });
beside = chart.addSeries(window.LightweightCharts.LineSeries, besideLook());
main = chart.addSeries(window.LightweightCharts.AreaSeries, areaLook());
show();
