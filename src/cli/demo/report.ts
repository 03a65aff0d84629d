// Turns measurements into the numbers people read: rows of the table and the one JSON object. Pure.

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
  /** 0 to 1; null until the sender has spoken for a window. */
  similarity: number | null;
}

/** One directed pair in the JSON report. */
export type ReceivedRow = Omit<PairRow, "to">;

/** What `demo --json` prints. */
export interface DemoReport {
  /** Every pair that had to be there is there, and no similarity is below 0.9. */
  ok: boolean;
  peers: { id: string; received: ReceivedRow[] }[];
  /** Ms from start() of the later peer of a pair to its connection; null when nothing connected. */
  setupMs: { p50: number | null; p95: number | null };
  rssMb: number;
  /** Of one core, over the run. */
  cpuPercent: number;
}

/** A pair at least this similar counts as heard; Opus at the demo's bitrate stays above 0.95. */
export const OK_SIMILARITY = 0.9;

/** The value that `share` (0..1) of the values do not exceed (nearest rank); null of nothing. */
export function percentile(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.ceil(share * sorted.length) - 1;
  return sorted[Math.min(sorted.length - 1, Math.max(0, rank))] ?? null;
}

/** `value` with `digits` digits after the point, as a number. */
export function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}

/** What a report is made of. */
export interface ReportInput {
  rows: readonly PairRow[];
  /** Peers of this process: every one of them must have heard every other. */
  requiredPeers: readonly string[];
  setupMs: readonly number[];
  rssBytes: number;
  cpuMs: number;
  elapsedMs: number;
}

/** The JSON object of a run; peers in the order of `requiredPeers`, then those that joined from pages. */
export function buildReport(input: ReportInput): DemoReport {
  const ids = [...new Set([...input.requiredPeers, ...input.rows.map((row) => row.to)])];
  return {
    ok: isOk(input.rows, input.requiredPeers),
    peers: ids.map((id) => ({
      id,
      received: input.rows.filter((row) => row.to === id).map(({ to: _to, ...row }) => roundRow(row)),
    })),
    setupMs: { p50: rounded(percentile(input.setupMs, 0.5)), p95: rounded(percentile(input.setupMs, 0.95)) },
    rssMb: round(input.rssBytes / 1_048_576),
    cpuPercent: round((100 * input.cpuMs) / Math.max(1, input.elapsedMs)),
  };
}

function isOk(rows: readonly PairRow[], requiredPeers: readonly string[]): boolean {
  const heard = new Set<string>();
  for (const { from, to, similarity } of rows) {
    if (similarity !== null && similarity < OK_SIMILARITY) return false;
    if (similarity !== null) heard.add(`${from}>${to}`);
  }
  return requiredPeers.every((to) =>
    requiredPeers.every((from) => from === to || heard.has(`${from}>${to}`)),
  );
}

function roundRow(row: ReceivedRow): ReceivedRow {
  return {
    ...row,
    bufferDelayMs: round(row.bufferDelayMs),
    latencyMsP95: rounded(row.latencyMsP95),
    similarity: row.similarity === null ? null : round(row.similarity, 3),
  };
}

function rounded(value: number | null): number | null {
  return value === null ? null : round(value);
}
