/* One picture in full: the map, every number, what the scorer was shown. */

import { baseName, count, el, printable } from "./dom.js";
import { mapOver } from "./map.js";

export class Inspector {
  constructor(model) {
    this.model = model;
    this.withMap = true;
    this.box = el("div", { class: "inspector" });
    this.row = undefined;
  }

  show(row) {
    if (row === this.row) return;
    this.row = row;
    if (row === null) {
      this.box.replaceChildren(el("p", { class: "soft" }, "No picture is chosen."));
      return;
    }
    this.box.replaceChildren(
      this.#picture(), this.#headline(), this.#path(), ...this.#families(), ...this.#evidence(),
      this.#numbers(),
    );
  }

  #picture() {
    const { model, row } = this;
    const source = model.thumbnail(row);
    const frame = el("div", { class: "large" });
    frame.style.aspectRatio = `${model.value("width", row)} / ${model.value("height", row)}`;
    if (source) frame.append(el("img", { src: source, alt: `Thumbnail of ${baseName(printable(model.value("image", row)))}` }));
    if (model.cells(row).length === 0) return frame;
    const map = mapOver(model, row, true);
    map.toggleAttribute("hidden", !this.withMap);
    frame.append(map);
    const box = el("input", { type: "checkbox" });
    box.checked = this.withMap;
    box.addEventListener("change", () => {
      this.withMap = box.checked;
      map.toggleAttribute("hidden", !this.withMap);
    });
    const ramp = el("span", { class: "ramp", "aria-hidden": "true" });
    ramp.style.background = `linear-gradient(to right, ${[0, 25, 50, 75, 100].map((s) => model.colour(s)).join(", ")})`;
    return el("figure", {}, frame,
      el("figcaption", { class: "soft" },
        el("label", { class: "check" }, box, " map"),
        el("span", { class: "legend" }, "0 ", ramp, " 100"),
        el("span", {}, "enlarged thumbnail")));
  }

  #headline() {
    const { model, row } = this;
    const number = el("span", { class: "score" }, model.value("score", row).toFixed(1));
    number.style.borderColor = model.colour(model.value("score", row));
    return el("div", { class: "headline" }, number,
      el("div", {},
        el("div", {}, model.verdict(row)),
        el("div", { class: "soft" },
          `95 % interval ${model.value("low", row).toFixed(1)}–${model.value("high", row).toFixed(1)}`)));
  }

  #families() {
    const { model, row } = this;
    if (!model.problem(row)) return [];
    const bars = [...model.families]
      .sort((a, b) => model.value(b, row) - model.value(a, row))
      .map((family) => {
        const share = model.value(family, row);
        const bar = el("span", { class: "bar chosen" });
        bar.style.width = `${share * 100}%`;
        return el("div", { class: "family" },
          el("dt", {}, family),
          el("dd", {}, el("span", { class: "track" }, bar), el("span", { class: "number" }, percent(share))));
      });
    return [el("section", {}, el("h3", {}, "Probability of each problem"), el("dl", { class: "families" }, ...bars))];
  }

  /** What the judge was asked, and what each answer says by itself. */
  #evidence() {
    const asked = this.model.evidence(this.row);
    if (asked.length === 0) return [];
    const lines = asked.map(({ label, value, weight, missing }) => el("div", {},
      el("dt", {}, printable(label)),
      el("dd", {}, missing ? `missing: ${printable(missing)}`
        : `${value === null ? "–" : value.toFixed(1)}, weight ${percent(weight)}`)));
    return [el("section", {}, el("h3", {}, "What the judge said"), el("dl", { class: "numbers" }, ...lines))];
  }

  #numbers() {
    const { model, row } = this;
    const lines = [
      ...(model.problem(row)
        ? [["severity", `${model.value("severity", row).toFixed(1)} of 4 (${model.severityWord(row)})`]]
        : []),
      ["spread", `${model.value("spread", row).toFixed(1)} points`],
      ["size", `${count(model.value("width", row))} × ${count(model.value("height", row))} px`],
      ["file", `${model.text("format", row)}, ${count(model.value("bytes", row))} bytes`],
      ["hash", (model.value("hash", row) ?? "").slice(0, 16)],
      ["notes", model.text("notes", row) || "none"],
      ...this.#shown(),
    ];
    return el("section", {}, el("h3", {}, "Numbers, and what the scorer was shown"),
      el("dl", { class: "numbers" }, ...lines.map(([name, value]) =>
        el("div", {}, el("dt", {}, name), el("dd", {}, printable(String(value)))))));
  }

  /** The recorded view as (name, value); the whole text where it is no JSON object. */
  #shown() {
    const text = this.model.text("view", this.row);
    if (!text) return [];
    try {
      return Object.entries(JSON.parse(text)).map(([name, value]) => [
        `shown: ${printable(name)}`,
        typeof value === "string" ? value : JSON.stringify(value).replaceAll(",", ", "),
      ]);
    } catch {
      return [["shown", text]];
    }
  }

  #path() {
    const path = this.model.value("image", this.row);
    const text = el("bdi", { class: "mono" }, printable(path));
    const copy = el("button", { type: "button" }, "Copy path");
    copy.addEventListener("click", async () => {
      copy.textContent = (await copied(path, text)) ? "Copied" : "Selected: press Ctrl+C";
      setTimeout(() => { copy.textContent = "Copy path"; }, 2000);
    });
    return el("section", { class: "path" }, el("p", {}, text), copy);
  }
}

/** Put `text` on the clipboard; where that is forbidden, select the node that shows it. */
async function copied(text, node) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection().selectAllChildren(node);
    return false;
  }
}

/** Honest at the ends: what is not certain is not called so. */
function percent(share) {
  if (share > 0 && share < 0.01) return "< 1 %";
  if (share < 1 && share > 0.99) return "> 99 %";
  return `${Math.round(share * 100)} %`;
}
