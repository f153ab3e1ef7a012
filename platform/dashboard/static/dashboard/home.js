// The home: charts of the part that arrives, and a message in place of a part that does not.

import { drawChart } from "./performance.js";

function drawIn(root) {
  if (root.querySelector?.("[data-chart]")) drawChart();
}

function failed(event) {
  const part = event.detail.elt.closest("[data-part]");
  if (!part) return;
  const address = event.detail.pathInfo?.requestPath ?? part.getAttribute("hx-get");
  const title = document.createElement("h2");
  title.textContent = part.dataset.part;
  const head = document.createElement("div");
  head.className = "card-head";
  head.append(title);
  const words = document.createElement("p");
  words.textContent = `${part.dataset.part} could not be loaded.`;
  const again = document.createElement("button");
  again.type = "button";
  again.className = "button";
  again.textContent = "Try again";
  again.addEventListener("click", () => window.htmx.ajax("GET", address, { target: part }));
  const body = document.createElement("div");
  body.className = "part-failed";
  body.setAttribute("role", "alert");
  body.append(words, again);
  part.replaceChildren(head, body);
}

document.addEventListener("htmx:afterSettle", (event) => drawIn(event.detail.target));
for (const name of ["responseError", "sendError", "timeout"]) {
  document.addEventListener(`htmx:${name}`, failed);
}
drawIn(document);
