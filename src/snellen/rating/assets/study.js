// The owner's page: who is how far, whom to look at, what people say so far.

const key = location.pathname.split("/").pop();
const api = `/api/study/${key}`;
const $ = (id) => document.getElementById(id);
const SHOWN = 200; // rows of opinions in the page; the files have all

function cell(tag, content, number = false) {
  const element = document.createElement(tag);
  if (content instanceof Node) element.append(content);
  else element.textContent = content ?? "–";
  if (number) element.className = "number";
  return element;
}

// columns: [heading, row → text or node, is it a number]
function table(element, columns, rows) {
  const head = document.createElement("tr");
  head.append(...columns.map(([name, , number]) => cell("th", name, number)));
  const body = rows.map((row) => {
    const line = document.createElement("tr");
    line.append(...columns.map(([, read, number]) => cell("td", read(row), number)));
    return line;
  });
  element.replaceChildren(head, ...body);
}

function link(url, text) {
  return Object.assign(document.createElement("a"), { href: url, textContent: text });
}

function flags(rater) {
  const element = document.createElement("span");
  element.className = "flag";
  element.textContent = rater.flags.join("; ");
  return element;
}

const two = (value) => (value === null || value === undefined ? "–" : value.toFixed(2));
const of = ([some, all]) => (all ? `${some} of ${all}` : "–");

function student(figures) {
  if (figures.srcc !== undefined) {
    const more = figures.more ? `; about ${figures.more} more pictures would make that ±0.02` : "";
    return `The scorer, taught by ${figures.pictures} rated pictures, ranks pictures it has not seen with SRCC ${two(figures.srcc)} (${two(figures.low)} to ${two(figures.high)})${more}.`;
  }
  return `The scorer: ${figures.reason ?? "…"}.`;
}

async function refresh() {
  const answer = await fetch(api);
  if (!answer.ok) {
    $("about").textContent = "The study cannot be reached. Is it still running?";
    return;
  }
  const told = await answer.json();
  const pairs = told.task === "pairs";
  $("about").textContent = `${told.n} ${pairs ? "pairs" : "pictures"} of ${told.pictures} pictures, on ${pairs ? "which of two is better" : "five levels"}.`;
  $("student").textContent = student(told.figures) + (told.figures.working ? " (working …)" : "");
  table($("raters"), [
    ["rater", (r) => link(r.link, r.name)],
    ["answered", (r) => of([r.done, r.total]), true],
    ["seconds", (r) => (r.seconds === null ? "–" : r.seconds.toFixed(1)), true],
    ["obvious cases right", (r) => of(r.checks), true],
    ["repeats the same", (r) => of(r.repeats), true],
    pairs ? ["left preferred", (r) => two(r.leading), true] : ["SRCC with others", (r) => two(r.others), true],
    ["to look at", flags],
  ], told.raters);
  table($("opinions"), [
    ["picture", (o) => o.image],
    [pairs ? "JOD" : "MOS", (o) => two(o.mos), true],
    ["95 % interval", (o) => (o.low === null ? "–" : `${two(o.low)} to ${two(o.high)}`), true],
    [pairs ? "comparisons" : "votes", (o) => o.n, true],
  ], [...told.opinions].sort((a, b) => a.mos - b.mos).slice(0, SHOWN));
  table($("missing"), [["picture", (m) => m.name], ["why", (m) => m.reason]], told.missing);
  $("left-out").hidden = told.missing.length === 0;
}

async function post(path, body) {
  const answer = await fetch(`${api}/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body ?? {}),
  });
  return answer.json();
}

$("invite").addEventListener("submit", async (event) => {
  event.preventDefault();
  const told = await post("raters", { name: new FormData($("invite")).get("name") });
  if (told.error) $("about").textContent = `${told.error}. ${told.fix}`;
  else $("invite").reset();
  await refresh();
});
$("calibrate").addEventListener("click", async () => {
  $("calibrate").disabled = true;
  $("calibrated").textContent = "working …";
  const told = await post("calibrate");
  $("calibrated").textContent = told.error ? `${told.error}. ${told.fix}` : told.said;
  $("calibrate").disabled = false;
});
const FILES = [["votes.csv", "every answer"], ["mos.csv", "one row a picture"], ["label-studio.json", "Label Studio"], ["fiftyone.jsonl", "FiftyOne"]];
$("exports").append(...FILES.flatMap(([name, what]) => [link(`${api}/export/${name}`, name), ` ${what}   `]));

await refresh();
setInterval(refresh, 5000);
