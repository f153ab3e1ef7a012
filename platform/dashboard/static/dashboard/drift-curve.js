// The handle of the drift-against-tax curve: it names a row of the table below it.

const panel = document.querySelector("[data-curve]");
const handle = document.getElementById("curve-handle");
const said = panel.querySelector("[data-curve-said]");
const rest = panel.querySelector("[data-curve-rest]");
const mark = panel.querySelector("[data-curve-mark]");
const button = panel.querySelector("[data-curve-go]");
const rows = [...document.querySelectorAll("[data-curve-row]")];

function show() {
  const { drift, percentage, tax, saved, saves, cost, trades, x } = rows[Number(handle.value)].dataset;
  said.textContent = saves ? `Pay ${saved} less, stay ${percentage} off.` : `Stay ${percentage} off.`;
  rest.textContent = `Tax ${tax}, cost ${cost}, ${trades} ${trades === "1" ? "trade" : "trades"}.`;
  handle.setAttribute("aria-valuetext", `${said.textContent} ${rest.textContent}`);
  mark.setAttribute("x1", x);
  mark.setAttribute("x2", x);
  button.value = drift;
}

panel.hidden = false;
handle.addEventListener("input", show);
show();
