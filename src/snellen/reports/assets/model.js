/* The data of the page: read once, asked by row number. */

export class Model {
  /**
   * data       : what `score_rows.page_data` gives.
   * thumbnails : one base64 JPEG a line, a line a row.
   */
  constructor(data, thumbnails) {
    Object.assign(this, {
      families: data.families,
      severities: data.severities,
      ramp: data.ramp,
      histogram: data.histogram,
      problemCounts: data.problems,
      scored: data.scored,
    });
    this.columns = data.columns;
    this.shared = data.shared;
    this.size = data.columns.image.length;
    // Slices of one text: V8 and SpiderMonkey keep them as views, so that nothing is copied.
    this.thumbnails = thumbnails.split("\n");
    this.searchable = null;
  }

  static async read(document) {
    const block = document.getElementById("thumbnails");
    const thumbnails = block.textContent.trimStart();
    block.remove();
    return new Model(await unpacked(document.getElementById("data").textContent), thumbnails);
  }

  value(column, row) {
    return this.columns[column][row];
  }

  text(column, row) {
    const { texts, at } = this.shared[column];
    return texts[at[row]];
  }

  problem(row) {
    return this.text("problem", row);
  }

  severityGrade(row) {
    return Math.min(4, Math.max(0, Math.round(this.columns.severity[row])));
  }

  severityWord(row) {
    return this.severities[this.severityGrade(row)];
  }

  /** In words: the most probable family and how strong; nothing where the scorer names none. */
  verdict(row) {
    const problem = this.problem(row);
    if (!problem) return "";
    const clean = problem === "clean" && this.severityGrade(row) === 0;
    return clean ? problem : `${problem}, ${this.severityWord(row)}`;
  }

  colour(score) {
    return this.ramp[Math.round(Math.min(100, Math.max(0, score)))];
  }

  /** A `data:` URL, or nothing where the run kept no thumbnail. */
  thumbnail(row) {
    const text = this.thumbnails[row];
    return text ? `data:image/jpeg;base64,${text}` : "";
  }

  /** The map: boxes in pixels of the picture, each with its score. */
  cells(row) {
    return JSON.parse(this.columns.map[row]).map(([x, y, width, height, score]) => (
      { x, y, width, height, score }));
  }

  /** The questions behind the score: label, value, weight, mass, missing. */
  evidence(row) {
    return JSON.parse(this.columns.evidence[row]);
  }

  /** Whether name or notes contain `needle`, which is in lower case. */
  contains(row, needle) {
    this.searchable ??= Array.from({ length: this.size }, (_, i) =>
      `${this.columns.image[i]}\n${this.text("notes", i)}`.toLowerCase(),
    );
    return this.searchable[row].includes(needle);
  }
}

/** What `shell.embed_packed` packed: JSON, gzipped, in base64. */
async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(plain).json();
}
