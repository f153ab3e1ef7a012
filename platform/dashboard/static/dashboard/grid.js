// Paste from a spreadsheet: cells fill the grid from the focused one on; rows are added as needed.

const form = document.querySelector("[data-grid]");
const body = form.querySelector("[data-grid-rows]");
const most = Number(form.dataset.rowsMax);

function rows() {
  return [...body.querySelectorAll("tr:not(.grid-note)")];
}

function addRow() {
  const row = rows().at(-1).cloneNode(true);
  row.removeAttribute("class");
  row.querySelector("th").textContent = "";
  for (const input of row.querySelectorAll("input")) input.value = "";
  body.append(row);
}

body.addEventListener("paste", (event) => {
  const text = event.clipboardData.getData("text/plain").replace(/[\r\n]+$/, "");
  if (!/[\t\n]/.test(text)) return;
  event.preventDefault();
  const cells = text.split(/\r?\n/).map((line) => line.split("\t"));
  const start = rows().indexOf(event.target.closest("tr"));
  const column = [...event.target.closest("tr").querySelectorAll("input")].indexOf(event.target);
  cells.forEach((values, down) => {
    if (start + down >= most) return;
    while (rows().length <= start + down) addRow();
    const inputs = rows()[start + down].querySelectorAll("input");
    values.forEach((value, right) => {
      if (inputs[column + right]) inputs[column + right].value = value.trim();
    });
  });
});

body.addEventListener("input", () => {
  const last = rows().at(-1);
  const used = [...last.querySelectorAll("input")].some((input) => input.value);
  if (used && rows().length < most) addRow();
});
