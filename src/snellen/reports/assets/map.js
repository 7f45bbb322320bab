/* Where it is bad: the cells that the scorer saw, over the picture. */

import { svg } from "./dom.js";

/**
 * An SVG that lies over a picture of the row, cell for cell. Cells that touch are outlined as one
 * block, in the colour of their mean.
 * labelled : write each block's mean beside it, and each cell's score into its tooltip.
 */
export function mapOver(model, row, labelled = false) {
  const width = model.value("width", row);
  const height = model.value("height", row);
  const size = Math.max(width, height) / 24; // of the labels, in pixels of the picture
  const parts = blocksOf(model.cells(row)).flatMap((block) => {
    const cells = block.cells.map((cell) => {
      const tip = labelled ? [svg("title", {}, cell.score.toFixed(1))] : [];
      return svg("rect", { ...boxOf(cell), class: "cell", fill: model.colour(cell.score) }, ...tip);
    });
    const mean = block.cells.reduce((sum, cell) => sum + cell.score, 0) / block.cells.length;
    const outline = [
      // A dark line around the coloured one keeps the block visible on any picture.
      svg("rect", { ...boxOf(block), class: "block-halo" }),
      svg("rect", { ...boxOf(block), class: "block", stroke: model.colour(mean) }),
    ];
    const text = labelled ? [label(block, mean.toFixed(0), size, width, height)] : [];
    return [...cells, ...outline, ...text];
  });
  return svg("svg", {
    class: "map", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true",
  }, ...parts);
}

function boxOf({ x, y, width, height }) {
  return { x, y, width, height };
}

/** Cells gathered into the boxes around those that touch. */
function blocksOf(cells) {
  const blocks = [];
  for (const cell of cells) {
    const block = blocks.find((other) => touches(other, cell));
    if (!block) {
      blocks.push({ ...boxOf(cell), cells: [cell] });
      continue;
    }
    const right = Math.max(block.x + block.width, cell.x + cell.width);
    const bottom = Math.max(block.y + block.height, cell.y + cell.height);
    block.x = Math.min(block.x, cell.x);
    block.y = Math.min(block.y, cell.y);
    block.width = right - block.x;
    block.height = bottom - block.y;
    block.cells.push(cell);
  }
  return blocks;
}

function touches(a, b) {
  return a.x <= b.x + b.width && b.x <= a.x + a.width
    && a.y <= b.y + b.height && b.y <= a.y + a.height;
}

/** In the middle of the block where there is room, else under it, else above it. */
function label(block, text, size, width, height) {
  const inside = block.height >= 1.6 * size && block.width >= 2 * size;
  const under = block.y + block.height + 1.1 * size;
  const y = inside ? block.y + block.height / 2 + 0.36 * size
    : under < height ? under : block.y - 0.4 * size;
  const x = Math.min(width - size, Math.max(size, block.x + block.width / 2));
  return svg("text", { x, y, class: "block-mean", "font-size": size, "stroke-width": size / 5 }, text);
}
