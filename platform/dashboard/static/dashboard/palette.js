// The command palette and the keys: / or Ctrl-K searches, g and a letter goes to a page, ? shows the keys.

const palette = document.getElementById("palette");
const help = document.getElementById("keys-help");
const input = document.getElementById("palette-q");
const list = document.getElementById("palette-found");
let asked = 0;
let waiting = null;
let gone = false;

function options() {
  return [...list.querySelectorAll("[role=option]")];
}

function select(option) {
  for (const other of options()) other.setAttribute("aria-selected", String(other === option));
  if (option) {
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  } else input.removeAttribute("aria-activedescendant");
}

function step(by) {
  const all = options();
  if (!all.length) return;
  const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
  select(all[(at + by + all.length) % all.length]);
}

function say(words) {
  const line = document.createElement("p");
  line.className = "found-title";
  line.textContent = words;
  list.replaceChildren(line);
}

async function find() {
  const mine = (asked += 1);
  const address = `${palette.dataset.address}?q=${encodeURIComponent(input.value.trim())}`;
  try {
    const answer = await fetch(address, { headers: { "HX-Request": "true" } });
    if (answer.redirected || answer.status === 204) location.assign("/login");
    if (!answer.ok) throw new Error(String(answer.status));
    const found = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== asked) return; // a later question was asked meanwhile
    list.replaceChildren(...found.body.children);
    select(options()[0] ?? null);
    if (!options().length) say("Nothing found.");
  } catch {
    if (mine === asked) say("The search could not be reached. Try again.");
  }
}

function open() {
  if (palette.open) return;
  help?.close();
  palette.showModal();
  input.value = "";
  input.focus();
  find();
}

input.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(find, 120);
});
input.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") step(1);
  else if (event.key === "ArrowUp") step(-1);
  else if (event.key === "Enter") {
    const chosen = options().find((option) => option.getAttribute("aria-selected") === "true");
    chosen?.click();
  } else if (event.key === "Escape") {
    palette.close(); // at once, although a search box would only be emptied
  } else return;
  event.preventDefault();
});
for (const dialog of [palette, help]) {
  // A click outside of the window's content closes it.
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}
for (const opener of document.querySelectorAll("[data-palette]")) {
  opener.addEventListener("click", (event) => {
    event.preventDefault();
    open();
  });
}

function typing(target) {
  return target.closest?.("input, select, textarea, [contenteditable], dialog");
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    open();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (gone) {
    gone = false;
    const link = document.querySelector(`.bar [data-key="${CSS.escape(event.key)}"]`);
    if (link) location.assign(link.getAttribute("href"));
    return;
  }
  if (event.key === "/") open();
  else if (event.key === "?") help.showModal();
  else if (event.key === "g") {
    gone = true; // until the next key, however slow
    return;
  } else if (event.key === "n") document.querySelector("[data-record]")?.click();
  else if (event.key === "h") document.querySelector("[data-privacy] button")?.click();
  else return;
  event.preventDefault();
});
