// The price chart of one holding, from a day in minutes to everything there is, with its volume,
// splits and dividends. Days are fetched in requests of at most 365 days each.

import { areaLook, chartLook, colour, note, volumeLook } from "./charting.js";
import { day, percent, price, tone } from "./figures.js";

const DAY_MS = 86400000;
const DAYS_PER_REQUEST = 364;
// "Everything" is fetched some years at a time, until some have no prices.
const YEARS_AT_ONCE = 5;
const YEARS_MAX = 60;
// More of them are marked without their amounts.
const DIVIDENDS_NAMED_MAX = 8;
const NOTHING = {
  "1m": "No prices by the minute are known. Choose a longer range.",
  "1h": "No prices in this range.",
  "1d": "No prices in this range.",
};
const MARKED = ["split", "stock_dividend"];
const box = document.getElementById("chart");
const facts = document.getElementById("chart-facts");
const said = document.getElementById("chart-said");
const missing = document.getElementById("chart-missing");
const chooser = document.getElementById("chart-symbol");
const ranges = [...document.querySelectorAll("[data-range-days]")];
const data = JSON.parse(document.getElementById("live-data").textContent);
const forms = new Map(
  data.accounts.flatMap((account) => account.positions).map((form) => [form.symbol, form]),
);
// The page of one asset also has the owner's trades in it.
const trades = JSON.parse(document.getElementById("trades-data")?.textContent ?? "[]");
const kept = new Map();
let chart = null;
let series = null;
let volume = null;
let marks = null;
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

async function answer(url) {
  if (!kept.has(url)) {
    const found = await fetch(url, {
      credentials: "same-origin",
      headers: { Accept: "application/json" },
    });
    if (!found.ok) throw new Error(`${url}: ${found.status}`);
    kept.set(url, await found.json());
  }
  return kept.get(url);
}

// All pages of one range, and whether some of its prices cannot be read now.
async function piece(symbol, from, to, interval) {
  const asked = `${box.dataset.historyUrl}${encodeURIComponent(symbol)}?from=${from}&to=${to}&interval=${interval}`;
  const found = { rows: [], dividends: [], away: false };
  for (let cursor = ""; cursor !== null; ) {
    const url = cursor ? `${asked}&cursor=${cursor}` : asked;
    const page = await answer(url);
    found.rows.push(...page.data);
    found.dividends.push(...page.dividends);
    if (page.gaps.some((gap) => gap.reason !== "no_data")) {
      found.away = true;
      kept.delete(url);
    }
    cursor = page.next_cursor;
  }
  return found;
}

// Pieces of a range of days that ends some days ago, the oldest first.
function pieces(symbol, since, until, interval) {
  const parts = [];
  for (let end = until; end > since; end -= (DAYS_PER_REQUEST + 1) * DAY_MS) {
    const start = Math.max(end - DAYS_PER_REQUEST * DAY_MS, since);
    parts.unshift(piece(symbol, isoDay(start), isoDay(end), interval));
  }
  return Promise.all(parts);
}

async function everything(symbol) {
  const step = YEARS_AT_ONCE * (DAYS_PER_REQUEST + 1) * DAY_MS;
  const found = [];
  for (let turn = 0, end = Date.now(); turn < YEARS_MAX / YEARS_AT_ONCE; turn++, end -= step) {
    const parts = await pieces(symbol, end - step, end, "1d");
    found.unshift(...parts);
    if (!parts.some((part) => part.rows.length || part.away)) break;
  }
  return found;
}

async function history(symbol, range) {
  const days = Number(range.dataset.rangeDays);
  const interval = range.dataset.interval;
  const today = Date.now();
  let parts = days
    ? await pieces(symbol, today - days * DAY_MS, today, interval)
    : await everything(symbol);
  // A security without hours is shown by its closes.
  if (interval === "1h" && !parts.some((part) => part.rows.length || part.away))
    parts = await pieces(symbol, today - days * DAY_MS, today, "1d");
  let rows = parts.flatMap((part) => part.rows);
  // One day: the last one that has prices.
  if (interval === "1m" && rows.length) {
    const last = rows[rows.length - 1].date;
    rows = rows.filter((row) => row.date === last);
  }
  const points = rows
    .map((row) => ({
      time: row.at ? Date.parse(row.at) / 1000 : row.date,
      value: Number(row.close),
      volume: row.volume,
    }))
    .sort((a, b) => (a.time < b.time ? -1 : 1));
  const dividends = parts.flatMap((part) => part.dividends);
  return { points, dividends, away: parts.some((part) => part.away) };
}

async function splits(symbol) {
  const url = `${box.dataset.actionsUrl}?symbol=${encodeURIComponent(symbol)}&state=confirmed`;
  const found = await answer(url);
  return found.data.filter((action) => MARKED.includes(action.kind));
}

