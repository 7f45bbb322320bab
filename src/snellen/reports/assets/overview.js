/* The distribution of scores, to be brushed, and the problems, to be clicked. */

import { count, el, svg } from "./dom.js";
import { binned, problemsOf } from "./selection.js";

const HEIGHT = 100; // of the plot in its own units; the style sheet decides the real one

export class Distribution {
  /** choose(low, high): called with the range while it is dragged. */
  constructor(box, model, choose) {
    this.model = model;
    this.choose = choose;
    this.step = 100 / model.histogram.length;
    this.most = Math.max(...model.histogram, 1);
    this.bars = model.histogram.map((all, bin) => this.#bar(all, bin));
    const shape = svg("svg", {
      viewBox: `0 0 100 ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true",
    }, ...this.bars.flatMap((bar) => [bar.all, bar.chosen]));
    this.range = el("div", { class: "brush" });
    this.plot = el("div", { class: "plot" }, shape, this.range);
    this.readout = el("p", { class: "soft readout" });
    const labels = [0, 20, 40, 60, 80, 100].map((at) => {
      const label = el("span", {}, String(at));
      label.style.left = `${at}%`;
      return label;
    });
    box.append(this.plot, el("div", { class: "ticks", "aria-hidden": "true" }, ...labels), this.readout);
    this.#listen();
  }

  show(filter) {
    const bins = binned(this.model, filter);
    this.bars.forEach((bar, bin) => {
      this.#raise(bar.chosen, bins[bin]);
      const inside = (bin + 1) * this.step > filter.low && bin * this.step < filter.high;
      bar.chosen.setAttribute("fill-opacity", inside ? 1 : 0.3);
    });
    this.counts = bins;
    this.whole = filter.low <= 0 && filter.high >= 100;
    this.range.hidden = this.whole;
    this.range.style.left = `${filter.low}%`;
    this.range.style.width = `${Math.max(0, filter.high - filter.low)}%`;
    this.#say();
  }

  #bar(all, bin) {
    const box = { x: bin * this.step + 0.1, width: this.step - 0.2 };
    const bar = {
      all: svg("rect", { ...box, class: "all" }),
      chosen: svg("rect", { ...box, fill: this.model.colour((bin + 0.5) * this.step) }),
    };
    this.#raise(bar.all, all);
    return bar;
  }

  #raise(bar, number) {
    // A single picture among thousands is still seen: no bar is under one unit.
    const height = number ? Math.max(1, (number / this.most) * HEIGHT) : 0;
    bar.setAttribute("y", HEIGHT - height);
    bar.setAttribute("height", height);
  }

  #listen() {
    let from = null;
    const binAt = (event) => {
      const { left, width } = this.plot.getBoundingClientRect();
      const share = (event.clientX - left) / width;
      return Math.min(this.bars.length - 1, Math.max(0, Math.floor(share * this.bars.length)));
    };
    this.plot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      from = binAt(event);
      this.plot.setPointerCapture(event.pointerId);
      this.#drag(from, from);
    });
    this.plot.addEventListener("pointermove", (event) => {
      const bin = binAt(event);
      if (from !== null) this.#drag(from, bin);
      this.#say(bin);
    });
    const end = () => { from = null; };
    this.plot.addEventListener("pointerup", end);
    this.plot.addEventListener("pointercancel", end);
    this.plot.addEventListener("pointerleave", () => this.#say());
    this.plot.addEventListener("dblclick", () => this.choose(0, 100));
  }

  #drag(a, b) {
    this.choose(Math.min(a, b) * this.step, (Math.max(a, b) + 1) * this.step);
  }

  #say(bin) {
    const clear = this.whole ? "" : " Double-click for all.";
    this.readout.textContent = bin === undefined
      ? `Tallest bar: ${count(this.most)}.${clear}`
      : `${bin * this.step}–${(bin + 1) * this.step}: ${count(this.counts[bin])} chosen of ${count(this.model.histogram[bin])}`;
  }
}

export class Problems {
  /** choose(family): called with the family that was clicked, or "" when it was chosen before. */
  constructor(box, model, choose) {
    this.model = model;
    this.most = Math.max(...model.problemCounts, 1);
    this.rows = model.families.map((family, i) => {
      const all = el("span", { class: "bar all" });
      const chosen = el("span", { class: "bar chosen" });
      const number = el("span", { class: "number" });
      const button = el("button", { type: "button", class: "problem", "aria-pressed": "false" },
        el("span", {}, family), el("span", { class: "track" }, all, chosen), number);
      all.style.width = `${(model.problemCounts[i] / this.most) * 100}%`;
      button.addEventListener("click", () => {
        choose(button.getAttribute("aria-pressed") === "true" ? "" : family);
      });
      return { family, button, chosen, number, all: model.problemCounts[i] };
    });
    box.append(...this.rows.map((row) => row.button));
  }

  show(filter) {
    const counts = problemsOf(this.model, filter);
    for (const row of this.rows) {
      const number = counts[row.family];
      row.chosen.style.width = `${(number / this.most) * 100}%`;
      row.number.textContent = number === row.all ? count(number) : `${count(number)} / ${count(row.all)}`;
      row.button.setAttribute("aria-pressed", String(filter.family === row.family));
    }
  }
}
