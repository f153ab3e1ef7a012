// Live values: when a price arrives, every figure that depends on it is recomputed.
//
//   value      quantity * price * rate        rounded to the account's minor unit
//   today      quantity * (price - previous close) * rate
//   weight     value / (sum of values + cash)
//
// The server computes the same in decimals (portfolios/holdings/valuation.py); doubles hold these to the cent.

import { money, percent, price, round, tone } from "./figures.js";
import { currentState, on, subscribe } from "./stream.js";

const data = JSON.parse(document.getElementById("live-data").textContent);
const accounts = data.accounts.map((account) => ({
  ...account,
  cash: Number(account.cash),
  toBase: account.to_base === null ? null : Number(account.to_base),
  positions: account.positions.map((position) => ({
    ...position,
    quantity: Number(position.quantity),
    cost: Number(position.cost_basis),
    rate: position.rate === null ? null : Number(position.rate),
    price: position.price === null ? null : Number(position.price),
    close: position.previous_close === null ? null : Number(position.previous_close),
  })),
}));

const holders = new Map();
for (const account of accounts) {
  for (const position of account.positions) {
    if (!position.feed) continue;
    if (!holders.has(position.symbol)) holders.set(position.symbol, []);
    holders.get(position.symbol).push({ account, position });
  }
}

function write(element, value) {
  if (element && element.textContent !== value) element.textContent = value;
}

function cell(scope, name) {
  return scope?.querySelector(`[data-cell="${name}"]`) ?? null;
}

function toned(element, value, words) {
  if (!element) return;
  write(element, words);
  const target = element.closest("dd") ?? element;
  tone(target, value);
}

function flash(element, up) {
  if (!element) return;
  element.classList.remove("up", "down");
  element.classList.add(up ? "up" : "down");
  requestAnimationFrame(() =>
    requestAnimationFrame(() => element.classList.remove("up", "down")),
  );
}

// A move smaller than a thousandth is no news; cells that flash all the time hide what is.
function isNews(now, before) {
  return before !== undefined && before !== null && Math.abs(now - before) > Math.abs(before) / 1000;
}

function share(part, whole) {
  return whole > 0 ? (part / whole) * 100 : null;
}

function valued(account) {
  let invested = 0;
  let day = 0;
  let cost = 0;
  for (const position of account.positions) {
    const known = position.price !== null && position.rate !== null;
    const exact = known ? position.quantity * position.price * position.rate : null;
    position.value = known ? round(exact, account.decimals) : null;
    position.day =
      known && position.close !== null
        ? round(
            position.quantity * (position.price - position.close) * position.rate,
            account.decimals,
          )
        : null;
    if (!known) continue;
    invested += position.value;
    day += position.day ?? 0;
    cost += position.cost;
  }
  account.total = invested + account.cash;
  account.day = day;
  account.cost = cost;
  account.gain = invested - cost;
}

function showAccount(account) {
  for (const scope of document.querySelectorAll(`[data-live-account="${account.id}"]`)) {
    const total = cell(scope, "total");
    const words = money(account.total, account);
    if (total && total.textContent !== words && total.classList.contains("tick")) {
      if (isNews(account.total, account.shown)) flash(total, account.total > account.shown);
    }
    write(total, words);
    toned(cell(scope, "day"), account.day, money(account.day, account, true));
    const before = account.total - account.day;
    toned(cell(scope, "day_percentage"), account.day, percent(share(account.day, before), 2, true));
    toned(cell(scope, "gain"), account.gain, money(account.gain, account, true));
    const gained = share(account.gain, account.cost);
    toned(cell(scope, "gain_percentage"), account.gain, percent(gained, 2, true));
    if (account.toBase !== null && data.base) {
      write(cell(scope, "base"), money(account.total * account.toBase, data.base));
    }
  }
  account.shown = account.total;
}

function showWeight(scope, weight, end) {
  const box = scope.querySelector(".weight");
  if (!box || weight === null) return false;
  write(cell(box, "weight"), percent(weight, 1));
  const width = Math.min(Math.max((weight / end) * 100, 0), 100);
  box.querySelector("[data-fill]")?.setAttribute("width", `${width.toFixed(3)}%`);
  if (box.dataset.target === undefined) return false;
  const drift = weight - Number(box.dataset.target);
  const out = Math.abs(drift) > Number(box.dataset.threshold);
  box.dataset.out = String(out);
  box.dataset.side = drift > 0 ? "over" : "under";
  write(cell(box, "out"), out ? `, ${box.dataset.side} its band` : "");
  return out;
}

