// Data that waits to go on, in order and bounded: where audio or pictures are too many their oldest go, everything else
// has to wait outside. Coded pictures that can no longer be decoded go too. Reads no clock.
import type { RuntimeData, TransportData } from "../runtime/data.ts";

/** How much may wait. Infinity where only another bound counts. */
export interface QueueBounds {
  readonly audioMs: number;
  readonly pictures: number;
  /** Of other kinds, each. */
  readonly others: number;
  readonly otherBytes: number;
  /** Of all kinds together. */
  readonly total: number;
}

/** What waits. */
export interface Held {
  readonly value: TransportData;
}

/** Why something is dropped. */
export type QueueDrop = "full" | "awaitingKeyframe";

/** What became of an item. */
export type Offered = "taken" | "dropped" | "full";

/** A block of audio counts as no less than this, ms: also empty ones are bounded in number. */
const MIN_AUDIO_MS = 0.5;

/** Streams of coded pictures that wait for a keyframe; more of one origin are no streams but a flood. */
const MAX_GAPS = 64;

/** See the header. */
export class DataQueue<Item extends Held> {
  readonly #bounds: QueueBounds;
  #items: Item[] = [];
  #audioMs = 0;
  #pictures = 0;
  #others = 0;
  #otherBytes = 0;
  /** Streams of coded pictures in which some are missing. */
  readonly #gaps = new Set<string>();
  #dropped: { readonly item: Item; readonly reason: QueueDrop }[] = [];

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds;
  }

  get length(): number {
    return this.#items.length;
  }

  /** The oldest one, which stays. */
  get head(): Item | undefined {
    return this.#items[0];
  }

  /** Whether nothing has to go, or wait, for this. A single block or message may be larger than the bounds. */
  hasRoom({ data }: TransportData): boolean {
    const { audioMs, pictures, others, otherBytes, total } = this.#bounds;
    if (this.#items.length >= total) return false;
    if (data.type === "audio")
      return this.#audioMs === 0 || this.#audioMs + durationMs(data) <= audioMs + 1e-6;
    if (data.type === "video") return this.#pictures < pictures;
    return this.#others < others && (this.#others === 0 || this.#otherBytes + sizeOf(data) <= otherBytes);
  }

  /**
   * Append an item. Audio and pictures make room by dropping the oldest, or are dropped where others fill the queue;
   * other kinds make room among audio and pictures, or are `full`: nothing has changed then.
   */
  offer(item: Item): Offered {
    const { data } = item.value;
    if (this.#isUseless(data)) return this.#drop(item, "awaitingKeyframe");
    const isOther = !isMedia(data);
    while (!this.hasRoom(item.value)) {
      const index = this.#victim(data);
      if (index >= 0) this.#removeOldest(index);
      else if (isOther) return "full";
      else return this.#drop(item, "full");
    }
    // Making room may have dropped what this one builds on.
    if (this.#isUseless(data)) return this.#drop(item, "awaitingKeyframe");
    this.push(item);
    return "taken";
  }

  /** Append an item whatever the bounds say. */
  push(item: Item): void {
    const { data } = item.value;
    if (data.type === "video" && data.isKeyframe === true) this.#gaps.delete(streamOf(data));
    this.#items.push(item);
    this.#count(data, 1);
  }

  shift(): Item | undefined {
    const item = this.#items.shift();
    if (item !== undefined) this.#count(item.value.data, -1);
    return item;
  }

  /** Data has been kept from the queue: coded pictures that build on it are dropped as well. */
  noteMissing(data: RuntimeData): void {
    if (data.type !== "video" || data.format !== "encoded" || this.#gaps.size >= MAX_GAPS) return;
    this.#gaps.add(streamOf(data));
  }

  /** What has been dropped since the last call. */
  takeDropped(): readonly { readonly item: Item; readonly reason: QueueDrop }[] {
    const dropped = this.#dropped;
    if (dropped.length > 0) this.#dropped = [];
    return dropped;
  }

  /** Empty the queue. @returns what was in it */
  clear(): readonly Item[] {
    const items = this.#items;
    this.#items = [];
    this.#audioMs = this.#pictures = this.#others = this.#otherBytes = 0;
    this.#gaps.clear();
    return items;
  }

  /** Which item has to go for `data`; -1 for none. */
  #victim(data: RuntimeData): number {
    if (this.#items.length >= this.#bounds.total) {
      return this.#items.findIndex(({ value }) => isMedia(value.data));
    }
    return isMedia(data) ? this.#items.findIndex(({ value }) => value.data.type === data.type) : -1;
  }

  #removeOldest(index: number): void {
    const [item] = this.#items.splice(index, 1) as [Item];
    const { data } = item.value;
    this.#count(data, -1);
    this.#drop(item, "full");
    if (data.type !== "video" || data.format !== "encoded") return;
    // What follows builds on it, up to the next keyframe.
    const stream = streamOf(data);
    let broken = true;
    this.#items = this.#items.filter((later) => {
      const next = later.value.data;
      if (next.type !== "video" || next.format !== "encoded" || streamOf(next) !== stream) return true;
      if (next.isKeyframe === true) broken = false;
      if (!broken) return true;
      this.#count(next, -1);
      this.#drop(later, "awaitingKeyframe");
      return false;
    });
    if (!broken) this.#gaps.delete(stream);
  }

  #drop(item: Item, reason: QueueDrop): "dropped" {
    this.#dropped.push({ item, reason });
    this.noteMissing(item.value.data);
    return "dropped";
  }

  #isUseless(data: RuntimeData): boolean {
    if (data.type !== "video" || data.format !== "encoded" || data.isKeyframe === true) return false;
    return this.#gaps.has(streamOf(data));
  }

  #count(data: RuntimeData, sign: 1 | -1): void {
    if (data.type === "audio") {
      // Exactly zero without audio, whatever sums of fractions make of it.
      const left = this.#audioMs + sign * durationMs(data);
      this.#audioMs = left < MIN_AUDIO_MS / 2 ? 0 : left;
    } else if (data.type === "video") {
      this.#pictures += sign;
    } else {
      this.#others += sign;
      if (this.#bounds.otherBytes !== Infinity) this.#otherBytes += sign * sizeOf(data);
    }
  }
}

/** Whether a kind of data is worth nothing when it comes late. */
export function isMedia({ type }: RuntimeData): boolean {
  return type === "audio" || type === "video";
}

/** Bytes that data takes, roughly. */
export function sizeOf(data: RuntimeData): number {
  switch (data.type) {
    case "audio":
      return data.samples.byteLength;
    case "json":
    case "control":
      return JSON.stringify(data.value).length;
    case "text":
      return data.text.length;
    default:
      return data.data.byteLength;
  }
}

function durationMs({ samples, channels, sampleRate }: RuntimeData & { type: "audio" }): number {
  return Math.max(MIN_AUDIO_MS, (samples.length / channels / sampleRate) * 1_000);
}

function streamOf({ streamId = "default" }: RuntimeData): string {
  return streamId;
}
