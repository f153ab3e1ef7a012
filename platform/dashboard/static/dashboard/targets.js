// The sum of the targets while the user types, and rows added without a round trip.

import { percent } from "./figures.js";

const form = document.querySelector("[data-targets]");
const rows = form.querySelector("[data-target-rows]");
const sum = form.querySelector("[data-sum]");
const state = form.querySelector("[data-sum-state]");
const chooser = document.getElementById("add-symbol");

function number(text) {
  const plain = text.trim().replace("%", "");
  return plain === "" ? 0 : Number(plain);
}

function count() {
  let total = 0;
  let valid = true;
  for (const input of rows.querySelectorAll('[name="target"], [name="threshold"]')) {
    const value = number(input.value);
    const good = Number.isFinite(value) && value >= 0 && value <= 100;
    if (good) input.removeAttribute("aria-invalid");
    else input.setAttribute("aria-invalid", "true");
    valid &&= good;
    // Ten-thousandths are whole numbers, so a sum of exactly 100 is recognized.
    if (input.name === "target") total += Math.round(value * 10000);
  }
  const whole = total === 1000000;
  sum.value = percent(total / 10000, 2);
  state.textContent = !valid ? "not a percentage" : whole ? "adds up" : "must be 100%";
  state.classList.toggle("gain", whole && valid);
  state.classList.toggle("warn", !(whole && valid));
}

function add(event) {
  event.preventDefault();
  const option = chooser.selectedOptions[0];
  if (!option?.value) return;
  const row = rows.querySelector("[data-target-row]").cloneNode(true);
  const [head, now] = row.children;
  head.firstChild.textContent = option.value;
  head.querySelector(".sub").textContent = option.dataset.name;
  head.querySelector("input").value = option.value;
  now.textContent = percent(0, 1);
  for (const input of row.querySelectorAll(".affix input")) {
    input.value = input.name === "target" ? "0" : "5";
    input.setAttribute(
      "aria-label",
      `${input.name === "target" ? "Target" : "Band"} of ${option.value} in percent`,
    );
  }
  const kind = row.querySelector('[name="kind"]');
  kind.value = "absolute";
  kind.setAttribute("aria-label", `What the band of ${option.value} is a percentage of`);
  rows.append(row);
  option.remove();
  count();
  row.querySelector('[name="target"]').focus();
}

form.addEventListener("input", count);
form.querySelector("[data-add]").addEventListener("click", add);
count();
