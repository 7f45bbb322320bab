/* The gallery: only the cards in sight exist, however many pictures there are. */

import { baseName, el, oncePerFrame, printable } from "./dom.js";
import { mapOver } from "./map.js";

const CARD = { width: 156, height: 190, gap: 10 };
const OVERSCAN = 2; // rows of cards kept above and below what is in sight
const DWELL = 90; // ms the mouse rests on a card before it is previewed

export class Gallery {
  /**
   * chosen(row, how) : a card was chosen by "focus", "click" or "key" (Enter).
   * previewed(row)   : the mouse rests on a card; null when it left.
   */
  constructor(box, model, { chosen, previewed }) {
    Object.assign(this, { box, model, chosen, previewed });
    this.rows = [];
    this.active = 0; // place in `rows` of the card that has or would get the focus
    this.cards = new Map(); // place → card
    this.spare = [];
    const paint = oncePerFrame(() => this.#paint());
    addEventListener("scroll", paint, { passive: true });
    new ResizeObserver(oncePerFrame(() => this.#layout())).observe(box);
    box.addEventListener("keydown", (event) => this.#key(event));
    this.#listen();
  }

  /** Show these rows; the first becomes the active one. Returns it. */
  show(rows) {
    this.rows = rows;
    this.active = 0;
    for (const place of [...this.cards.keys()]) this.#drop(place);
    this.#layout();
    return rows[0] ?? null;
  }

  /** Go `by` cards further and choose; returns whether there was one. */
  step(by) {
    const place = this.active + by;
    if (place < 0 || place >= this.rows.length) return false;
    this.#activate(place, "key");
    return true;
  }

  focus() {
    this.cards.get(this.active)?.focus({ preventScroll: true });
  }

  #layout() {
    const width = this.box.clientWidth;
    this.columns = Math.max(2, Math.floor((width + CARD.gap) / (CARD.width + CARD.gap)));
    this.cardWidth = (width - (this.columns - 1) * CARD.gap) / this.columns;
    const lines = Math.ceil(this.rows.length / this.columns);
    this.box.style.height = `${Math.max(0, lines * (CARD.height + CARD.gap) - CARD.gap)}px`;
    for (const [place, card] of this.cards) this.#put(card, place);
    this.#paint();
  }

  #paint() {
    const top = this.box.getBoundingClientRect().top;
    const line = CARD.height + CARD.gap;
    const first = Math.max(0, Math.floor(-top / line) - OVERSCAN) * this.columns;
    const last = Math.min(
      this.rows.length, (Math.ceil((innerHeight - top) / line) + OVERSCAN) * this.columns,
    );
    for (const place of [...this.cards.keys()]) {
      // The active card is never taken away: it may hold the focus.
      if ((place < first || place >= last) && place !== this.active) this.#drop(place);
    }
    for (let place = first; place < last; place++) if (!this.cards.has(place)) this.#make(place);
    if (this.rows.length && !this.cards.has(this.active)) this.#make(this.active);
  }

  #make(place) {
    const card = this.spare.pop() ?? newCard();
    const { model } = this;
    const row = this.rows[place];
    const name = printable(model.value("image", row));
    const score = model.value("score", row).toFixed(1);
    const { image, frame, swatch, number, interval, verdict, file } = card.parts;
    frame.querySelector(".map")?.remove();
    image.src = model.thumbnail(row);
    image.hidden = !model.thumbnail(row);
    swatch.style.background = model.colour(model.value("score", row));
    number.textContent = score;
    interval.textContent = `${model.value("low", row).toFixed(0)}–${model.value("high", row).toFixed(0)}`;
    verdict.textContent = model.verdict(row);
    file.textContent = baseName(name);
    card.title = name;
    card.setAttribute("aria-label", `${baseName(name)}: score ${score}, ${model.verdict(row)}`);
    card.setAttribute("aria-posinset", place + 1);
    card.setAttribute("aria-setsize", this.rows.length);
    card.place = place;
    this.#mark(card);
    this.#put(card, place);
    this.cards.set(place, card);
    this.box.append(card);
  }

  #put(card, place) {
    const x = (place % this.columns) * (this.cardWidth + CARD.gap);
    const y = Math.floor(place / this.columns) * (CARD.height + CARD.gap);
    card.style.width = `${this.cardWidth}px`;
    card.style.height = `${CARD.height}px`;
    card.style.transform = `translate(${x}px, ${y}px)`;
  }

