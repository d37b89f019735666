"use strict";
(() => {
  const root = document.documentElement;

  // Theme: the reader's system decides until the button is pressed.
  const theme = document.getElementById("theme");
  theme.addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  // Tables: a head becomes a button that sorts, numbers by data-sort, the rest by text; a cell without a value goes last.
  for (const table of document.querySelectorAll("table.results, table.side")) {
    const body = table.tBodies[0];
    for (const head of table.querySelectorAll("thead th")) {
      const button = document.createElement("button");
      button.className = "sort";
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const descending = head.getAttribute("aria-sort") === "ascending";
        for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", descending ? "descending" : "ascending");
        const keyed = [...body.rows].map((row) => {
          const cell = row.cells[head.cellIndex];
          return { row, number: parseFloat(cell.dataset.sort), text: cell.textContent };
        });
        keyed.sort((a, b) => {
          const order = isNaN(a.number) && isNaN(b.number) ? a.text.localeCompare(b.text)
            : isNaN(a.number) ? Infinity : isNaN(b.number) ? -Infinity : a.number - b.number;
          return Math.abs(order) === Infinity ? order : descending ? -order : order;
        });
        body.append(...keyed.map((item) => item.row));
      });
    }
  }

  for (const button of document.querySelectorAll("button.copy")) {
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.parentElement.querySelector("pre").textContent);
      button.textContent = "copied";
      setTimeout(() => { button.textContent = "copy"; }, 1200);
    });
  }

  // The map: points move between two planes; a point under the pointer lights up with its translations.
  for (const map of document.querySelectorAll(".map")) {
    const svg = map.querySelector(".stage > svg");
    const links = svg.querySelector(".links");
    const reading = map.querySelector(".reading");
    const hint = reading.innerHTML;
    const names = [...map.querySelectorAll(".legend span")];
    let plane = "a";
    const points = [...svg.querySelectorAll(".p")].map((node) => {
      const text = node.firstElementChild.textContent;
      node.firstElementChild.remove(); // the reading pane replaces the native tooltip
      return { node, text, lang: +node.dataset.l, meaning: node.dataset.m,
        a: node.dataset.a.split(",").map(Number), b: node.dataset.b.split(",").map(Number) };
    });
    const group = (meaning) => points.filter((p) => p.meaning === meaning && !p.node.classList.contains("off"));
    const draw = (from, to, name) => {
      const line = document.createElementNS(svg.namespaceURI, "line");
      [line.x1, line.y1, line.x2, line.y2].forEach((side, i) => { side.baseVal.value = [...from, ...to][i]; });
      line.setAttribute("class", `link ${name}`);
      links.append(line);
    };
    const centre = (some) => [0, 1].map((i) => some.reduce((sum, p) => sum + p[plane][i], 0) / some.length);
    const joinChosen = () => {
      links.replaceChildren();
      if (!svg.classList.contains("by-meaning")) return;
      for (let m = 0; m < 8; m++) {
        const some = points.filter((p) => p.node.classList.contains(`m${m}`) && !p.node.classList.contains("off"));
        for (const p of some) draw(centre(some), p[plane], `m${m}`);
      }
    };
    let lit = null;
    const rest = () => {
      lit = null;
      svg.classList.remove("lit");
      for (const p of points) p.node.classList.remove("on");
      joinChosen();
    };
    const light = (point) => {
      rest();
      lit = point;
      svg.classList.add("lit");
      const some = group(point.meaning);
      for (const p of some) {
        p.node.classList.add("on");
        if (p !== point) draw(point[plane], p[plane], "on");
      }
      const list = document.createElement("dl");
      for (const p of [point, ...some.filter((q) => q !== point)]) {
        const term = document.createElement("dt");
        term.textContent = names[p.lang].textContent;
        const said = document.createElement("dd");
        Object.assign(said, { textContent: p.text, lang: names[p.lang].dataset.code, dir: "auto", className: p === point ? "first" : "" });
        list.append(term, said);
      }
      reading.replaceChildren(list);
    };
    for (const point of points) {
      point.node.addEventListener("pointerenter", () => light(point));
      point.node.addEventListener("click", () => light(point));
    }
    svg.addEventListener("pointerleave", rest);
    svg.addEventListener("keydown", (event) => {
      const shown = points.filter((p) => !p.node.classList.contains("off"));
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") { rest(); reading.innerHTML = hint; }
      if (!step || !shown.length) return;
      event.preventDefault();
      light(shown[(shown.indexOf(lit) + step + shown.length) % shown.length]);
    });
    map.addEventListener("change", ({ target }) => {
      if (target.name?.endsWith("-plane")) {
        plane = target.value;
        for (const p of points) p.node.style.transform = `translate(${p[plane][0]}px,${p[plane][1]}px)`;
        links.replaceChildren();
        setTimeout(rest, 900); // join them again where they have come to rest
        return;
      } else if (target.name?.endsWith("-colour")) {
        svg.setAttribute("class", `by-${target.value}`);
      } else {
        for (const p of points) if (p.lang === +target.dataset.lang) p.node.classList.toggle("off", !target.checked);
      }
      rest();
    });
  }
})();
