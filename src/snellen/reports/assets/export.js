/* The selection as a table to take away. */

import { el } from "./dom.js";

/** The columns, as in the table of the run; notes are the last. */
function header(model) {
  return ["image", "score", "low", "high", "spread", "severity", "problem", ...model.families,
    "width", "height", "format", "bytes", "hash", "notes"];
}

/** RFC 4180, lines ended by a line feed as in the files that `snellen score -o` writes. */
export function csvOf(model, rows) {
  const names = header(model);
  const cell = (name, row) => {
    const value = name in model.shared ? model.text(name, row) : model.value(name, row);
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = rows.map((row) => names.map((name) => cell(name, row)).join(","));
  return [names.join(","), ...lines, ""].join("\n");
}

/** Offer `text` as a file. */
export function download(text, name) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = el("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
