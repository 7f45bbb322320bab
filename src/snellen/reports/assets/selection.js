/* Which rows are shown, and in which order. */

export const EVERYTHING = Object.freeze({
  low: 0, high: 100, family: "", severity: 0, text: "", sort: "score", reversed: false,
});

/** The orders there are: key, name, and the first-to-last comparison of two rows. */
export function orders(model) {
  const { columns } = model;
  const rising = (column) => (a, b) => column[a] - column[b];
  const falling = (column) => (a, b) => column[b] - column[a];
  const byName = new Intl.Collator("en", { numeric: true }).compare;
  return [
    { key: "score", name: "score, worst first", compare: rising(columns.score) },
    { key: "severity", name: "severity, worst first", compare: falling(columns.severity) },
    { key: "spread", name: "spread, least certain first", compare: falling(columns.spread) },
    { key: "name", name: "name", compare: (a, b) => byName(columns.image[a], columns.image[b]) },
    ...model.families.map((family) => ({
      key: family, name: `probability of ${family}`, compare: falling(columns[family]),
    })),
  ];
}

/** Whether a row passes the filters; `except` names one (`score` or `family`) that is not asked. */
export function passes(model, row, filter, except = "") {
  const score = model.columns.score[row];
  if (except !== "score" && (score < filter.low || score > filter.high)) return false;
  if (except !== "family" && filter.family && model.problem(row) !== filter.family) return false;
  if (model.severityGrade(row) < filter.severity) return false;
  return !filter.text || model.contains(row, filter.text.toLowerCase());
}

/** Row numbers that pass, in order. */
export function select(model, filter) {
  const rows = [];
  for (let row = 0; row < model.size; row++) if (passes(model, row, filter)) rows.push(row);
  rows.sort(orders(model).find((order) => order.key === filter.sort).compare);
  return filter.reversed ? rows.reverse() : rows;
}

/** Counts of the rows in each bin, over those that pass all filters but that of the score. */
export function binned(model, filter) {
  const bins = new Array(model.histogram.length).fill(0);
  const step = 100 / bins.length;
  for (let row = 0; row < model.size; row++) {
    if (passes(model, row, filter, "score")) {
      bins[Math.min(bins.length - 1, Math.floor(model.columns.score[row] / step))]++;
    }
  }
  return bins;
}

/** Counts of each family, over the rows that pass all filters but that of the family. */
export function problemsOf(model, filter) {
  const counts = Object.fromEntries(model.families.map((family) => [family, 0]));
  for (let row = 0; row < model.size; row++) {
    if (passes(model, row, filter, "family")) counts[model.problem(row)]++;
  }
  return counts;
}
