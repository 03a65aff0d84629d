// The page's table of pictures: a line for each pair that sees each other. Hidden while there is none.
import { isSeenWell } from "../report.ts";
import type { VideoPairRow } from "../video/video-measurement.ts";
import { element } from "./element.ts";
import { numberText } from "./panels.ts";
import { TableLines } from "./table-lines.ts";
import type { Cell } from "./table-lines.ts";

/** See the header. */
export class VideoTableView {
  readonly #section = element("video");
  readonly #lines = new TableLines(element("video-rows"));

  /** Show these rows, in their order; those that concern `self` stand out. */
  show(rows: readonly VideoPairRow[], self: string): void {
    this.#section.hidden = rows.length === 0;
    this.#lines.show(rows, self, cellsOf);
  }
}

function cellsOf(row: VideoPairRow): Cell[] {
  const { decoded, dropped, misread, keyframes, latencyMsP95, avOffsetMs, psnrDb } = row;
  // Of what pages show nobody but the page knows how it should look.
  const grade = psnrDb === null ? "" : isSeenWell(row) ? "good" : "bad";
  return [
    [row.from, ""],
    [row.to, ""],
    [String(decoded), "number"],
    [String(dropped), "number"],
    [String(misread), "number"],
    [String(keyframes), "number"],
    [numberText(latencyMsP95 ?? undefined, 1), "number"],
    [numberText(avOffsetMs ?? undefined, 1), "number"],
    [numberText(psnrDb ?? undefined, 1), `number ${grade}`.trim()],
  ];
}
