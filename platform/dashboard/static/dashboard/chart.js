// The price chart of one holding. Years are fetched in requests of at most 365 days each.

import { areaLook, chartLook, note } from "./charting.js";
import { day, percent, price, tone } from "./figures.js";

const DAY_MS = 86400000;
const DAYS_PER_REQUEST = 364;
const box = document.getElementById("chart");
const facts = document.getElementById("chart-facts");
const said = document.getElementById("chart-said");
const chooser = document.getElementById("chart-symbol");
const ranges = [...document.querySelectorAll("[data-range-days]")];
const data = JSON.parse(document.getElementById("live-data").textContent);
const forms = new Map(
  data.accounts.flatMap((account) => account.positions).map((form) => [form.symbol, form]),
);
const kept = new Map();
let chart = null;
let series = null;
let shown = [];
let request = 0;

function look() {
  return chartLook((value) => price(value, form()));
}

function form() {
  return forms.get(chooser.value);
}

function isoDay(time) {
  return new Date(time).toISOString().slice(0, 10);
}

async function piece(symbol, from, to) {
  const key = `${symbol} ${from} ${to}`;
  if (!kept.has(key)) {
    const url = `${box.dataset.historyUrl}${encodeURIComponent(symbol)}?from=${from}&to=${to}&interval=1d`;
    const answer = await fetch(url, {
      credentials: "same-origin",
      headers: { Accept: "application/json" },
    });
    if (!answer.ok) throw new Error(`history: ${answer.status}`);
    kept.set(key, (await answer.json()).data);
  }
  return kept.get(key);
}

async function history(symbol, days) {
  const today = Date.now();
  const parts = [];
  for (let end = today; end > today - days * DAY_MS; end -= (DAYS_PER_REQUEST + 1) * DAY_MS) {
    const start = Math.max(end - DAYS_PER_REQUEST * DAY_MS, today - days * DAY_MS);
    parts.unshift(piece(symbol, isoDay(start), isoDay(end)));
  }
  const rows = (await Promise.all(parts)).flat();
  return rows
    .map((row) => ({ time: row.date, value: Number(row.close) }))
    .sort((a, b) => (a.time < b.time ? -1 : 1));
}

function say(symbol) {
  const first = shown[0];
  const last = shown[shown.length - 1];
  const change = ((last.value - first.value) / first.value) * 100;
  const values = shown.map((point) => point.value);
  const low = price(Math.min(...values), form());
  const high = price(Math.max(...values), form());
  const strong = document.createElement("strong");
  strong.textContent = price(last.value, form());
  const moved = document.createElement("span");
  moved.textContent = percent(change, 2, true);
  tone(moved, change);
  const rest = document.createElement("span");
  rest.className = "quiet small";
  rest.textContent = `${day(first.time)} to ${day(last.time)} · low ${low} · high ${high}`;
  facts.replaceChildren(strong, moved, rest);
  const words =
    `${symbol} from ${day(first.time)} to ${day(last.time)}: ${price(first.value, form())} to ` +
    `${price(last.value, form())}, ${percent(change, 2, true)}, low ${low}, high ${high}`;
  box.setAttribute("aria-label", words);
  return words;
}

async function show() {
  const mine = ++request;
  const symbol = chooser.value;
  const days = Number(ranges.find((b) => b.getAttribute("aria-pressed") === "true").dataset.rangeDays);
  box.setAttribute("aria-busy", "true");
  let points;
  try {
    points = await history(symbol, days);
  } catch {
    points = null;
  }
  if (mine !== request) return;
  box.setAttribute("aria-busy", "false");
  shown = points ?? [];
  series.setData(shown.map((point) => ({ ...point }))); // the library changes its input
  if (shown.length) {
    note(box, "");
    chart.applyOptions({ localization: look().localization });
    chart.timeScale().fitContent();
    said.textContent = say(symbol);
  } else {
    facts.replaceChildren();
    box.setAttribute("aria-label", `No price history of ${symbol}`);
    note(box, points ? "No prices in this range." : "The price history could not be loaded.");
  }
}

function build() {
  chart = window.LightweightCharts.createChart(box, { ...look(), autoSize: true });
  series = chart.addSeries(window.LightweightCharts.AreaSeries, areaLook());
}

function repaint() {
  chart.applyOptions(look());
  series.applyOptions(areaLook());
}

// Today's point follows the stream; it is added if the last close is before today.
function follow(event) {
  const update = event.detail.find((item) => item.symbol === chooser.value);
  if (!update || !shown.length) return;
  const time = update.as_of.slice(0, 10);
  const last = shown[shown.length - 1];
  if (time < last.time) return;
  const point = { time, value: Number(update.price) };
  if (time === last.time) shown[shown.length - 1] = point;
  else shown.push(point);
  series.update({ ...point });
  say(chooser.value);
}

for (const button of ranges) {
  button.addEventListener("click", () => {
    for (const other of ranges) other.setAttribute("aria-pressed", String(other === button));
    show();
  });
}
chooser.addEventListener("change", show);
for (const button of document.querySelectorAll("[data-chart-symbol]")) {
  button.addEventListener("click", () => {
    chooser.value = button.dataset.chartSymbol;
    show();
    document.getElementById("chart-title").scrollIntoView({ block: "nearest" });
  });
}
document.addEventListener("theme", repaint);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
document.addEventListener("prices", follow);

build();
show();
