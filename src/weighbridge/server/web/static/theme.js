// Runs before the first paint, so that a page never flashes in the wrong colours.
(() => {
  let chosen = null;
  try { chosen = localStorage.getItem("weighbridge-theme"); } catch { /* storage may be refused; the system decides */ }
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.dataset.theme = chosen === "dark" || chosen === "light" ? chosen : system;
})();
