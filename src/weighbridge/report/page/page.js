// The table of tensors: searched, sorted, and a few rows at a time, so that 10,000 tensors stay quick.
// Names are foreign: they are set as text, never as markup.
"use strict";
(() => {
  const section = document.getElementById("tensor-section");
  const { rows, values } = JSON.parse(section.querySelector('script[type="application/json"]').textContent);
  const STEP = 50;
  const NAME = 0, SIZE = 3, NOT_FINITE = 9;
  const headings = ["Name", "Type", "Shape", "Size"].concat(values ? ["Min", "Max", "Mean", "Std", "Zeros", "NaN, Inf"] : []);
  const [head, body] = [section.querySelector("thead"), section.querySelector("tbody")];
  const [search, found, more] = [document.getElementById("search"), section.querySelector("output"), document.getElementById("more")];
  let shown = rows, limit = STEP, sortedBy = -1, descending = false;

  function sizeText(bytes) {
    const units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let unit = 0;
    for (; bytes >= (unit ? 999.5 : 1000) && unit < units.length - 1; unit += 1) bytes /= 1000;
    return `${unit ? bytes.toPrecision(3) : bytes} ${units[unit]}`;
  }

  function cell(row, column) {
    const td = document.createElement("td");
    const value = row[column];
    if (column === NAME) {
      td.className = "name";
      if (!values) td.textContent = value;
      else td.append(button(value, () => document.dispatchEvent(new CustomEvent("wb:tensor", { detail: value }))));
    } else if (column < SIZE) td.textContent = value;
    else {
      td.className = "right";
      if (column === SIZE) td.textContent = sizeText(value);
      else td.textContent = value === undefined ? "unread" : value === null ? "–" : String(value);
    }
    return td;
  }

  function button(text, action) {
    const element = document.createElement("button");
    element.type = "button";
    element.textContent = text;
    element.addEventListener("click", action);
    return element;
  }

  function line(row) {
    const tr = document.createElement("tr");
    if (row[NOT_FINITE]) tr.className = "bad";
    tr.append(...headings.map((_, column) => cell(row, column)));
    return tr;
  }

  function render() {
    body.replaceChildren(...shown.slice(0, limit).map(line));
    found.textContent = shown.length === rows.length ? `${rows.length} tensors` : `${shown.length} of ${rows.length} tensors`;
    more.hidden = shown.length <= limit;
  }

  function compare(a, b) {
    const [x, y] = [a[sortedBy], b[sortedBy]];
    if (x === y) return 0;
    if (x === null || x === undefined) return 1;
    if (y === null || y === undefined) return -1;
    return (x < y ? -1 : 1) * (descending ? -1 : 1);
  }

  function refresh() {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    shown = rows.filter((row) => wanted.every((word) => `${row[0]} ${row[1]} ${row[2]}`.toLowerCase().includes(word)));
    if (sortedBy >= 0) shown.sort(compare);
    limit = STEP;
    render();
  }

  function sortBy(column) {
    descending = sortedBy === column ? !descending : column >= SIZE;
    sortedBy = column;
    for (const [index, th] of [...head.querySelectorAll("th")].entries()) {
      if (index === column) th.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else th.removeAttribute("aria-sort");
    }
    refresh();
  }

  const top = document.createElement("tr");
  top.append(...headings.map((heading, column) => {
    const th = document.createElement("th");
    th.scope = "col";
    if (column >= SIZE) th.className = "right";
    th.append(button(heading, () => sortBy(column)));
    return th;
  }));
  head.append(top);
  search.addEventListener("input", refresh);
  more.addEventListener("click", () => { limit += STEP * 10; render(); });
  render();
})();
