// What a page and the demo say to each other on the measuring socket: blocks of audio as binary messages, all
// else as JSON. Pure; used on both sides. What makes no sense is undefined, never an exception.
import { isId } from "../../runtime/ids.ts";
import type { LiveAlignment, PairCounters, PairRow } from "./report.ts";
import { FRAME_NUMBERS } from "./video/picture-code.ts";
import type { SeenCode, VideoPairRow } from "./video/video-measurement.ts";
import type { PictureFormat } from "./video/video-plan.ts";

/** Path of what a page must know before it joins. */
export const RUN_PATH = "/run.json";
/** Path of the measuring socket. */
export const MEASURE_PATH = "/measure";
/** Path of the signaling server. */
export const SIGNALING_PATH = "/signaling";
/** The room that the demo's peers and the pages join. */
export const DEMO_ROOM = "demo";

/** Longest block, in samples (1 s); pages send 20 ms. */
export const MAX_BLOCK_SAMPLES = 48_000;
/** Header of a block: kind, id length, two zero bytes, missing (u32), time (f64); then the id and samples. */
const HEADER_BYTES = 16;
const KIND_SENT = 1;
const KIND_RECEIVED = 2;
/** Largest run time or gap taken from a page: a year in ms. */
const MAX_MS = 31_536_000_000;
const MAX_ROWS = 16;
/** Largest drift taken from a page: clocks of machines differ by a thousandth of that. */
const MAX_PPM = 1_000_000;
/** Pictures in a message; pages send ten messages a second. */
const MAX_PICTURES = 64;
const SENDERS = 256;
/** Decibels and ms of lip sync lie far below. */
const MAX_FIGURE = 1_000_000;

/** Mono audio at 48 kHz that a page captured from its microphone, or was handed of another peer. */
export interface MeasuredBlock {
  kind: "sent" | "received";
  /** The sender of a received block; empty for a sent one. */
  from: string;
  /** When it was captured or delivered, on the clock of the run. */
  runMs: number;
  /** Samples missing before it. */
  missing: number;
  pcm: Int16Array;
}

/** What a page's transport counts about one sender. */
export interface PageCounters extends PairCounters {
  /** The sender's clock against the page's; null while that is unknown. */
  driftPpm: number | null;
}

/** What a page must know before it joins. */
export interface PageRun {
  /** What it should send, and whether the peers show test patterns; null: there is no video. */
  video: (PictureFormat & { patterns: boolean }) | null;
}

/** A picture that a page was handed; null is what it does not know. */
export type SeenByPage = Pick<SeenCode, "receivedMs" | "isKeyframe"> & {
  [Key in "code" | "psnrDb" | "avOffsetMs"]: NonNullable<SeenCode[Key]> | null;
};

/** Pictures that a page was handed of one sender. */
export interface SeenPictures {
  from: string;
  pictures: SeenByPage[];
}

/** JSON messages from a page. */
export type PageMessage =
  /** First: who this is. Its peers are measured from now on. */
  | { type: "hello"; peerId: string }
  /** Asks for the time; comes back in the pong as it is. */
  | { type: "ping"; pageMs: number }
  /** What its transport counts, per sender it is connected to. */
  | { type: "counters"; rows: ({ from: string } & PageCounters)[] }
  /** Pictures that it sent: number, when it was handed over, when captured, one after the other. */
  | { type: "shown"; pictures: number[] }
  /** Pictures that it was handed. */
  | ({ type: "seen" } & SeenPictures);

/** JSON messages to a page. */
export type DemoMessage =
  | { type: "pong"; pageMs: number; runMs: number }
  | {
      type: "table";
      rows: PairRow[];
      /** Of pairs that see each other. */
      video: VideoPairRow[];
      /** One for each peer that reads aligned. */
      alignments: LiveAlignment[];
      elapsedMs: number;
      rssMb: number;
      cpuPercent: number;
    };

/** The bytes of a block, little-endian. */
export function encodeBlock(block: MeasuredBlock): Uint8Array<ArrayBuffer> {
  const id = new TextEncoder().encode(block.from);
  const samplesAt = (HEADER_BYTES + id.length + 1) & ~1;
  const bytes = new Uint8Array(samplesAt + block.pcm.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, block.kind === "sent" ? KIND_SENT : KIND_RECEIVED);
  view.setUint8(1, id.length);
  view.setUint32(4, block.missing, true);
  view.setFloat64(8, block.runMs, true);
  bytes.set(id, HEADER_BYTES);
  for (let i = 0; i < block.pcm.length; i++) view.setInt16(samplesAt + 2 * i, block.pcm[i] as number, true);
  return bytes;
}

