"use strict";
// The map: dots on a canvas, which filters, search, pointer and keys act on. Texts enter the page as text, never as HTML.
(() => {
  const points = JSON.parse(document.getElementById("points").textContent);
  const canvas = document.getElementById("canvas"), tip = document.getElementById("tip");
  const search = document.getElementById("search"), count = document.getElementById("count");
  const found = document.getElementById("found"), legend = [...document.querySelectorAll(".legend button")];
  const total = points.text.length, MARGIN = 26, REACH = 14, LISTED = 30, NAMED = 14, CLOSEST = 40;
  const lower = points.text.map((text) => text.toLowerCase());
  const chosen = new Set();
  let view = { zoom: 1, x: 0.5, y: 0.5 }, shown = new Uint8Array(total).fill(1), pointed = -1, drawing = false;

  const place = (i) => {
    const width = canvas.clientWidth - 2 * MARGIN, height = canvas.clientHeight - 2 * MARGIN;
    return [MARGIN + ((points.x[i] / 9999 - view.x) * view.zoom + 0.5) * width,
            MARGIN + (0.5 - (points.y[i] / 9999 - view.y) * view.zoom) * height];
  };
  const colour = (symbol) => {
    const style = getComputedStyle(document.documentElement);
    return `hsl(${points.hue[symbol]} ${style.getPropertyValue("--colour")} ${style.getPropertyValue("--tone")})`;
  };

  function draw() {
    drawing = false;
    const ratio = window.devicePixelRatio || 1, style = getComputedStyle(document.documentElement);
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const radius = Math.min(4.5, Math.max(1.6, 160 / Math.sqrt(total))) * Math.min(1.8, Math.sqrt(view.zoom));
    const colours = Object.fromEntries(Object.keys(points.hue).map((symbol) => [symbol, colour(symbol)]));
    for (const pass of [0, 1]) {
      context.globalAlpha = pass ? 0.72 : 0.07;
      for (let i = 0; i < total; i++) {
        if (shown[i] !== pass) continue;
        const [x, y] = place(i);
        if (x < -9 || y < -9 || x > width + 9 || y > height + 9) continue;
        context.fillStyle = colours[points.symbol[i]];
        context.beginPath();
        context.arc(x, y, radius, 0, 7);
        context.fill();
      }
    }
    context.globalAlpha = 1;
    names(context, style);
    if (pointed >= 0) {
      const [x, y] = place(pointed);
      context.strokeStyle = style.getPropertyValue("--ink");
      context.lineWidth = 2;
      context.beginPath();
      context.arc(x, y, radius + 4, 0, 7);
      context.stroke();
    }
  }

  // Names of the most frequent symbols at the middle of their dots; one that would cover another is left out.
  function names(context, style) {
    const taken = [];
    context.font = "600 13px system-ui, sans-serif";
    context.textAlign = "center";
    context.lineJoin = "round";
    const symbols = chosen.size ? points.order.filter((symbol) => chosen.has(symbol)) : points.order.slice(0, NAMED);
    for (const symbol of symbols) {
      const of = [];
      for (let i = 0; i < total; i++) if (shown[i] && points.symbol[i] === symbol) of.push(place(i));
      if (!of.length) continue;
      const middle = (axis) => of.map((each) => each[axis]).sort((a, b) => a - b)[of.length >> 1];
      const half = context.measureText(points.name[symbol]).width / 2;
      const x = Math.min(canvas.clientWidth - half - 4, Math.max(half + 4, middle(0))), y = middle(1);
      if (taken.some((box) => Math.abs(box[0] - x) < box[2] + half + 12 && Math.abs(box[1] - y) < 17)) continue;
      taken.push([x, y, half]);
      context.strokeStyle = style.getPropertyValue("--card");
      context.lineWidth = 4;
      context.strokeText(points.name[symbol], x, y);
      context.fillStyle = style.getPropertyValue("--ink");
      context.fillText(points.name[symbol], x, y);
    }
  }
  const redraw = () => { if (!drawing) { drawing = true; requestAnimationFrame(draw); } };

  // A symbol is told in words wherever a text stands: colours alone are not for everybody.
  const told = (i) => points.name[points.symbol[i]] + (points.label[i] < 0 ? "" : ` · ${points.labels[points.label[i]]}`);

  function filter() {
    const wanted = search.value.trim().toLowerCase();
    const rows = [];
    for (let i = 0; i < total; i++) {
      shown[i] = (!chosen.size || chosen.has(points.symbol[i])) && lower[i].includes(wanted) ? 1 : 0;
      if (shown[i]) rows.push(i);
    }
    legend.forEach((button) => button.setAttribute("aria-pressed", String(chosen.has(Number(button.dataset.symbol)))));
    const asked = chosen.size || wanted;
    count.textContent = `${rows.length.toLocaleString("en")} of ${total.toLocaleString("en")} texts`;
    found.replaceChildren(...(asked ? rows.slice(0, LISTED) : []).map((i) => {
      const row = document.createElement("li"), dot = document.createElement("i");
      const text = document.createElement("span"), about = document.createElement("small");
      dot.style.setProperty("--hue", points.hue[points.symbol[i]]);
      text.textContent = points.text[i];
      about.textContent = told(i);
      row.append(dot, text, about);
      return row;
    }));
    if (pointed >= 0 && !shown[pointed]) point(-1);
    redraw();
  }

  function point(i) {
    pointed = i;
    tip.hidden = i < 0;
    if (i >= 0) {
      const about = document.createElement("strong"), text = document.createElement("span");
      about.textContent = told(i);
      text.textContent = points.text[i];
      tip.replaceChildren(about, text);
      const [x, y] = place(i);
      tip.style.left = `${Math.max(4, Math.min(x + 14, canvas.clientWidth - tip.offsetWidth - 4))}px`;
      const under = y + 14 + tip.offsetHeight < canvas.clientHeight;
      tip.style.top = `${Math.max(4, under ? y + 14 : y - 14 - tip.offsetHeight)}px`;
    }
    redraw();
  }

  function nearest(x, y) {
    let best = -1, distance = REACH * REACH;
    for (let i = 0; i < total; i++) {
      if (!shown[i]) continue;
      const [px, py] = place(i), away = (px - x) ** 2 + (py - y) ** 2;
      if (away < distance) { distance = away; best = i; }
    }
    return best;
  }

  function zoom(by, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
    const width = canvas.clientWidth - 2 * MARGIN, height = canvas.clientHeight - 2 * MARGIN;
    const to = Math.min(CLOSEST, Math.max(1, view.zoom * by));
    const dx = (x - MARGIN) / width - 0.5, dy = 0.5 - (y - MARGIN) / height;
    view.x += dx / view.zoom - dx / to;
    view.y += dy / view.zoom - dy / to;
    view.zoom = to;
    if (to === 1) view = { zoom: 1, x: 0.5, y: 0.5 };
    canvas.style.touchAction = to === 1 ? "" : "none"; // a finger moves the page past the whole map, and a closer one itself
    point(-1);
  }
  function move(dx, dy) {
    view.x = Math.min(1, Math.max(0, view.x + dx / view.zoom));
    view.y = Math.min(1, Math.max(0, view.y + dy / view.zoom));
    point(-1);
  }
  function all() {
    chosen.clear();
    search.value = "";
    view = { zoom: 1, x: 0.5, y: 0.5 };
    canvas.style.touchAction = "";
    point(-1);
    filter();
  }

  let held = null;
  canvas.addEventListener("pointerdown", (event) => { held = [event.offsetX, event.offsetY]; });
  for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, () => { held = null; });
  canvas.addEventListener("pointermove", (event) => {
    if (held && (event.pointerType === "mouse" || view.zoom > 1)) {
      move((held[0] - event.offsetX) / canvas.clientWidth, (event.offsetY - held[1]) / canvas.clientHeight);
      held = [event.offsetX, event.offsetY];
    } else point(nearest(event.offsetX, event.offsetY));
  });
  canvas.addEventListener("click", (event) => point(nearest(event.offsetX, event.offsetY)));
  canvas.addEventListener("pointerleave", () => point(-1));
  canvas.addEventListener("dblclick", (event) => zoom(2, event.offsetX, event.offsetY));
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && document.activeElement !== canvas) return; // else the page could not be scrolled past the map
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 300), event.offsetX, event.offsetY);
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
    if (steps[event.key]) move(...steps[event.key]);
    else if (event.key === "+" || event.key === "=") zoom(1.5);
    else if (event.key === "-") zoom(1 / 1.5);
    else if (event.key === "Escape" || event.key === "0") all();
    else return;
    event.preventDefault();
  });
  legend.forEach((button) => button.addEventListener("click", () => {
    const symbol = Number(button.dataset.symbol);
    if (!chosen.delete(symbol)) chosen.add(symbol);
    filter();
  }));
  document.querySelectorAll("[data-show]").forEach((button) => button.addEventListener("click", () => {
    all();
    chosen.add(Number(button.dataset.show));
    filter();
    document.getElementById("map").scrollIntoView();
    canvas.focus({ preventScroll: true });
  }));
  document.getElementById("closer").addEventListener("click", () => zoom(1.6));
  document.getElementById("farther").addEventListener("click", () => zoom(1 / 1.6));
  document.getElementById("reset").addEventListener("click", all);
  search.addEventListener("input", filter);
  window.addEventListener("resize", redraw);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  filter();
})();
