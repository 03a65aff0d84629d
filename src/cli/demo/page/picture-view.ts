// The pictures of the page: a tile for the visitor and for each peer whose pictures come. Takes facts, changes elements.
import type { VideoPairRow } from "../video/video-measurement.ts";
import { element } from "./element.ts";
import type { Image } from "./page-video.ts";
import { numberText } from "./panels.ts";

/** A picture that is older than this is shown as such, ms. */
const STALE_MS = 2_000;
/** Columns for so many tiles on a wide screen: rows that are full, or nearly so. */
const COLUMNS = [1, 1, 2, 3, 4, 3, 3, 4, 4, 5, 5, 4];

/** One tile. */
interface Tile {
  readonly item: HTMLLIElement;
  readonly canvas: HTMLCanvasElement;
  readonly size: HTMLElement;
  readonly figures: HTMLElement;
  shownMs: number;
}

/** See the header. */
export class PictureView {
  readonly #section = element("pictures");
  readonly #list = element("tiles");
  readonly #tiles = new Map<string, Tile>();
  #self: string | undefined;

  /** Show a picture. @param framerateFps 0 while unknown @param isOwn the visitor's */
  show(peerId: string, image: Image, framerateFps: number, isOwn: boolean): void {
    const tile = this.#tiles.get(peerId) ?? this.#add(peerId, isOwn);
    const { width, height, rgba } = image;
    const { canvas } = tile;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    canvas.getContext("2d")?.putImageData(new ImageData(rgba, width, height), 0, 0);
    const rate = framerateFps > 0 ? ` · ${framerateFps.toFixed(0)} fps` : "";
    setText(tile.size, `${width}×${height}${rate}`);
    tile.shownMs = performance.now();
    tile.item.classList.remove("stale");
  }

  /** Show how well the visitor sees the others. @param rows all that are measured */
  measured(rows: readonly VideoPairRow[], self: string): void {
    for (const [peerId, { item, shownMs }] of this.#tiles) {
      item.classList.toggle("stale", performance.now() - shownMs > STALE_MS);
      const row = rows.find(({ from, to }) => from === peerId && to === self);
      if (row !== undefined) this.#tell(peerId, row);
    }
  }

  /** Show who speaks. @param peerId null: nobody */
  speaker(peerId: string | null): void {
    for (const [id, { item }] of this.#tiles) item.classList.toggle("speaks", id === peerId);
  }

  /** Take a peer's tile away. */
  remove(peerId: string): void {
    this.#tiles.get(peerId)?.item.remove();
    this.#tiles.delete(peerId);
    this.#arrange();
  }

  /** Take all away. */
  clear(): void {
    for (const peerId of [...this.#tiles.keys()]) this.remove(peerId);
  }

  #tell(peerId: string, { latencyMsP95, avOffsetMs, psnrDb, dropped }: VideoPairRow): void {
    const figures = this.#tiles.get(peerId)?.figures;
    if (figures === undefined) return;
    const latency = `latency ${numberText(latencyMsP95 ?? undefined, 0)} ms`;
    const offset = `lip sync ${numberText(avOffsetMs ?? undefined, 0)} ms`;
    const quality = psnrDb === null ? "" : ` · ${psnrDb.toFixed(0)} dB`;
    const loss = dropped === 0 ? "" : ` · ${dropped} dropped`;
    setText(figures, `${latency} · ${offset}${quality}${loss}`);
  }

  #add(peerId: string, isOwn: boolean): Tile {
    const item = document.createElement("li");
    item.className = "tile";
    item.dataset.peer = peerId;
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", isOwn ? "Your picture" : `Picture of ${peerId}`);
    const caption = document.createElement("p");
    caption.className = "caption";
    const [size, figures] = [span("quiet"), span("figures quiet")];
    const name = span("name");
    name.textContent = isOwn ? `${peerId} (you)` : peerId;
    caption.append(name, size);
    item.append(canvas, caption, figures);
    const tile = { item, canvas, size, figures, shownMs: 0 };
    // The visitor first, then the others by name.
    const after = [...this.#tiles].filter(([id]) => id > peerId && id !== this.#self);
    if (isOwn) this.#list.prepend(item);
    else this.#list.insertBefore(item, after.sort(([a], [b]) => (a < b ? -1 : 1))[0]?.[1].item ?? null);
    if (isOwn) this.#self = peerId;
    this.#tiles.set(peerId, tile);
    this.#arrange();
    return tile;
  }

  #arrange(): void {
    const count = this.#tiles.size;
    this.#section.hidden = count === 0;
    this.#list.style.setProperty("--columns", String(COLUMNS[count] ?? COLUMNS.at(-1)));
  }
}

function span(className: string): HTMLSpanElement {
  const made = document.createElement("span");
  made.className = className;
  return made;
}

function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}
