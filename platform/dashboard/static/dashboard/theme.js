// Runs before the first paint: the stored theme, else the system's.
(function () {
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage is switched off: use the system's theme.
  }
})();
