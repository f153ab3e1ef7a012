// Charts of records and backtests: growth in percent, one box each, so that the two never touch.

import { areaLook, besideLook, chartLook, colour, note } from "./charting.js";
import { day, percent } from "./figures.js";

const written = (number) => percent(number, 1, true);
// Further lines of a comparison, distinguished by their dashes as well as by their color.
const LOOKS = [
  { color: "--accent", lineStyle: 0 },
  { color: "--warn-mark", lineStyle: 2 },
  { color: "--gain", lineStyle: 1 },
  { color: "--ink-2", lineStyle: 3 },
];
const drawn = [];

function points(data, line) {
  return data.days
    .map((time, number) => ({ time, value: line.values[number] }))
    .filter((point) => point.value !== null);
}

function lineLook(number) {
  const { color, lineStyle } = LOOKS[number];
  return { ...besideLook(), color: colour(color), lineStyle };
}

function looks(kind, number) {
  if (kind === "compare") return lineLook(number);
  if (number) return besideLook();
  if (kind === "backtest") return { ...besideLook(), color: colour("--ink-3"), lineStyle: 1 };
  return areaLook();
}

function legend(box, data, kind) {
  const keys = data.lines.map((line, number) => {
    const item = document.createElement("span");
    item.className = `chart-key of-${kind} line-${number}`;
    item.textContent = line.name;
    return item;
  });
  document.getElementById(box.dataset.legend).replaceChildren(...keys);
}

function draw(box) {
  const data = JSON.parse(box.dataset.growth);
  const kind = box.dataset.kind;
  const chart = window.LightweightCharts.createChart(box, { ...chartLook(written), autoSize: true });
  const lines = data.lines.map((line, number) => {
    const area = kind === "record" && number === 0;
    const type = area ? window.LightweightCharts.AreaSeries : window.LightweightCharts.LineSeries;
    const series = chart.addSeries(type, looks(kind, number));
    series.setData(points(data, line));
    return series;
  });
  chart.timeScale().fitContent();
  new ResizeObserver(() => chart.timeScale().fitContent()).observe(box);
  legend(box, data, kind);
  note(box, data.days.length < 2 ? "There is only one day so far." : "");
  const said = data.lines.map((line) => {
    const row = points(data, line);
    const last = row[row.length - 1];
    return last ? `${line.name} ${written(last.value)} on ${day(last.time)}` : `${line.name} none`;
  });
  box.setAttribute("aria-label", `${box.dataset.title}: ${said.join("; ")}`);
  drawn.push({ chart, lines, kind });
}

function repaint() {
  for (const { chart, lines, kind } of drawn) {
    chart.applyOptions(chartLook(written));
    lines.forEach((series, number) => series.applyOptions(looks(kind, number)));
  }
}

for (const box of document.querySelectorAll("[data-growth]")) draw(box);
document.addEventListener("theme", repaint);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
