// Everything the page shows: takes facts, changes elements. Decides nothing.
import { OK_SIMILARITY } from "../report.ts";
import type { PairRow } from "../report.ts";

/** Where the visitor is. */
export type ViewState = "idle" | "joining" | "joined" | "failed";

const SAMPLES_PER_MS = 48;
/** Levels are shown from -60 dBFS (empty) to 0 (full). */
const LEVEL_RANGE_DB = 60;
/** A meter falls by this share per shown level, so that the eye can follow. */
const METER_FALL = 0.15;
/** Notices kept on the page at a time. */
const MAX_NOTICES = 3;

const JOIN_LABEL = "Join with microphone";

function element<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no element "${id}"`);
  return found as T;
}

/** The page's elements. */
export class View {
  readonly form = element<HTMLFormElement>("join-form");
  readonly name = element<HTMLInputElement>("name");
  readonly mute = element<HTMLButtonElement>("mute");
  readonly #join = element<HTMLButtonElement>("join");
  readonly #status = element("status");
  readonly #notice = element("notice");
  readonly #me = element("me");
  readonly #myName = element("my-name");
  readonly #myLevel = element<HTMLMeterElement>("my-level");
  readonly #peers = element("peers");
  readonly #nobody = element("nobody");
  readonly #rows = element("rows");
  readonly #facts = element("facts");
  readonly #meters = new Map<string, HTMLMeterElement>();
  #notices: string[] = [];

  /** Show where the visitor is, in one line of words. */
  show(state: ViewState, text: string): void {
    this.#status.dataset.state = state;
    this.#status.textContent = text;
    this.#join.disabled = state === "joining";
    this.#join.textContent = state === "joined" ? "Leave" : JOIN_LABEL;
    this.#join.classList.toggle("primary", state !== "joined");
    this.name.disabled = state === "joining" || state === "joined";
    if (state === "joined") return;
    this.#me.hidden = true;
    this.#peers.replaceChildren();
    this.#meters.clear();
    this.#showNobody("Join to hear the others.");
  }

  /** Show the visitor's own line. */
  showMe(peerId: string, speaks: boolean): void {
    this.#me.hidden = false;
    this.#myName.textContent = peerId;
    this.mute.hidden = !speaks;
    this.#myLevel.hidden = !speaks;
    this.pressed(this.mute, false);
    this.#showNobody("Nobody is connected yet.");
  }

  /** Add a line to what is wrong; without text, nothing is. */
  notice(text?: string): void {
    this.#notices =
      text === undefined ? [] : [...this.#notices.filter((old) => old !== text), text].slice(-MAX_NOTICES);
    this.#notice.textContent = this.#notices.join("\n");
    this.#notice.hidden = this.#notices.length === 0;
  }

  /** Add a peer's line. @param onMute called with the new state of its button */
  addPeer(peerId: string, onMute: (muted: boolean) => void): void {
    if (this.#meters.has(peerId)) return;
    const item = document.createElement("li");
    item.className = "peer";
    item.dataset.peer = peerId;
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = peerId;
    const meter = document.createElement("meter");
    meter.setAttribute("aria-label", `Level of ${peerId}`);
    const mute = document.createElement("button");
    mute.type = "button";
    this.pressed(mute, false);
    mute.addEventListener("click", () => onMute(this.toggle(mute)));
    item.append(name, meter, mute);
    this.#peers.append(item);
    this.#meters.set(peerId, meter);
    this.#nobody.hidden = true;
  }

  /** Remove a peer's line. */
  removePeer(peerId: string): void {
    this.#meters.delete(peerId);
    this.#peers.querySelector(`[data-peer="${CSS.escape(peerId)}"]`)?.remove();
    if (this.#meters.size === 0) this.#showNobody("Nobody is connected yet.");
  }

  /** Show a level. @param peerId undefined: the visitor's own @param rms 0 to 1 */
  level(peerId: string | undefined, rms: number): void {
    const meter = peerId === undefined ? this.#myLevel : this.#meters.get(peerId);
    if (meter === undefined) return;
    const level = Math.max(0, Math.min(1, 1 + (20 * Math.log10(rms + 1e-9)) / LEVEL_RANGE_DB));
    meter.value = Math.max(level, meter.value * (1 - METER_FALL));
  }

  /** Turn a mute button over. @returns whether it is pressed now */
  toggle(button: HTMLButtonElement): boolean {
    const muted = button.getAttribute("aria-pressed") !== "true";
    this.pressed(button, muted);
    return muted;
  }

  /** Show a mute button as pressed or not. */
  pressed(button: HTMLButtonElement, muted: boolean): void {
    button.setAttribute("aria-pressed", String(muted));
    button.textContent = muted ? "Unmute" : "Mute";
  }

  /** Show the table; rows that concern `peerId` stand out. */
  table(rows: readonly PairRow[], facts: string, peerId: string): void {
    this.#facts.textContent = facts;
    this.#rows.replaceChildren(
      ...rows.map((row) => {
        const line = document.createElement("tr");
        line.classList.toggle("mine", row.from === peerId || row.to === peerId);
        line.append(...cells(row));
        return line;
      }),
    );
  }

  #showNobody(text: string): void {
    this.#nobody.textContent = text;
    this.#nobody.hidden = this.#meters.size > 0;
  }
}

function cells(row: PairRow): HTMLTableCellElement[] {
  const { similarity, latencyMsP95 } = row;
  const grade = similarity === null ? "" : similarity < OK_SIMILARITY ? "bad" : "good";
  return [
    cell(row.from, ""),
    cell(row.to, ""),
    cell(String(row.packets), "number"),
    cell(String(row.lost), "number"),
    cell((row.concealed / SAMPLES_PER_MS).toFixed(0), "number"),
    cell(row.bufferDelayMs.toFixed(0), "number"),
    cell(latencyMsP95 === null ? "–" : latencyMsP95.toFixed(1), "number"),
    cell(similarity === null ? "–" : similarity.toFixed(3), `number ${grade}`),
  ];
}

function cell(text: string, className: string): HTMLTableCellElement {
  const made = document.createElement("td");
  made.textContent = text;
  made.className = className.trim();
  return made;
}
