/* Small tools for the document. Text always goes in as text: nothing here parses markup. */

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children (nodes or texts). */
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for SVG. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const INVISIBLE =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\p{Surrogate}/gu;

/** `text` with what has no picture of its own written out, as `shell.printable` does. */
export function printable(text) {
  return text.replace(INVISIBLE, (character) => {
    const named = { "\t": "\\t", "\n": "\\n", "\r": "\\r" }[character];
    const code = character.charCodeAt(0);
    if (named) return named;
    return code < 256
      ? `\\x${code.toString(16).padStart(2, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** The last part of a path. */
export function baseName(path) {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1) || path;
}

/** A function that runs `work` once in the next frame, however often it is called before. */
export function oncePerFrame(work) {
  let asked = 0;
  return () => {
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      work();
    });
  };
}

/** Thousands apart, as the reader's language writes them. */
export function count(number) {
  return number.toLocaleString("en");
}
