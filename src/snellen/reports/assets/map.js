/* Where it is bad: the boxes that the scorer saw, over the picture. */

import { svg } from "./dom.js";

/**
 * An SVG that lies over a picture of the row, box for box.
 * labelled : write each box's score into it.
 */
export function mapOver(model, row, labelled = false) {
  const width = model.value("width", row);
  const height = model.value("height", row);
  const size = Math.max(width, height) / 24; // of the labels, in pixels of the picture
  const boxes = model.cells(row).flatMap((cell) => {
    const colour = model.colour(cell.score);
    const place = { x: cell.x, y: cell.y, width: cell.width, height: cell.height };
    // A dark line around the coloured one keeps the box visible on any picture.
    const parts = [
      svg("rect", { ...place, class: "cell-halo" }),
      svg("rect", { ...place, class: "cell-box", fill: colour, stroke: colour }),
    ];
    if (labelled) {
      const x = Math.min(width - size, Math.max(size, cell.x + cell.width / 2));
      const inside = cell.height >= 1.6 * size && cell.width >= 2 * size;
      const under = cell.y + cell.height + 1.1 * size;
      const y = inside ? cell.y + cell.height / 2 + 0.36 * size
        : under < height ? under : cell.y - 0.4 * size;
      parts.push(svg("text", {
        x, y, class: "cell-score", "font-size": size, "stroke-width": size / 5,
      }, cell.score.toFixed(0)));
    }
    return parts;
  });
  return svg("svg", {
    class: "map", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true",
  }, ...boxes);
}
