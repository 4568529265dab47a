// What every page can do without which it would still work: switch colours, copy commands, submit a changed choice.
(() => {
  const root = document.documentElement;

  const toggle = document.querySelector("[data-toggle-theme]");
  if (toggle) {
    toggle.hidden = false;
    toggle.addEventListener("click", () => {
      const next = root.dataset.theme === "dark" ? "light" : "dark";
      root.dataset.theme = next;
      try { localStorage.setItem("weighbridge-theme", next); } catch { /* then only this page remembers */ }
    });
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.parentElement.querySelector("pre").textContent.trim());
      button.dataset.done = "";
      setTimeout(() => delete button.dataset.done, 1500);
    });
  }

  for (const field of document.querySelectorAll("[data-submit]")) {
    field.addEventListener("change", () => field.form.requestSubmit());
  }

  // A click on a tensor's area in the map (weighbridge.figures) leads to its page.
  document.addEventListener("wb:tensor", ({ detail }) => {
    const address = new URL(location.pathname, location.origin);
    address.searchParams.set("name", detail);
    location.assign(address);
  });

  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
  });
})();
