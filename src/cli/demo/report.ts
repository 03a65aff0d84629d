// Turns measurements into the numbers people read: rows of the table and the one JSON object. Pure.
import type { AlignmentFigures } from "./alignment-judge.ts";
import { percentile, round } from "./numbers.ts";
import { cpuPercentOf, MIB, totalUsage } from "./usage-figures.ts";
import type { UsageFigures } from "./usage-figures.ts";
import type { VideoPairRow } from "./video/video-measurement.ts";

/** What a receiving transport counts about one sender. */
export interface PairCounters {
  packets: number;
  lost: number;
  /** Samples at 48 kHz that were made up because nothing came in time. */
  concealed: number;
  bufferDelayMs: number;
}

/** What `to` received of `from`. */
export interface PairRow extends PairCounters {
  from: string;
  to: string;
  /** Null until a frame has been recognized. */
  latencyMsP95: number | null;
  /** The same without the time in the jitter buffer; null where the receiver does not tell that. */
  beyondBufferMsP95: number | null;
  /** 0 to 1; null until the sender has spoken for a window. */
  similarity: number | null;
  /** The sender's clock against the receiver's, as the receiver estimates it; null until it does. */
  driftPpm: number | null;
  /** How far frames were captured from when they said they were, median, us; null until that has been judged. */
  captureErrorUs: number | null;
}

/** One directed pair in the JSON report. */
export type ReceivedRow = Omit<PairRow, "to">;

/** The video of one directed pair in the JSON report. */
export type SeenRow = Omit<VideoPairRow, "to">;

/** How well sets are aligned that were read as captured at the same time, over all peers that read them. */
export interface AlignmentRow {
  /** Sets of 20 ms that were judged. */
  sets: number;
  /** Spread of the true capture times within a set, ms; null until one has been judged. */
  errorMsP95: number | null;
  /** Largest bound of the error that the peers of a set state, ms; null until they state one. */
  boundMsP95: number | null;
}

/** The same of one peer that reads them: `sets` of the run, the rest of the last stretches. */
export interface LiveAlignment extends AlignmentRow {
  peerId: string;
}

/** What one process of a run cost. */
export interface ProcessRow {
  /** Peers that live there; none in the first process when others carry them. */
  peers: string[];
  rssMb: number;
  /** Of one core. */
  cpuPercent: number;
  loopLagMsP99: number;
}

/** What `demo --json` prints. */
export interface DemoReport {
  /**
   * Every pair that had to be there is there, no similarity is below 0.9, and what was read aligned, if anybody did,
   * was recognized and aligned within 20 ms. With video, peers also saw 95 % of each other's pictures from the first one
   * on, the right ones, at more than 25 dB.
   */
  ok: boolean;
  /** `video` is absent without video. */
  peers: { id: string; received: ReceivedRow[]; video?: SeenRow[] }[];
  /** Ms from start() of the later peer of a pair to its connection; null when nothing connected. */
  setupMs: { p50: number | null; p95: number | null };
  /** Absent when nobody reads aligned. */
  alignment?: AlignmentRow;
  /** Of all processes. */
  rssMb: number;
  /** Of one core, over the run, of all processes. */
  cpuPercent: number;
  /** How late event loops came to their timers, 99th percentile, of the worst process. */
  loopLagMsP99: number;
  processes: ProcessRow[];
}

/** A pair at least this similar counts as heard; Opus at the demo's bitrate stays above 0.95. */
export const OK_SIMILARITY = 0.9;

/** Alignment that is no better than this, ms, is none. */
const OK_ALIGNMENT_MS = 20;
/** Stretches that are "of late"; a reader is judged once a second. */
const LIVE_STRETCHES = 10;
/** Of the shares of sets that were looked for, so many may not be found. */
const OK_UNRECOGNIZED = 0.1;
/** Of a sender's pictures, so many must have been seen, and of those so few misread; and how fine they must be. */
const OK_DECODED = 0.95;
const OK_MISREAD = 0.01;
const OK_PSNR_DB = 25;

/** What a report is made of. */
export interface ReportInput {
  rows: readonly PairRow[];
  /** Peers of the line-up: every one of them must have heard every other. */
  requiredPeers: readonly string[];
  setupMs: readonly number[];
  /** One for each peer that reads aligned. */
  alignments: readonly AlignmentFigures[];
  /** Undefined without video. */
  video?: readonly VideoPairRow[] | undefined;
  processes: readonly { peerIds: readonly string[]; usage: UsageFigures }[];
}

