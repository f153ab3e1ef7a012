// Code of every page: theme, menus, the connection's state, and the notices bell.

import { connect, currentState, on } from "./stream.js";

const THEMES = ["system", "light", "dark"];
const THEME_NAMES = { system: "system", light: "light", dark: "dark" };
const STATE_NAMES = {
  live: "Live",
  connecting: "Connecting",
  stale: "Prices stale",
  "signed-out": "Signed out",
};

function theme() {
  return document.documentElement.dataset.theme ?? "system";
}

function nameTheme(button) {
  button.setAttribute("aria-label", `Color theme: ${THEME_NAMES[theme()]}`);
  button.title = `Theme: ${THEME_NAMES[theme()]}`;
}

for (const button of document.querySelectorAll("[data-theme-toggle]")) {
  nameTheme(button);
  button.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
    if (next === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      if (next === "system") localStorage.removeItem("theme");
      else localStorage.setItem("theme", next);
    } catch {
      // Storage is switched off: the choice applies to this page only.
    }
    nameTheme(button);
    document.dispatchEvent(new CustomEvent("theme"));
  });
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("[data-menu][open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

function showState(state) {
  const feed = document.getElementById("feed");
  if (!feed) return;
  feed.dataset.state = state;
  document.getElementById("feed-text").textContent =
    state === "connecting" && feed.dataset.once ? "Reconnecting" : STATE_NAMES[state];
  if (state === "live") feed.dataset.once = "true";
}

function countNotice(message) {
  const count = document.querySelector("#bell .count");
  if (!count || !message.title) return;
  const unread = Math.min(Number(count.textContent || 0) + 1, 100);
  count.textContent = String(unread);
  count.hidden = false;
  document.querySelector("#bell .hidden-text").textContent = `Notices, ${unread} unread`;
}

// A job's page polls every second; the event only makes it poll at once.
function hurryJob(message) {
  const job = document.querySelector(`[data-job="${CSS.escape(message.job_id ?? "")}"]`);
  if (job) window.htmx.trigger(job, "job-event");
}

if (document.body.dataset.csrfToken) {
  on("state", showState);
  on("notification", countNotice);
  on("notification", hurryJob);
  on("rebalance_complete", countNotice);
  on("rebalance_complete", hurryJob);
  showState(currentState());
  connect();
}

// Fields that apply to some choices only, e.g. a price to a purchase.
for (const chooser of document.querySelectorAll("[data-chooser]")) {
  const form = chooser.closest("form");
  const follow = () => {
    for (const field of form.querySelectorAll("[data-only-for]")) {
      const wanted = field.dataset.onlyFor.split(" ").includes(chooser.value);
      field.hidden = !wanted;
      for (const control of field.querySelectorAll("input, select")) control.disabled = !wanted;
    }
  };
  chooser.addEventListener("change", follow);
  follow();
}
document.querySelector("[data-autofocus-error] [aria-invalid='true']")?.focus();
