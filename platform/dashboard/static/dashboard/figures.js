// The same strings as dashboard/figures.py, so that a live figure never changes its form.

const MINUS = "\u2212";
const UNKNOWN = "\u2013";

function grouped(text) {
  const [whole, rest] = text.split(".");
  const parts = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return rest ? `${parts}.${rest}` : parts;
}

// Halves round away from zero; an offset smaller than any real figure corrects binary fractions like 1.005.
function fixed(value, decimals) {
  const scale = 10 ** decimals;
  return (Math.round(Math.abs(value) * scale * (1 + 1e-14)) / scale).toFixed(decimals);
}

function text(value, { decimals, prefix = "", suffix = "", plus = false }) {
  if (value === null || !Number.isFinite(value)) return UNKNOWN;
  const size = fixed(value, decimals);
  const zero = Number(size) === 0;
  const sign = zero ? "" : value < 0 ? MINUS : plus ? "+" : "";
  return `${sign}${prefix}${grouped(size)}${suffix}`;
}

// Whether amounts are hidden from bystanders on this page.
const HIDDEN = document.documentElement.dataset.private === "true";

export function money(value, { prefix, decimals }, plus = false) {
  if (HIDDEN) return `${prefix}\u2022\u2022\u2022\u2022`;
  return text(value, { prefix, decimals, plus });
}

export function price(value, { prefix, decimals }) {
  const places = Math.abs(value) < 1 ? Math.max(decimals, 4) : decimals;
  return text(value, { prefix, decimals: places });
}

export function percent(value, decimals = 2, plus = false) {
  return text(value, { decimals, suffix: "%", plus });
}

export function round(value, decimals) {
  return value < 0 ? -Number(fixed(value, decimals)) : Number(fixed(value, decimals));
}

export function tone(element, value) {
  element.classList.toggle("gain", value > 0);
  element.classList.toggle("loss", value < 0);
}

export function day(iso) {
  return new Date(`${iso.slice(0, 10)}T00:00:00Z`).toLocaleDateString("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
    timeZone: "UTC",
  });
}