/** The JSON object of a run; peers in the order of `requiredPeers`, then those that joined from pages. */
export function buildReport(input: ReportInput): DemoReport {
  const { rows, requiredPeers, setupMs, alignments, video, processes } = input;
  const ids = [...new Set([...requiredPeers, ...rows.map((row) => row.to)])];
  const isAllSeen = video === undefined || isSeen(video, requiredPeers);
  const { rssMb, cpuPercent } = totalUsage(processes.map(({ usage }) => usage));
  return {
    ok: isHeard(rows, requiredPeers) && isAllSeen && (alignments.length === 0 || isAligned(alignments)),
    peers: ids.map((id) => ({
      id,
      received: rows.filter((row) => row.to === id).map(({ to: _to, ...row }) => roundRow(row)),
      ...(video && { video: video.filter((row) => row.to === id).map(({ to: _to, ...row }) => row) }),
    })),
    setupMs: { p50: rounded(percentile(setupMs, 0.5)), p95: rounded(percentile(setupMs, 0.95)) },
    ...(alignments.length > 0 && { alignment: alignmentRow(alignments) }),
    rssMb: round(rssMb),
    cpuPercent: round(cpuPercent),
    loopLagMsP99: round(Math.max(0, ...processes.map(({ usage }) => usage.loopLagMsP99))),
    processes: processes.map(processRow),
  };
}

/** How well each reader's sets were aligned of late. */
export function liveAlignments(alignments: readonly AlignmentFigures[]): LiveAlignment[] {
  return alignments.map(({ errorsMs, boundsMs, ...figures }) => {
    const latest = { errorsMs: errorsMs.slice(-LIVE_STRETCHES), boundsMs: boundsMs.slice(-LIVE_STRETCHES) };
    return { peerId: figures.peerId, ...alignmentRow([{ ...figures, ...latest }]) };
  });
}

/** The figures of some readers as one row. */
export function alignmentRow(alignments: readonly AlignmentFigures[]): AlignmentRow {
  return {
    sets: alignments.reduce((sum, { sets }) => sum + sets, 0),
    errorMsP95: rounded(
      percentile(
        alignments.flatMap(({ errorsMs }) => errorsMs),
        0.95,
      ),
      3,
    ),
    boundMsP95: rounded(
      percentile(
        alignments.flatMap(({ boundsMs }) => boundsMs),
        0.95,
      ),
      3,
    ),
  };
}

function processRow({ peerIds, usage }: ReportInput["processes"][number]): ProcessRow {
  return {
    peers: [...peerIds],
    rssMb: round(usage.rssBytes / MIB),
    cpuPercent: round(cpuPercentOf(usage)),
    loopLagMsP99: round(usage.loopLagMsP99),
  };
}

/** Everybody who mixes has been judged, and passes. */
function isAligned(alignments: readonly AlignmentFigures[]): boolean {
  const sum = (of: (figures: AlignmentFigures) => number): number =>
    alignments.reduce((total, figures) => total + of(figures), 0);
  const { errorMsP95 } = alignmentRow(alignments);
  return (
    alignments.every(({ sets }) => sets > 0) &&
    errorMsP95 !== null &&
    errorMsP95 <= OK_ALIGNMENT_MS &&
    sum(({ unrecognized }) => unrecognized) <= OK_UNRECOGNIZED * sum(({ looked }) => looked)
  );
}

function isHeard(rows: readonly PairRow[], requiredPeers: readonly string[]): boolean {
  const heard = new Set<string>();
  for (const { from, to, similarity } of rows) {
    if (similarity !== null && similarity < OK_SIMILARITY) return false;
    if (similarity !== null) heard.add(`${from}>${to}`);
  }
  return requiredPeers.every((to) =>
    requiredPeers.every((from) => from === to || heard.has(`${from}>${to}`)),
  );
}

/** Pages may look elsewhere; the peers of the line-up must see each other. */
function isSeen(rows: readonly VideoPairRow[], requiredPeers: readonly string[]): boolean {
  const seen = new Set(rows.filter(isSeenWell).map(({ from, to }) => `${from}>${to}`));
  return requiredPeers.every((to) => requiredPeers.every((from) => from === to || seen.has(`${from}>${to}`)));
}

/** Whether these figures are good enough. */
export function isSeenWell({ frames, decoded, misread, psnrDb }: VideoPairRow): boolean {
  const areRight = misread <= OK_MISREAD * decoded;
  return decoded > 0 && decoded >= OK_DECODED * frames && areRight && (psnrDb ?? 0) > OK_PSNR_DB;
}

function roundRow(row: ReceivedRow): ReceivedRow {
  return {
    ...row,
    bufferDelayMs: round(row.bufferDelayMs),
    latencyMsP95: rounded(row.latencyMsP95),
    beyondBufferMsP95: rounded(row.beyondBufferMsP95),
    similarity: rounded(row.similarity, 3),
    driftPpm: rounded(row.driftPpm),
    captureErrorUs: rounded(row.captureErrorUs, 0),
  };
}

function rounded(value: number | null, digits = 1): number | null {
  return value === null ? null : round(value, digits);
}
