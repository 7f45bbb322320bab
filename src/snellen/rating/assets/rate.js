// The rater's page. What is shown comes from the server; an answer is shown as kept only once the
// server says that it is on the disk, and until then it stays here and can be sent again.

const token = location.pathname.split("/").pop();
const api = `/api/r/${token}`;
const $ = (id) => document.getElementById(id);
const screens = ["loading", "conditions", "pause", "finished", "problem", "stage"];

const PAIR_ANSWERS = [
  { value: "first", word: "Left is better", key: "←" },
  { value: "same", word: "The same", key: "↓" },
  { value: "second", word: "Right is better", key: "→" },
];
const KEYS = { ArrowLeft: "first", ArrowRight: "second", ArrowDown: "same" };

let study = null; // task, levels
let step = null; // what the server wants next
let shownAt = null; // when the pictures of this trial were all there, by the page's own clock
let round = null; // of the last trial, to know when one ends
let busy = false;
let again = null; // what "Try again" does

function show(name) {
  for (const screen of screens) $(screen).hidden = screen !== name;
  const first = $(name).querySelector("select, button.primary");
  if (first && name !== "stage") first.focus();
}

async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const answer = await fetch(path, options);
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem(told.error ?? told.detail ?? `the server said ${answer.status}`, told.fix ?? "");
  return told;
}

class Problem extends Error {
  constructor(message, fix) {
    super(message);
    this.fix = fix;
  }
}

// Runs `work`; where it fails the reason is shown, and "Try again" runs it again.
async function attempt(work) {
  if (busy) return;
  busy = true;
  try {
    await work();
  } catch (error) {
    const ours = error instanceof Problem;
    $("problem-text").textContent = ours ? error.message : "The server cannot be reached.";
    $("problem-fix").textContent = ours ? error.fix : "Is it still running? Nothing that was confirmed is lost.";
    again = work;
    show("problem");
  } finally {
    busy = false;
  }
}

function take(next) {
  step = next;
  const trial = step.trial;
  if (trial === null) {
    list($("finished-figures"), sentences(step.figures));
    show("finished");
    say("Done. Everything is saved.");
    return;
  }
  const before = round;
  round = trial.round;
  if (before === null ? trial.training && step.done === 0 : before !== round) pause(before, trial);
  else stage(trial);
}

function pause(before, trial) {
  const [finished, rounds] = step.rounds;
  if (trial.training) {
    $("pause-title").textContent = "First, three to practise";
    $("pause-text").textContent = "They show how good and bad pictures here can be. These answers do not count.";
    list($("pause-figures"), []);
  } else if (before < 0) {
    $("pause-title").textContent = "Now it counts";
    $("pause-text").textContent = `${step.total} pictures${study.task === "pairs" ? " to compare" : ""}, in rounds of about ten. Some come twice.`;
    list($("pause-figures"), []);
  } else {
    $("pause-title").textContent = `Round ${finished} of ${rounds} is done`;
    $("pause-text").textContent = "Look away from the screen for a moment.";
    list($("pause-figures"), sentences(step.figures));
  }
  show("pause");
}

function sentences(figures) {
  if (!figures) return [];
  const found = [];
  if (figures.repeats) found.push(`You answered ${figures.same} of ${figures.repeats} repeated pictures the same again.`);
  if (figures.others !== null && figures.others !== undefined) found.push(`Your ranking agrees with the others’: SRCC ${figures.others.toFixed(2)}.`);
  const student = figures.student ?? {};
  if (student.srcc !== undefined) {
    found.push(`The scorer that learns from the ratings ranks pictures it has not seen with SRCC ${student.srcc.toFixed(2)} (${student.low.toFixed(2)} to ${student.high.toFixed(2)}).`);
    if (student.more) found.push(`About ${student.more} more pictures would make that ±0.02.`);
  } else if (student.reason) found.push(`The scorer: ${student.reason}.`);
  return found;
}

