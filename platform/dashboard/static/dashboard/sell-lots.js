// The units chosen so far, beside the heading. The figures of the sale come from the preview.

const form = document.querySelector("[data-lot-sale]");
const total = form.querySelector("[data-lot-total]");

function follow() {
  let units = 0;
  for (const input of form.querySelectorAll("[data-lot]")) {
    const text = input.value.trim().toLowerCase();
    const value = text === "all" ? Number(input.dataset.lot) : Number(text.replaceAll(",", ""));
    if (Number.isFinite(value)) units += value;
  }
  total.textContent = units ? `${+units.toFixed(8)} chosen` : "";
}

form.addEventListener("input", follow);
follow();