function showRows(account, changed) {
  const table = document.querySelector(`[data-live-rows="${account.id}"]`);
  if (!table) return;
  const end = Number(table.dataset.scaleEnd);
  let outside = 0;
  for (const position of account.positions) {
    const row = table.querySelector(`tr[data-symbol="${CSS.escape(position.symbol)}"]`);
    if (!row) continue;
    const before = changed.get(position.symbol);
    const shown = cell(row, "price");
    const words = position.price === null ? null : price(position.price, position);
    if (words !== null && before !== undefined && shown.textContent !== words) {
      write(shown, words);
      if (isNews(position.price, before)) flash(shown, position.price > before);
    }
    if (position.close) {
      const moved = share(position.price - position.close, position.close);
      toned(cell(row, "price_percentage"), moved, percent(moved, 2, true));
    }
    // A quote of a source goes before an estimate and before an own price.
    const mark = cell(row, "source");
    if (mark && position.quoted) mark.hidden = true;
    const estimated = mark !== null && !mark.hidden && mark.dataset.estimated !== undefined;
    const stale = cell(row, "stale");
    if (stale) stale.hidden = !position.stale || estimated;
    if (position.value !== null) {
      write(cell(row, "value"), money(position.value, account));
      toned(cell(row, "day"), position.day, money(position.day, account, true));
      const gain = position.value - position.cost;
      toned(cell(row, "gain"), gain, money(gain, account, true));
      toned(cell(row, "gain_percentage"), gain, percent(share(gain, position.cost), 2, true));
    }
    const weight = position.value === null ? null : share(position.value, account.total);
    outside += showWeight(row, weight, end) ? 1 : 0;
  }
  const cash = table.querySelector('tr[data-symbol="CASH"]');
  if (cash) outside += showWeight(cash, share(account.cash, account.total), end) ? 1 : 0;
  const count = document.querySelector('[data-live-head] [data-cell="outside"]');
  const words = outside === 1 ? "1 outside its band" : `${outside} outside their bands`;
  write(count, outside ? words : "All within bands");
}

function showRing(account) {
  const box = document.querySelector(`[data-live-ring="${account.id}"]`);
  if (!box) return;
  const weights = new Map(
    account.positions.map((p) => [p.symbol, share(p.value ?? 0, account.total) ?? 0]),
  );
  weights.set("cash", share(account.cash, account.total) ?? 0);
  const circles = [...box.querySelectorAll("circle[data-slice]")];
  const named = new Set(circles.map((circle) => circle.dataset.slice));
  let others = 0;
  for (const [symbol, weight] of weights) if (!named.has(symbol)) others += weight;
  weights.set("other", others);
  let start = 0;
  for (const circle of circles) {
    const weight = weights.get(circle.dataset.slice) ?? 0;
    const part = Math.min(Math.max(weight, 0), 100);
    circle.setAttribute("stroke-dasharray", `${part.toFixed(3)} ${(100 - part).toFixed(3)}`);
    circle.setAttribute("stroke-dashoffset", (-start).toFixed(3));
    start += part;
    const key = CSS.escape(circle.dataset.slice);
    write(box.querySelector(`[data-slice-weight="${key}"]`), percent(weight, 1));
  }
}

function showBase() {
  const scope = document.querySelector("[data-live-base]");
  if (!scope || !data.base) return;
  const sums = { total: 0, day: 0, gain: 0, cost: 0 };
  for (const account of accounts) {
    if (account.toBase === null) continue;
    for (const name of Object.keys(sums)) {
      sums[name] += round(account[name] * account.toBase, data.base.decimals);
    }
  }
  const part = (name) => scope.querySelector(`[data-base="${name}"]`);
  const total = part("total");
  write(total, money(sums.total, data.base));
  toned(part("day"), sums.day, money(sums.day, data.base, true));
  const before = sums.total - sums.day;
  toned(part("day_percentage"), sums.day, percent(share(sums.day, before), 2, true));
  toned(part("gain"), sums.gain, money(sums.gain, data.base, true));
  toned(part("gain_percentage"), sums.gain, percent(share(sums.gain, sums.cost), 2, true));
}

function take(updates) {
  const touched = new Map();
  for (const update of updates) {
    for (const { account, position } of holders.get(update.symbol) ?? []) {
      if (!touched.has(account)) touched.set(account, new Map());
      touched.get(account).set(position.symbol, position.price);
      position.price = Number(update.price);
      position.stale = update.stale;
      position.quoted = true;
    }
  }
  for (const [account, changed] of touched) {
    valued(account);
    showAccount(account);
    showRows(account, changed);
    showRing(account);
  }
  if (touched.size) showBase();
  feedState();
  document.dispatchEvent(new CustomEvent("prices", { detail: updates }));
}

// The stream marks quotes stale when no source confirms them any more.
function feedState() {
  const feed = document.getElementById("feed");
  if (!feed || currentState() !== "live") return;
  const every = accounts.flatMap((account) => account.positions);
  const stale = every.length > 0 && every.every((position) => position.stale);
  feed.dataset.state = stale ? "stale" : "live";
  const words = stale ? "Prices stale" : "Live";
  write(document.getElementById("feed-text"), words);
}

for (const account of accounts) {
  valued(account);
  account.shown = account.total;
}
on("prices", take);
subscribe(holders.keys());
on("state", feedState);
feedState();
