// The order sheet: how many rows are ticked, and copying the orders as text.

for (const form of document.querySelectorAll("[data-sheet]")) {
  const ticks = form.querySelectorAll("[data-tick]");
  const button = form.querySelector("[data-record-count]");
  const follow = () => {
    const count = [...ticks].filter((tick) => tick.checked).length;
    button.textContent = `Record ${count} trade${count === 1 ? "" : "s"}`;
    button.disabled = count === 0;
  };
  form.addEventListener("change", follow);
  follow();
}

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = "Copied";
    } catch {
      // The browser does not allow it: the text is selected, for the keyboard's own copy.
      field.focus();
      field.select();
    }
  });
}
