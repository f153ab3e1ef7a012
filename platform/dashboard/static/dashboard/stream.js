// One WebSocket per page: a ticket, then subscriptions. After a break it reconnects at a random delay.

const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 30000;
const PING_MS = 25000;
const SILENCE_MS = 70000;
const TICKET_MS_MAX = 10000;
const READY_MS_MAX = 15000;
const SYMBOLS_PER_MESSAGE = 500;

const listeners = new Map();
const symbols = new Set();
let socket = null;
let ready = false;
let failures = 0;
let lastSeq = 0;
let heardAt = 0;
let timer = 0;
let state = "connecting";

export function on(type, listener) {
  if (!listeners.has(type)) listeners.set(type, []);
  listeners.get(type).push(listener);
}

export function subscribe(wanted) {
  for (const symbol of wanted) symbols.add(symbol);
  if (ready) ask(wanted);
}

export function currentState() {
  return state;
}

function tell(type, message) {
  for (const listener of listeners.get(type) ?? []) listener(message);
}

function enter(next) {
  if (next === state) return;
  state = next;
  tell("state", next);
}

function address() {
  const { streamUrl, streamPort } = document.body.dataset;
  if (streamUrl) return streamUrl;
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  return `${scheme}://${location.hostname}:${streamPort}/ws/v1/stream`;
}

async function ticket() {
  const answer = await fetch("/api/v1/auth/stream-ticket", {
    method: "POST",
    credentials: "same-origin",
    headers: {
      "X-CSRFToken": document.body.dataset.csrfToken,
      "Content-Type": "application/json",
      Accept: "application/json",
    },
    body: "{}",
    signal: AbortSignal.timeout(TICKET_MS_MAX),
  });
  if (answer.status === 401 || answer.status === 403) return null;
  if (!answer.ok) throw new Error(`ticket: ${answer.status}`);
  return (await answer.json()).ticket;
}

function ask(wanted) {
  const list = [...wanted];
  for (let start = 0; start < list.length; start += SYMBOLS_PER_MESSAGE) {
    const some = list.slice(start, start + SYMBOLS_PER_MESSAGE);
    socket.send(JSON.stringify({ type: "subscribe", symbols: some }));
  }
}

export async function connect() {
  clearTimeout(timer);
  enter("connecting");
  let entry;
  try {
    entry = await ticket();
  } catch {
    return again();
  }
  if (entry === null) return enter("signed-out");
  lastSeq = 0;
  const mine = new WebSocket(address());
  socket = mine;
  // A server that accepts and never answers counts as lost.
  timer = setTimeout(() => mine.close(4000, "not ready"), READY_MS_MAX);
  mine.addEventListener("open", () => {
    if (mine === socket) mine.send(JSON.stringify({ type: "auth", ticket: entry }));
    else mine.close(1000);
  });
  mine.addEventListener("message", (event) => hear(mine, event));
  mine.addEventListener("close", () => {
    if (mine === socket) again();
  });
}

function hear(mine, event) {
  if (mine !== socket) return;
  heardAt = performance.now();
  const message = JSON.parse(event.data);
  if (message.type === "ready") {
    clearTimeout(timer);
    ready = true;
    failures = 0;
    enter("live");
    if (symbols.size) ask(symbols);
  } else if (message.type === "price_batch") {
    // A gap is a lost frame: a new connection begins with a snapshot.
    if (lastSeq && message.seq !== lastSeq + 1) return mine.close(4000, "gap");
    lastSeq = message.seq;
    tell("prices", message.updates);
  } else if (message.type !== "pong") {
    tell(message.type, message);
  }
}

function again() {
  clearTimeout(timer);
  ready = false;
  socket = null;
  enter("connecting");
  failures += 1;
  const most = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(failures, 6));
  timer = setTimeout(connect, most / 2 + Math.random() * (most / 2));
}

setInterval(() => {
  if (!ready) return;
  if (performance.now() - heardAt > SILENCE_MS) socket.close(4000, "silence");
  else socket.send('{"type":"ping"}');
}, PING_MS);

// Somebody looks at the page, or the network is back: do not make them wait for the next attempt.
function atOnce() {
  if (socket === null && state === "connecting" && failures && !document.hidden) connect();
}
window.addEventListener("online", atOnce);
document.addEventListener("visibilitychange", atOnce);

window.addEventListener("pagehide", () => {
  clearTimeout(timer);
  const closing = socket;
  socket = null;
  ready = false;
  // A socket that is still opening ends with the page; closing it here would be an error.
  if (closing?.readyState === WebSocket.OPEN) closing.close(1000);
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) connect();
});
