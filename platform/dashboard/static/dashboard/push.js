// Push on this device: asks the browser, and registers or forgets its subscription.

const card = document.getElementById("push");
const button = document.getElementById("push-button");
const state = document.getElementById("push-state");
const supported = "serviceWorker" in navigator && "PushManager" in window;

function bytes(text) {
  const padded = text + "=".repeat((4 - (text.length % 4)) % 4);
  return Uint8Array.from(atob(padded.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
}

async function ask(method, path, body) {
  const answer = await fetch(`/api/v1/push/${path}`, {
    method,
    headers: {
      "Content-Type": "application/json",
      "X-CSRFToken": document.body.dataset.csrfToken,
    },
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) throw new Error((await answer.json()).detail);
  return answer.status === 204 ? null : answer.json();
}

async function current() {
  const worker = await navigator.serviceWorker.getRegistration("/");
  return worker ? worker.pushManager.getSubscription() : null;
}

async function show() {
  const subscription = await current();
  button.textContent = subscription ? "Switch off" : "Switch on";
  button.dataset.on = subscription ? "1" : "";
}

async function switchOn() {
  if ((await Notification.requestPermission()) !== "granted") {
    state.textContent = "Your browser does not allow it. Change that in the settings of this site.";
    return;
  }
  await navigator.serviceWorker.register("/service-worker.js");
  const worker = await navigator.serviceWorker.ready;
  const subscription = await worker.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: bytes(card.dataset.key),
  });
  await ask("POST", "subscriptions", subscription.toJSON());
  state.textContent = "This device takes pushes now.";
}

async function switchOff() {
  const subscription = await current();
  const known = await ask("GET", "subscriptions");
  const mine = known.data.find((row) => row.endpoint === subscription.endpoint);
  if (mine) await ask("DELETE", `subscriptions/${mine.id}`);
  await subscription.unsubscribe();
  state.textContent = "This device takes no more pushes.";
}

if (card && supported) {
  card.hidden = false;
  show();
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await (button.dataset.on ? switchOff() : switchOn());
    } catch (fault) {
      state.textContent = `That did not work: ${fault.message}`;
    }
    button.disabled = false;
    await show();
  });
}
