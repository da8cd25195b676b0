"""
The one script of a page: sorts tables, enlarges figures, opens what is folded before printing.

Python text like the templates: a change of it reruns the rules. A page is whole without it.
"""

SCRIPT = """
"use strict";
(() => {
  const body = (table) => table.tBodies[0];
  const words = (row, column) => row.cells[column].textContent.trim();

  // the first number of a cell as it is written: 1,234.5, −0.3 ± 0.1 m, 1.2 × 10⁻³ stays a word
  function number(text) {
    const found = /^[^0-9−-]{0,3}([−-]?\\d[\\d,]*(?:\\.\\d+)?)(?:[eE]([−+-]?\\d+))?/.exec(text);
    if (!found) return NaN;
    const mantissa = found[1].replace("−", "-").replaceAll(",", "");
    return Number(mantissa + (found[2] ? "e" + found[2].replace("−", "-") : ""));
  }

  const factors = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };
  function value(text) {
    const unit = / ([kMGT]?B)$/.exec(text);
    return number(text) * (unit ? factors[unit[1]] : 1);
  }

  function sort(table, column, downwards) {
    const rows = [...body(table).rows];
    const told = rows.map((row) => words(row, column)).filter((text) => text !== "");
    const date = told.every((text) => /^\\d{1,2} [A-Z][a-z]{2} \\d{4}$/.test(text));
    const key = date ? (text) => Date.parse(text + " UTC") : value;
    const numeric = told.length > 0 && told.filter((text) => !Number.isNaN(key(text))).length * 2 > told.length;
    const sign = downwards ? -1 : 1;
    rows.sort((one, other) => {
      const [a, b] = [words(one, column), words(other, column)];
      if (!numeric) return sign * a.localeCompare(b, "en", { numeric: true });
      const [x, y] = [key(a), key(b)];
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y); // no number: at the end
      return sign * (x - y);
    });
    body(table).append(...rows);
  }

  function sortable(table) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const downwards = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", downwards ? "descending" : "ascending");
        sort(table, column, downwards);
      });
    });
  }

  for (const table of document.querySelectorAll("table")) {
    const plain = table.tHead && table.tBodies.length === 1 && table.tHead.rows.length === 1
      && !table.querySelector("[colspan], [rowspan], tr.group");
    if (plain && body(table).rows.length > 1 && !table.closest(".anatomy")) sortable(table);
  }

  const dialog = document.createElement("dialog");
  dialog.className = "enlarged";
  dialog.setAttribute("aria-label", "figure at full size");
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "Close";
  const frame = document.createElement("div");
  frame.tabIndex = 0;
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", "figure, scrolls with the arrow keys");
  const actual = document.createElement("button");
  actual.type = "button";
  actual.textContent = "Actual size";
  actual.addEventListener("click", () => {
    actual.setAttribute("aria-pressed", String(!frame.classList.toggle("fitted")));
  });
  const buttons = document.createElement("p");
  buttons.append(close, " ", actual);
  dialog.append(buttons, frame);
  document.body.append(dialog);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  for (const image of document.querySelectorAll("figure img")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "enlarge";
    button.title = "show at full size";
    image.replaceWith(button);
    button.append(image);
    button.addEventListener("click", () => {
      frame.replaceChildren(image.cloneNode());
      frame.classList.add("fitted");
      actual.setAttribute("aria-pressed", "false");
      dialog.showModal();
    });
  }

  addEventListener("beforeprint", () => {
    for (const folded of document.querySelectorAll("details")) folded.open = true;
  });

  for (const image of document.querySelectorAll(".card img")) {
    const gone = () => image.closest(".card").classList.add("gone");
    if (image.complete && !image.naturalWidth) gone();
    image.addEventListener("error", gone);
  }
})();
"""
