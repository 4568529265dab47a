// Draws the figures that a page holds as data (weighbridge.figures.embed), in the page's theme. Names come from files
// that anybody may have made: they reach the page only as text, never as markup.
"use strict";
(() => {
  const templates = /* TEMPLATES */ {};
  const config = { responsive: true, displaylogo: false, displayModeBar: false };
  const drawn = new Map(); // plot element -> the function that draws it again
  const dark = matchMedia("(prefers-color-scheme: dark)");

  const theme = () => document.documentElement.dataset.theme || (dark.matches ? "dark" : "light");

  function draw(plot, figure, summary) {
    const redraw = () => Plotly.react(plot, figure.data, { ...figure.layout, template: templates[theme()] }, config);
    const first = !drawn.has(plot);
    drawn.set(plot, redraw);
    plot.setAttribute("aria-label", summary);
    redraw();
    if (first) plot.on("plotly_treemapclick", picked);
  }

  // A click on a tensor's area asks for that tensor; on a group's it zooms, as Plotly does by itself.
  function picked({ points: [{ customdata: name }] }) {
    if (!name) return true;
    document.dispatchEvent(new CustomEvent("wb:tensor", { detail: name }));
    return false;
  }

  function swatch(colour) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 1 1");
    svg.setAttribute("aria-hidden", "true");
    const square = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [name, value] of [["width", "1"], ["height", "1"], ["rx", ".2"], ["fill", colour]]) square.setAttribute(name, value);
    svg.append(square);
    return svg;
  }

  function showLegend(list, entries) {
    list.replaceChildren(...entries.map(([name, colour]) => {
      const item = document.createElement("li");
      item.append(swatch(colour), name);
      return item;
    }));
    list.hidden = entries.length < 2;
  }

  function setUpFigure(element, variants) {
    const plot = element.querySelector(".wb-plot");
    const controls = element.querySelector(".wb-controls");
    const legend = element.querySelector(".wb-legend");
    const buttons = variants.map((variant) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = variant.label;
      button.addEventListener("click", () => show(variant));
      return button;
    });
    function show(variant) {
      buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(variants[index] === variant)));
      draw(plot, variant, variant.summary);
      showLegend(legend, variant.legend);
    }
    if (variants.length > 1) {
      controls.append(...buttons);
      controls.hidden = false;
    }
    show(variants[0]);
  }

  function histogramOf(base, [, low, high, counts], log) {
    const step = (high - low) / counts.length;
    const width = step || Math.max(Math.abs(low) * 1e-3, 1e-12);
    const x = counts.map((_, index) => (step ? low + step * (index + 0.5) : low));
    const yaxis = { ...base.layout.yaxis, type: log ? "log" : "linear" };
    return { data: [{ ...base.data[0], x, y: counts, width }], layout: { ...base.layout, yaxis } };
  }

  function setUpHistograms(element, { rows, figure }) {
    const plot = element.querySelector(".wb-plot");
    const select = element.querySelector("select");
    const log = element.querySelector("[data-wb-log]");
    select.append(...rows.map(([name], index) => new Option(name, String(index))));
    const byName = new Map(rows.map(([name], index) => [name, index]));
    function show() {
      const row = rows[Number(select.value)];
      const pressed = log.getAttribute("aria-pressed") === "true";
      draw(plot, histogramOf(figure, row, pressed), `Histogram of the values of ${row[0]}, from ${row[1]} to ${row[2]}.`);
    }
    select.addEventListener("change", show);
    log.addEventListener("click", () => {
      log.setAttribute("aria-pressed", String(log.getAttribute("aria-pressed") !== "true"));
      show();
    });
    // A page may ask for a tensor's histogram: new CustomEvent("wb:tensor", { detail: name }) on the document.
    document.addEventListener("wb:tensor", ({ detail }) => {
      if (!byName.has(detail)) return;
      select.value = String(byName.get(detail));
      show();
      element.scrollIntoView({ behavior: "smooth", block: "nearest" });
    });
    if (rows.length) show();
  }

  function setUp() {
    for (const element of document.querySelectorAll(".wb-figure")) {
      const data = JSON.parse(element.querySelector('script[type="application/json"]').textContent);
      if (element.dataset.wb === "histograms") setUpHistograms(element, data);
      else setUpFigure(element, data);
    }
  }

  const redrawAll = () => drawn.forEach((redraw) => redraw());
  dark.addEventListener("change", redrawAll);
  new MutationObserver(redrawAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", setUp);
  else setUp();
})();