/** The block in `bytes`; undefined when it is none. */
export function decodeBlock(bytes: Uint8Array): MeasuredBlock | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kind = view.getUint8(0);
  const idLength = view.getUint8(1);
  const samplesAt = (HEADER_BYTES + idLength + 1) & ~1;
  const count = (bytes.length - samplesAt) / 2;
  const runMs = view.getFloat64(8, true);
  if (!Number.isInteger(count) || count < 1 || count > MAX_BLOCK_SAMPLES || !isTime(runMs)) return undefined;
  const from = new TextDecoder().decode(bytes.subarray(HEADER_BYTES, HEADER_BYTES + idLength));
  if (kind !== KIND_SENT && kind !== KIND_RECEIVED) return undefined;
  if (kind === KIND_SENT ? from !== "" : !isId(from)) return undefined;
  const pcm = new Int16Array(count);
  for (let i = 0; i < count; i++) pcm[i] = view.getInt16(samplesAt + 2 * i, true);
  const missing = view.getUint32(4, true);
  return { kind: kind === KIND_SENT ? "sent" : "received", from, runMs, missing, pcm };
}

/** The message in `text`; undefined when it is none that a page sends. */
export function parsePageMessage(text: string): PageMessage | undefined {
  const message = parseObject(text);
  if (message === undefined) return undefined;
  const { type, peerId, pageMs, rows } = message;
  if (type === "hello" && isId(peerId)) return { type, peerId };
  if (type === "ping" && typeof pageMs === "number" && Number.isFinite(pageMs)) return { type, pageMs };
  if (type === "shown") return isShown(message.pictures) ? { type, pictures: message.pictures } : undefined;
  if (type === "seen") return parseSeen(message);
  if (type !== "counters" || !Array.isArray(rows) || rows.length > MAX_ROWS) return undefined;
  const parsed = rows.map(parseCounters);
  return parsed.includes(undefined) ? undefined : { type, rows: parsed.filter((row) => row !== undefined) };
}

/** The message in `text`; undefined when it is none. The demo is trusted beyond its type. */
export function parseDemoMessage(text: string): DemoMessage | undefined {
  const message = parseObject(text);
  if (message === undefined) return undefined;
  const { type, rows, video, alignments } = message;
  const isTable = type === "table" && [rows, video, alignments].every((list) => Array.isArray(list));
  return type === "pong" || isTable ? (message as DemoMessage) : undefined;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    // Not JSON: the caller counts it.
    return undefined;
  }
}

function parseCounters(row: unknown): ({ from: string } & PageCounters) | undefined {
  if (typeof row !== "object" || row === null) return undefined;
  const { from, packets, lost, concealed, bufferDelayMs, driftPpm } = row as Record<string, unknown>;
  if (!isId(from) || !isCount(packets) || !isCount(lost) || !isCount(concealed) || !isTime(bufferDelayMs)) {
    return undefined;
  }
  if (!isDrift(driftPpm)) return undefined;
  return { from, packets, lost, concealed, bufferDelayMs, driftPpm };
}

function isShown(pictures: unknown): pictures is number[] {
  if (!Array.isArray(pictures) || pictures.length % 3 !== 0 || pictures.length > 3 * MAX_PICTURES)
    return false;
  return pictures.every((value, i) => (i % 3 === 0 ? isBelow(value, FRAME_NUMBERS) : isTime(value)));
}

function parseSeen({ from, pictures }: Record<string, unknown>): PageMessage | undefined {
  if (!isId(from) || !Array.isArray(pictures) || pictures.length > MAX_PICTURES) return undefined;
  const parsed = pictures.map(parsePicture);
  if (parsed.includes(undefined)) return undefined;
  return { type: "seen", from, pictures: parsed.filter((picture) => picture !== undefined) };
}

function parsePicture(picture: unknown): SeenByPage | undefined {
  if (typeof picture !== "object" || picture === null) return undefined;
  const { code, receivedMs, isKeyframe, psnrDb, avOffsetMs } = picture as Record<string, unknown>;
  const isKnown = isTime(receivedMs) && typeof isKeyframe === "boolean";
  if (!isKnown || !isFigure(psnrDb) || !isFigure(avOffsetMs)) return undefined;
  if (code === null) return { code, receivedMs, isKeyframe, psnrDb, avOffsetMs };
  if (typeof code !== "object") return undefined;
  const { frameNumber, sender } = code as Record<string, unknown>;
  if (!isBelow(frameNumber, FRAME_NUMBERS) || !isBelow(sender, SENDERS)) return undefined;
  return { code: { frameNumber, sender }, receivedMs, isKeyframe, psnrDb, avOffsetMs };
}

function isBelow(value: unknown, end: number): value is number {
  return isCount(value) && value < end;
}

function isFigure(value: unknown): value is number | null {
  return value === null || (typeof value === "number" && Math.abs(value) <= MAX_FIGURE);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isDrift(value: unknown): value is number | null {
  return value === null || (typeof value === "number" && Math.abs(value) <= MAX_PPM);
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= MAX_MS;
}