// Trades of one day are one mark for purchases and one for sales, with the units.
function tradeMarks(place) {
  const sums = new Map();
  for (const one of trades) {
    const time = place(one.date);
    if (!time) continue;
    const key = `${time} ${one.bought}`;
    sums.set(key, { time, bought: one.bought, units: (sums.get(key)?.units ?? 0) + Number(one.quantity) });
  }
  return [...sums.values()].map(({ time, bought, units }) => ({
    time,
    position: bought ? "belowBar" : "aboveBar",
    shape: bought ? "arrowUp" : "arrowDown",
    color: colour(bought ? "--gain" : "--loss"),
    text: `${bought ? "+" : "\u2212"}${units.toLocaleString("en-GB", { maximumFractionDigits: 2 })}`,
  }));
}

// Splits, dividends and trades are marked at the first price from their day on. Returns them in
// words.
function mark(actions, dividends) {
  const daily = shown.length && typeof shown[0].time === "string";
  const place = (exDay) =>
    daily && exDay >= shown[0].time ? shown.find((point) => point.time >= exDay)?.time : undefined;
  const split = actions.filter((action) => place(action.ex_date));
  const paid = dividends.filter((one) => place(one.ex_date));
  const traded = tradeMarks(place);
  const found = [
    ...split.map((action) => ({
      time: place(action.ex_date),
      position: "aboveBar",
      shape: "arrowDown",
      color: colour("--ink-3"),
      text: action.ratio ?? "",
    })),
    ...paid.map((one) => ({
      time: place(one.ex_date),
      position: "belowBar",
      shape: "circle",
      color: colour("--accent"),
      text: paid.length > DIVIDENDS_NAMED_MAX ? "" : Number(one.amount).toLocaleString("en-GB"),
    })),
    ...traded,
  ].sort((a, b) => (a.time < b.time ? -1 : 1));
  marks.setMarkers(found);
  const words = split.map((action) => action.title);
  if (paid.length) words.push(paid.length === 1 ? "1 dividend" : `${paid.length} dividends`);
  if (traded.length) words.push(traded.length === 1 ? "1 own trade" : `${traded.length} own trades`);
  return words;
}

function moment(time) {
  if (typeof time === "string") return day(time);
  const words = { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" };
  return `${new Date(time * 1000).toLocaleString("en-GB", words)} UTC`;
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
  rest.textContent = `${moment(first.time)} to ${moment(last.time)} · low ${low} · high ${high}`;
  facts.replaceChildren(strong, moved, rest);
  const words =
    `${symbol} from ${moment(first.time)} to ${moment(last.time)}: ${price(first.value, form())} to ` +
    `${price(last.value, form())}, ${percent(change, 2, true)}, low ${low}, high ${high}`;
  box.setAttribute("aria-label", words);
  return words;
}

// What is marked in the chart, in words.
let marked = [];

async function show() {
  const mine = ++request;
  const symbol = chooser.value;
  const range = ranges.find((b) => b.getAttribute("aria-pressed") === "true");
  box.setAttribute("aria-busy", "true");
  let found;
  let actions = [];
  try {
    [found, actions] = await Promise.all([history(symbol, range), splits(symbol)]);
  } catch {
    found = null;
  }
  if (mine !== request) return;
  box.setAttribute("aria-busy", "false");
  shown = found?.points ?? [];
  series.setData(shown.map(({ time, value }) => ({ time, value }))); // the library changes its input
  volume.setData(
    shown.filter((point) => point.volume !== null).map((point) => ({ time: point.time, value: point.volume })),
  );
  missing.textContent = found?.away ? "Some older prices cannot be read now." : "";
  marked = mark(actions, found?.dividends ?? []);
  if (shown.length) {
    note(box, "");
    chart.applyOptions({
      localization: look().localization,
      timeScale: { timeVisible: typeof shown[0].time === "number", secondsVisible: false },
    });
    chart.timeScale().fitContent();
    said.textContent = [say(symbol), ...marked, missing.textContent].filter(Boolean).join(". ");
  } else {
    facts.replaceChildren();
    box.setAttribute("aria-label", `No price history of ${symbol}`);
    note(box, found ? NOTHING[range.dataset.interval] : "The price history could not be loaded.");
  }
}

function build() {
  chart = window.LightweightCharts.createChart(box, { ...look(), autoSize: true });
  series = chart.addSeries(window.LightweightCharts.AreaSeries, areaLook());
  marks = window.LightweightCharts.createSeriesMarkers(series, []);
  volume = chart.addSeries(window.LightweightCharts.HistogramSeries, volumeLook());
  volume.priceScale().applyOptions({ scaleMargins: { top: 0.85, bottom: 0 } });
}

function repaint() {
  chart.applyOptions(look());
  series.applyOptions(areaLook());
  volume.applyOptions(volumeLook());
}

// Today's point follows the stream; it is added if the last close is before today.
function follow(event) {
  const update = event.detail.find((item) => item.symbol === chooser.value);
  if (!update || !shown.length) return;
  const last = shown[shown.length - 1];
  if (typeof last.time !== "string") return;
  const time = update.as_of.slice(0, 10);
  if (time < last.time) return;
  const point = { time, value: Number(update.price), volume: null };
  const later = time > last.time;
  if (later) shown.push(point);
  else shown[shown.length - 1] = point;
  series.update({ time, value: point.value });
  const words = say(chooser.value);
  // Screen readers hear of a new day, not of every price.
  if (later) said.textContent = [words, ...marked].join(". ");
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
