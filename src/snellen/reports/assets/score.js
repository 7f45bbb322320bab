/* The page of a score run: one state, and the parts that show it. */

import { count, el, oncePerFrame } from "./dom.js";
import { csvOf, download } from "./export.js";
import { Gallery } from "./gallery.js";
import { Inspector } from "./inspector.js";
import { Model } from "./model.js";
import { Distribution, Problems } from "./overview.js";
import { EVERYTHING, orders, select } from "./selection.js";

const byId = (id) => document.getElementById(id);

async function start() {
  const model = await Model.read(document);
  let filter = { ...EVERYTHING };
  let rows = [];
  byId("app").hidden = false;

  const inspector = new Inspector(model);
  const sheet = new Sheet(byId("sheet"), byId("aside"), inspector);
  let current = null;
  const gallery = new Gallery(byId("gallery"), model, {
    chosen(row, how) {
      current = row;
      inspector.show(row);
      if (how !== "focus") sheet.open();
    },
    previewed(row) {
      if (!sheet.narrow) inspector.show(row ?? current);
    },
  });
  sheet.connect(gallery);

  const change = (part) => {
    filter = { ...filter, ...part };
    refresh();
  };
  const distribution = new Distribution(byId("distribution"), model, (low, high) => change({ low, high }));
  const problems = new Problems(byId("problems"), model, (family) => change({ family }));
  const controls = new Controls(model, change);

  const refresh = oncePerFrame(() => {
    rows = select(model, filter);
    distribution.show(filter);
    problems.show(filter);
    controls.show(filter);
    current = gallery.show(rows);
    inspector.show(current);
    byId("nothing").hidden = rows.length > 0;
    byId("count").textContent = `${count(rows.length)} of ${count(model.size)}`;
    byId("download").disabled = rows.length === 0;
  });
  byId("reset").addEventListener("click", () => change(EVERYTHING));
  byId("download").addEventListener("click", () => download(csvOf(model, rows), "snellen-selection.csv"));
  byId("toolbar").addEventListener("submit", (event) => event.preventDefault());
  refresh();
}

/** The toolbar's fields: they tell of a change, and show whatever state there is. */
class Controls {
  constructor(model, change) {
    const option = (value, text) => el("option", { value }, text);
    byId("sort").append(...orders(model).map((order) => option(order.key, order.name)));
    byId("family").append(option("", "any problem"), ...model.families.map((name) => option(name, name)));
    byId("severity").append(option(0, "any severity"),
      ...model.severities.slice(1).map((word, i) => option(i + 1, i < 3 ? `${word} or worse` : word)));
    const on = (id, kind, part) => byId(id).addEventListener(kind, () => change(part(byId(id))));
    on("sort", "change", (field) => ({ sort: field.value }));
    on("family", "change", (field) => ({ family: field.value }));
    on("severity", "change", (field) => ({ severity: Number(field.value) }));
    on("text", "input", (field) => ({ text: field.value.trim() }));
    on("low", "change", (field) => ({ low: field.value === "" ? 0 : Number(field.value) }));
    on("high", "change", (field) => ({ high: field.value === "" ? 100 : Number(field.value) }));
    on("reverse", "click", (field) => ({ reversed: field.getAttribute("aria-pressed") !== "true" }));
  }

  show(filter) {
    for (const id of ["sort", "family", "severity", "low", "high"]) byId(id).value = filter[id];
    if (byId("text").value.trim() !== filter.text) byId("text").value = filter.text;
    byId("reverse").setAttribute("aria-pressed", String(filter.reversed));
  }
}

/** Where the inspector lives: beside the gallery on a wide window, in a dialog on a narrow one. */
class Sheet {
  constructor(dialog, aside, inspector) {
    Object.assign(this, { dialog, aside, inspector });
    this.wide = matchMedia("(min-width: 1000px)");
    this.wide.addEventListener("change", () => this.#place());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
    this.#place();
  }

  get narrow() {
    return !this.wide.matches;
  }

  connect(gallery) {
    const button = (text, work) => {
      const node = el("button", { type: "button" }, text);
      node.addEventListener("click", work);
      return node;
    };
    this.bar = el("div", { class: "sheet-bar" },
      button("Previous", () => gallery.step(-1)), button("Next", () => gallery.step(1)),
      button("Close", () => this.dialog.close()));
    this.dialog.addEventListener("close", () => gallery.focus());
    this.dialog.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by) gallery.step(by);
    });
    this.dialog.prepend(this.bar);
  }

  open() {
    if (this.narrow && !this.dialog.open) this.dialog.showModal();
  }

  #place() {
    if (!this.narrow && this.dialog.open) this.dialog.close();
    (this.narrow ? this.dialog : this.aside).append(this.inspector.box);
  }
}

start().catch((error) => {
  byId("broken").hidden = false;
  throw error; // to the console, for whoever is to mend it
});
