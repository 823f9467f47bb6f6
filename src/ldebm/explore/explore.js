"use strict";
// Four forms that ask the server and show its answers. What comes back is put in as text, never as HTML.
(async () => {
  const byId = (id) => document.getElementById(id), error = byId("error"), symbols = new Map();
  const make = (tag, text = "", hue = null) => {
    const made = document.createElement(tag);
    made.textContent = text;
    if (hue !== null) made.style.setProperty("--hue", hue);
    return made;
  };
  const hue = (symbol) => symbols.get(symbol)?.hue ?? 0;
  const name = (symbol) => symbols.get(symbol)?.name ?? `symbol ${symbol}`;
  const share = (probability) => `${Math.round(100 * probability)}%`;
  const said = (text) => Object.assign(make("p", text), { className: "said" });
  const dot = (symbol) => make("i", "", hue(symbol));

  async function ask(question, asked) {
    const answer = await fetch(`/ask/${question}`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(asked),
    });
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.error);
    return found;
  }

  // One form: what it asks, and how the answer is shown. A second press waits until the first is answered.
  function form(question, asked, show) {
    const element = byId(question);
    element.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (element.getAttribute("aria-busy") === "true") return;
      element.setAttribute("aria-busy", "true");
      error.hidden = true;
      try {
        const found = await ask(question, asked());
        byId(`${question}-found`).replaceChildren(...show(found));
        if (byId(`${question}-cut`)) byId(`${question}-cut`).textContent = found.cut;
      } catch (problem) {
        error.textContent = problem instanceof TypeError ? "The explorer does not answer: was it stopped?" : problem.message;
        error.hidden = false;
        error.scrollIntoView({ block: "nearest" });
      }
      element.setAttribute("aria-busy", "false");
    });
  }

  form("read", () => ({ text: byId("text").value }), (found) => {
    const guesses = found.symbols.map((each) => {
      const row = make("p"), bar = make("b", "", hue(each.symbol));
      row.className = "guess";
      bar.style.width = `${100 * each.probability}%`;
      row.append(make("span", name(each.symbol)), bar, make("small", share(each.probability)));
      return row;
    });
    const list = make("ul");
    list.className = "texts";
    list.append(...found.neighbours.map((each) => {
      const row = make("li");
      row.append(dot(each.symbol), make("span", each.text), make("small", ` ${name(each.symbol)}`));
      return row;
    }));
    return [make("h4", "What it is about"), ...guesses, make("h4", "As the model would say it"), said(found.reconstruction),
            make("h4", "Nearest texts"), list];
  });

  let seed = 0; // another press writes other texts
  form("write", () => ({
    symbol: byId("symbol").value === "" ? null : Number(byId("symbol").value), seed: seed++,
    guidance: Number(byId("guidance").value), temperature: Number(byId("temperature").value),
  }), (found) => found.texts.map((text) => make("li", text)));

  form("rewrite", () => ({ text: byId("original").value, symbol: Number(byId("target").value) }), (found) => [
    said(found.text), make("small", `reads so with ${share(found.probability)}`),
  ]);

  form("between", () => ({ first: byId("first").value, second: byId("second").value }), (found) => found.places.map((each) => {
    const row = make("li");
    const energy = each.energy_low === null ? "" : ` · energy ${each.energy_low.toFixed(1)} to ${each.energy_high.toFixed(1)}`;
    row.append(dot(each.symbol), make("span", each.text), make("small", name(each.symbol) + energy));
    return row;
  }));

  for (const id of ["guidance", "temperature"]) {
    byId(id).addEventListener("input", () => { byId(id).nextElementSibling.textContent = byId(id).value; });
  }
  const about = await ask("about", {});
  about.symbols.forEach((each, rank) => {
    symbols.set(each.symbol, { name: each.name, hue: Math.round(rank * 137.508 % 360) });
    for (const id of ["symbol", "target"]) {
      const option = make("option", `${each.name} (${share(each.share)})`);
      option.value = each.symbol;
      byId(id).append(option);
    }
  });
  [byId("text").value, byId("second").value] = about.example;
  byId("first").value = byId("original").value = about.example[0];
  byId("target").selectedIndex = about.symbols.length > 1 ? 1 : 0; // the example's own symbol is the first
  document.body.dataset.ready = "true";
})();