function list(element, lines) {
  element.replaceChildren(...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
  element.hidden = lines.length === 0;
}

async function stage(trial) {
  shownAt = null;
  const pair = trial.shown.length === 2;
  $("frames").classList.toggle("pair", pair);
  $("question").textContent = pair ? "Which picture has the better quality?" : "How good is the quality of this picture?";
  $("progress").textContent = trial.training ? "practice" : `${step.done + 1} of ${step.total}`;
  $("undo").disabled = !step.can_undo;
  const images = trial.shown.map((shown, side) => {
    const image = new Image();
    image.alt = pair ? (side ? "right picture" : "left picture") : "the picture to rate";
    // One pixel of the picture is one pixel of the screen.
    image.style.width = `${shown.width / devicePixelRatio}px`;
    image.style.height = `${shown.height / devicePixelRatio}px`;
    image.draggable = false;
    image.src = `${api}/${shown.url}`;
    return image;
  });
  $("frames").replaceChildren(...images.map((image, side) => {
    const frame = document.createElement("div");
    frame.className = "frame";
    frame.tabIndex = 0; // a picture larger than the screen is moved with the arrow keys
    frame.setAttribute("role", "region");
    frame.setAttribute("aria-label", image.alt + (pair ? "" : "; scroll to see all of it"));
    frame.dataset.side = side;
    frame.append(image);
    return frame;
  }));
  fit(false);
  answers(false);
  show("stage");
  try {
    await Promise.all(images.map((image) => image.decode()));
  } catch {
    await attempt(async () => {
      const answer = await fetch(images.find((image) => !image.naturalWidth)?.src ?? images[0].src);
      const told = await answer.json().catch(() => ({}));
      throw new Problem(told.error ?? "A picture cannot be shown.", told.fix ?? "");
    });
    again = async () => take(await ask(api));
    return;
  }
  if (step.trial !== trial) return;
  for (const frame of $("frames").children) {
    frame.scrollLeft = (frame.scrollWidth - frame.clientWidth) / 2;
    frame.scrollTop = (frame.scrollHeight - frame.clientHeight) / 2;
  }
  answers(true);
  shownAt = performance.now();
  say(pair ? `Pair ${step.done + 1}` : `Picture ${step.done + 1} of ${step.total}`);
}

function answers(ready) {
  const portrait = matchMedia("(max-width: 640px)").matches;
  const choices = study.task === "acr"
    ? study.levels.map((level) => ({ ...level, key: level.value })).sort((a, b) => a.value - b.value)
    : PAIR_ANSWERS.map((choice) => portrait
      ? { ...choice, word: choice.word.replace("Left is", "Upper is").replace("Right is", "Lower is") }
      : choice);
  if ($("answers").children.length !== choices.length || $("answers").dataset.portrait !== String(portrait)) {
    $("answers").dataset.portrait = String(portrait);
    $("answers").replaceChildren(...choices.map((choice) => {
      const button = document.createElement("button");
      button.dataset.value = choice.value;
      button.append(choice.word, Object.assign(document.createElement("kbd"), { textContent: choice.key, ariaHidden: "true" }));
      button.addEventListener("click", () => answer(choice.value));
      return button;
    }));
  }
  for (const button of $("answers").children) {
    button.disabled = !ready;
    button.classList.remove("kept");
  }
}

function answer(value) {
  if (shownAt === null || busy) return;
  const seconds = (performance.now() - shownAt) / 1000;
  shownAt = null;
  for (const button of $("answers").children) {
    button.classList.toggle("kept", button.dataset.value === value);
    button.disabled = true; // until the server has it
  }
  const said = {
    trial: step.trial.id,
    value,
    seconds,
    window: [innerWidth, innerHeight],
    pixel_ratio: devicePixelRatio,
    fitted: document.body.dataset.fitted === "yes",
  };
  attempt(async () => take(await ask(`${api}/answer`, said)));
}

function undo() {
  attempt(async () => {
    const next = await ask(`${api}/undo`, {});
    round = next.trial?.round ?? null; // no break in front of what is asked again
    take(next);
    say("The last answer is undone.");
  });
}

// Off at each new picture; that it was used is kept with the answer.
function fit(on) {
  $("frames").classList.toggle("fitted", on);
  $("fit").setAttribute("aria-pressed", String(on));
  if (on) document.body.dataset.fitted = "yes";
  else if (shownAt === null) document.body.dataset.fitted = "no";
  for (const [side, frame] of [...$("frames").children].entries()) {
    const shown = step?.trial?.shown[side];
    const image = frame.firstChild;
    image.style.width = on || !shown ? "" : `${shown.width / devicePixelRatio}px`;
    image.style.height = on || !shown ? "" : `${shown.height / devicePixelRatio}px`;
  }
}

function full() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.().catch(() => {});
}

function say(text) {
  $("said").textContent = text;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) {
    if (event.key === "z" && (event.ctrlKey || event.metaKey) && !$("stage").hidden) undo();
    return;
  }
  if (!$("pause").hidden && event.key === " ") {
    event.preventDefault();
    $("go-on").click();
  }
  if ($("stage").hidden) return;
  const value = study.task === "acr" ? (/^[1-5]$/.test(event.key) ? event.key : undefined) : KEYS[event.key];
  if (value !== undefined) {
    event.preventDefault();
    answer(value);
  } else if (event.key === "u" || event.key === "Backspace") undo();
  else if (event.key === "z") fit($("fit").getAttribute("aria-pressed") !== "true");
  else if (event.key === "f") full();
});

$("conditions").addEventListener("submit", (event) => {
  event.preventDefault();
  const chosen = Object.fromEntries(new FormData($("conditions")));
  const screen_ = { size: [screen.width, screen.height], pixel_ratio: devicePixelRatio };
  attempt(async () => take(await ask(`${api}/conditions`, { ...chosen, ...screen_ })));
});
$("go-on").addEventListener("click", () => stage(step.trial));
$("undo").addEventListener("click", undo);
$("undo-last").addEventListener("click", undo);
$("fit").addEventListener("click", () => fit($("fit").getAttribute("aria-pressed") !== "true"));
$("full").addEventListener("click", full);
$("retry").addEventListener("click", () => attempt(again));
addEventListener("resize", () => { if (!$("stage").hidden) answers(shownAt !== null); });

attempt(async () => {
  study = await ask(api);
  if (study.ask_conditions) {
    step = study;
    show("conditions");
  } else take(study);
});