  #mark(card) {
    const active = card.place === this.active;
    card.tabIndex = active ? 0 : -1;
    card.setAttribute("aria-selected", String(active));
    if (active) this.#drawMap(card);
  }

  #drop(place) {
    const card = this.cards.get(place);
    card.remove();
    this.cards.delete(place);
    this.spare.push(card);
  }

  #drawMap(card) {
    const { frame } = card.parts;
    const row = this.rows[card.place];
    if (frame.querySelector(".map")) return;
    const map = mapOver(this.model, row);
    // The picture is fitted into its frame; the map is fitted in the same way.
    map.setAttribute("preserveAspectRatio", "xMidYMid meet");
    frame.append(map);
  }

  #listen() {
    const cardOf = (event) => event.target.closest?.(".card");
    let resting = 0;
    this.box.addEventListener("pointerover", (event) => {
      const card = cardOf(event);
      if (!card || event.pointerType === "touch") return;
      this.#drawMap(card);
      clearTimeout(resting);
      resting = setTimeout(() => this.previewed(this.rows[card.place]), DWELL);
    });
    this.box.addEventListener("pointerleave", () => {
      clearTimeout(resting);
      this.previewed(null);
    });
    this.box.addEventListener("click", (event) => {
      const card = cardOf(event);
      if (card) this.#activate(card.place, "click");
    });
    this.box.addEventListener("focusin", (event) => {
      const card = cardOf(event);
      if (card && card.place === this.active) this.chosen(this.rows[card.place], "focus");
    });
  }

  #key(event) {
    const screen = Math.max(1, Math.floor(innerHeight / (CARD.height + CARD.gap)) - 1);
    const far = this.rows.length - 1;
    const by = {
      ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns,
      PageUp: -this.columns * screen, PageDown: this.columns * screen, Home: -far, End: far,
    }[event.key];
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (by !== undefined) {
      event.preventDefault();
      this.#activate(Math.min(far, Math.max(0, this.active + by)), "focus");
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.#activate(this.active, "key");
    }
  }

  #activate(place, how) {
    const before = this.cards.get(this.active);
    this.active = place;
    if (before) this.#mark(before);
    this.#reveal(place);
    this.#mark(this.cards.get(place));
    this.focus();
    this.chosen(this.rows[place], how);
  }

  /** Scroll no further than needed to have the card in sight, under the toolbar. */
  #reveal(place) {
    const line = Math.floor(place / this.columns) * (CARD.height + CARD.gap);
    const top = this.box.getBoundingClientRect().top + line;
    const cover = parseFloat(getComputedStyle(this.box).scrollMarginTop) || 0;
    if (top < cover) scrollBy({ top: top - cover });
    else if (top + CARD.height > innerHeight) scrollBy({ top: top + CARD.height - innerHeight + 8 });
    this.#paint();
  }
}

function newCard() {
  const parts = {
    image: el("img", { alt: "", decoding: "async" }),
    swatch: el("span", { class: "swatch" }),
    number: el("strong"),
    interval: el("span", { class: "soft" }),
    verdict: el("span", { class: "verdict" }),
    file: el("bdi", { class: "file soft" }),
  };
  parts.frame = el("span", { class: "frame" }, parts.image);
  const card = el("div", { class: "card", role: "option" }, parts.frame, parts.swatch,
    el("span", { class: "figures" }, parts.number, parts.interval), parts.verdict, parts.file);
  card.parts = parts;
  return card;
}
