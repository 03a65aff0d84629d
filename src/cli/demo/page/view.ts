// The visitor and the peers as the page shows them: takes facts, changes elements. Decides nothing.
import type { SyncState } from "../../../sync/sync-types.ts";
import type { Reception } from "./call.ts";
import { element } from "./element.ts";

/** Where the visitor is. */
export type ViewState = "idle" | "joining" | "joined" | "failed";

/** Levels are shown from -60 dBFS (empty) to 0 (full). */
const LEVEL_RANGE_DB = 60;
/** A meter falls by this share per shown level, so that the eye can follow. */
const METER_FALL = 0.15;
/** Notices kept on the page at a time. */
const MAX_NOTICES = 3;

const SYNC_TEXTS: Readonly<Record<SyncState, string>> = {
  unsynced: "not synced",
  syncing: "syncing",
  synced: "synced",
};
const JOIN_LABEL = "Join with microphone";

/** What changes in a peer's line. */
interface PeerLine {
  item: HTMLLIElement;
  meter: HTMLMeterElement;
  speaking: HTMLElement;
  sync: HTMLElement;
  reception: HTMLElement;
}

/** The page's elements. */
export class View {
  readonly form = element<HTMLFormElement>("join-form");
  readonly name = element<HTMLInputElement>("name");
  readonly mute = element<HTMLButtonElement>("mute");
  readonly camera = element<HTMLButtonElement>("camera");
  readonly #join = element<HTMLButtonElement>("join");
  readonly #status = element("status");
  readonly #notice = element("notice");
  readonly #me = element("me");
  readonly #myName = element("my-name");
  readonly #myLevel = element<HTMLMeterElement>("my-level");
  readonly #peers = element("peers");
  readonly #nobody = element("nobody");
  readonly #lines = new Map<string, PeerLine>();
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
    this.#lines.clear();
    this.#showNobody("Join to hear the others.");
  }

  /** Show the visitor's own line. */
  showMe(peerId: string, speaks: boolean, shows: boolean): void {
    this.#me.hidden = false;
    this.#myName.textContent = peerId;
    this.mute.hidden = !speaks;
    this.#myLevel.hidden = !speaks;
    this.pressed(this.mute, false);
    this.camera.hidden = !shows;
    this.filming(false);
    this.#showNobody("Nobody is connected yet.");
  }

  /** Show whether the camera is shown. */
  filming(films: boolean): void {
    this.camera.setAttribute("aria-pressed", String(films));
    this.camera.textContent = films ? "Stop camera" : "Show camera";
  }

  /** Add a line to what is wrong; without text, nothing is. */
  notice(text?: string): void {
    if (text === undefined) this.#showNotices([]);
    else this.#showNotices([...this.#notices.filter((old) => old !== text), text]);
  }

  /** Take a line back. */
  retract(text: string): void {
    this.#showNotices(this.#notices.filter((old) => old !== text));
  }

  /** Add a peer's line. @param onMute called with the new state of its button */
  addPeer(peerId: string, onMute: (muted: boolean) => void): void {
    if (this.#lines.has(peerId)) return;
    const item = document.createElement("li");
    item.className = "peer";
    item.dataset.peer = peerId;
    const meter = document.createElement("meter");
    meter.setAttribute("aria-label", `Level of ${peerId}`);
    const mute = document.createElement("button");
    mute.type = "button";
    this.pressed(mute, false);
    mute.addEventListener("click", () => onMute(this.toggle(mute)));
    const [speaking, sync, reception] = [span("speaking", ""), span("sync", ""), span("reception", "")];
    const details = document.createElement("p");
    details.className = "details quiet";
    details.append(sync, speaking, reception);
    item.append(span("name", peerId), meter, mute, details);
    this.#peers.append(item);
    this.#lines.set(peerId, { item, meter, speaking, sync, reception });
    this.synced(peerId, "unsynced");
    this.#nobody.hidden = true;
  }

  /** Remove a peer's line. */
  removePeer(peerId: string): void {
    this.#lines.get(peerId)?.item.remove();
    this.#lines.delete(peerId);
    if (this.#lines.size === 0) this.#showNobody("Nobody is connected yet.");
  }

  /** Show how well the capture times of a peer are known. */
  synced(peerId: string, state: SyncState): void {
    const line = this.#lines.get(peerId);
    if (line === undefined) return;
    line.sync.dataset.state = state;
    line.sync.textContent = SYNC_TEXTS[state];
  }

  /** Show how a peer is received. */
  reception(peerId: string, { bufferDelayMs, targetDelayMs, captureErrorMs }: Reception): void {
    const line = this.#lines.get(peerId);
    if (line === undefined) return;
    const buffer = `buffer ${bufferDelayMs.toFixed(0)} of ${targetDelayMs.toFixed(0)} ms`;
    const error = captureErrorMs === null ? "" : ` · capture ±${captureErrorMs.toFixed(1)} ms`;
    line.reception.textContent = buffer + error;
  }

  /** Show who speaks. @param peerId null: nobody */
  speaker(peerId: string | null): void {
    for (const [id, { item, speaking }] of this.#lines) {
      item.classList.toggle("speaks", id === peerId);
      speaking.textContent = id === peerId ? "speaking" : "";
    }
  }

  /** Show a level. @param peerId undefined: the visitor's own @param rms 0 to 1 */
  level(peerId: string | undefined, rms: number): void {
    const meter = peerId === undefined ? this.#myLevel : this.#lines.get(peerId)?.meter;
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

  #showNotices(notices: string[]): void {
    this.#notices = notices.slice(-MAX_NOTICES);
    this.#notice.textContent = this.#notices.join("\n");
    this.#notice.hidden = this.#notices.length === 0;
  }

  #showNobody(text: string): void {
    this.#nobody.textContent = text;
    this.#nobody.hidden = this.#lines.size > 0;
  }
}

function span(className: string, text: string): HTMLSpanElement {
  const made = document.createElement("span");
  made.className = className;
  made.textContent = text;
  return made;
}
