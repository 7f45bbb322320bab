/* Pictures that are dropped, chosen or pasted are sent one by one; each gets a card with its map. */

import { el, printable } from "./dom.js";
import { mapOver } from "./map.js";

const RAMP = JSON.parse(document.body.dataset.ramp);
const AT_ONCE = 2; // the line of the service is for everybody
const PATIENCE = 20; // times that a picture is sent again while the service is busy

const drop = document.querySelector("#drop");
const choose = document.querySelector("#choose");
const cards = document.querySelector("#cards");
const status = document.querySelector("#status");

const waiting = [];
let working = 0;
let done = 0;
let missing = 0;
let taken = 0;

function take(files) {
  for (const file of files) {
    const card = el("li", { class: "panel card", "aria-busy": "true" });
    const says = el("div", { class: "says" }, el("p", {}, printable(file.name)));
    card.append(says);
    cards.append(card);
    waiting.push({ file, card, says });
    taken += 1;
  }
  work();
}

function work() {
  while (working < AT_ONCE && waiting.length) {
    working += 1;
    score(waiting.shift()).finally(() => {
      working -= 1;
      done += 1;
      work();
    });
  }
  const failed = missing ? `, ${missing} cannot be` : "";
  status.textContent = taken ? `${done - missing} of ${taken} scored${failed}` : "";
}

async function score({ file, card, says }) {
  try {
    const found = await explain(file);
    show(found, file, card, says);
  } catch (error) {
    missing += 1;
    says.append(el("p", { class: "missing" }, printable(error.message)));
  }
  card.removeAttribute("aria-busy");
}

async function explain(file) {
  for (let attempt = 0; ; attempt += 1) {
    const form = new FormData();
    form.append("file", file, file.name);
    const reply = await fetch("/v1/explain", { method: "POST", body: form });
    if (reply.status === 429 && attempt < PATIENCE) {
      const seconds = Number(reply.headers.get("Retry-After")) || 1;
      await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
      continue;
    }
    const said = await reply.json();
    if (!reply.ok) throw new Error(`${said.error}. ${said.fix ?? ""}`);
    return said;
  }
}

function colour(value) {
  return RAMP[Math.round(Math.min(100, Math.max(0, value)))];
}

function show(found, file, card, says) {
  card.style.borderTopColor = colour(found.value);
  const image = el("img", { alt: printable(file.name) });
  const url = URL.createObjectURL(file);
  image.addEventListener("error", () => image.remove()); // a format that this browser cannot show
  image.src = url;
  const model = { value: (name) => found[name], cells: () => found.cells, colour };
  card.prepend(el("div", { class: "frame" }, image, mapOver(model, 0, true)));
  const interval = `${found.low.toFixed(0)}–${found.high.toFixed(0)}`;
  says.append(
    el("p", {}, el("span", { class: "value" }, found.value.toFixed(1)), ` (${interval})`),
    el("p", {}, found.problem && found.problem !== "clean" ? `most likely ${found.problem}` : "nothing stands out"),
    el("p", { class: "soft" }, `${found.width}×${found.height} ${found.format}`),
    ...found.notes.map((note) => el("p", { class: "soft" }, printable(note))),
  );
}

choose.addEventListener("change", () => {
  take(choose.files);
  choose.value = "";
});
addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
addEventListener("dragleave", () => drop.classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  take(event.dataTransfer.files);
});
addEventListener("paste", (event) => take(event.clipboardData.files));
