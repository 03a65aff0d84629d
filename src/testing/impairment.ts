// What to do to the traffic of one direction, in the words of a command line; checked, and as a link model. Pure.
import { TransportError } from "../errors/errors.ts";
import type { LinkModelOptions } from "./link-model.ts";

/** What one direction of a path suffers. All fields may be left out; none of them: nothing happens. */
export interface Impairment {
  /** Probability that a packet is lost, 0 to 1. */
  loss?: number | undefined;
  /** Delay of every packet, ms, one way. */
  delayMs?: number | undefined;
  /** Up to this much more per packet, ms, evenly distributed. Packets stay in order: they wait for the one before. */
  jitterMs?: number | undefined;
  /** Probability that a packet takes 30 ms more and others overtake it, 0 to 1. */
  reorder?: number | undefined;
  /** Probability of a second copy within 5 ms, 0 to 1. SRTP drops copies: only ICE and DTLS see them. */
  duplicate?: number | undefined;
  /** Rate of a bottleneck with a queue of 200 ms, in kbit/s with IP and UDP headers. */
  rateKbps?: number | undefined;
  /** Seconds from the beginning of one outage to that of the next; together with `outageMs`. */
  outageEveryS?: number | undefined;
  /** How long everything is lost then, ms; less than `outageEveryS`. */
  outageMs?: number | undefined;
  /** Equal seeds decide alike; a whole number, default 1. */
  seed?: number | undefined;
}

/** More than one 20 ms packet, so that at least one overtakes. */
const REORDER_EXTRA_MS = 30;

interface Expectation {
  readonly words: string;
  fits(value: number): boolean;
}

const between = (least: number, most: number, what: string): Expectation => ({
  words: `${what} from ${least} to ${most}`,
  fits: (value) => value >= least && value <= most,
});

const PROBABILITY = between(0, 1, "a probability");
const DELAY = between(0, 10_000, "milliseconds");

const EXPECTATIONS: Readonly<Record<keyof Impairment, Expectation>> = {
  loss: PROBABILITY,
  delayMs: DELAY,
  jitterMs: DELAY,
  reorder: PROBABILITY,
  duplicate: PROBABILITY,
  rateKbps: between(1, 1_000_000, "kbit/s"),
  outageEveryS: between(0.1, 86_400, "seconds"),
  outageMs: between(1, 86_400_000, "milliseconds"),
  seed: {
    words: "a whole number from 0",
    fits: (value) => Number.isSafeInteger(value) && value >= 0,
  },
};

/**
 * Read an impairment as it stands on a command line: `loss=0.05,jitterMs=30,seed=7`.
 *
 * @throws TransportError `INVALID_CONFIG` with every fault, each naming the key and what is expected of it
 */
export function parseImpairment(text: string): Impairment {
  const found = new Map<string, number>();
  const faults: Fault[] = [];
  for (const part of text.split(",")) {
    const equals = part.indexOf("=");
    const key = (equals < 0 ? part : part.slice(0, equals)).trim();
    const value = equals < 0 ? "" : part.slice(equals + 1).trim();
    if (equals < 0 || key === "") {
      faults.push({ path: key, message: `expected name=value, not ${JSON.stringify(part)}` });
    } else if (found.has(key)) {
      faults.push({ path: key, message: "expected once, not twice" });
    } else if (value === "" || !Number.isFinite(Number(value))) {
      found.set(key, NaN);
      faults.push({ path: key, message: complaint(key, value) });
    } else {
      found.set(key, Number(value));
    }
  }
  const impairment: Impairment = Object.fromEntries(found);
  const known = new Set(faults.map(({ path }) => path));
  faults.push(...faultsOf(impairment).filter(({ path }) => !known.has(path)));
  if (faults.length > 0) throw invalid(faults);
  return impairment;
}

/**
 * Check what a program hands over.
 *
 * @throws TransportError `INVALID_CONFIG` with every fault
 */
export function checkImpairment(impairment: Impairment): void {
  const faults = faultsOf(impairment);
  if (faults.length > 0) throw invalid(faults);
}

/** The link model that does it; `outages` come on top. Times are local ms of whoever feeds the model. */
export function impairedLink(
  impairment: Impairment,
  outages: NonNullable<LinkModelOptions["outages"]> = [],
): LinkModelOptions {
  const { loss = 0, delayMs = 0, jitterMs = 0, reorder = 0, duplicate = 0 } = impairment;
  const { rateKbps, outageEveryS, outageMs } = impairment;
  return {
    delayMs,
    jitter: { uniformMs: jitterMs },
    loss,
    reorder: { probability: reorder, extraMs: REORDER_EXTRA_MS },
    duplication: duplicate,
    outages,
    ...(rateKbps === undefined ? {} : { rate: { kbps: rateKbps } }),
    ...(outageEveryS === undefined || outageMs === undefined
      ? {}
      : { recurringOutage: { everyMs: outageEveryS * 1000, lengthMs: outageMs } }),
  };
}

type Fault = { path: string; message: string };

function faultsOf(impairment: Impairment): Fault[] {
  const faults: Fault[] = [];
  for (const [key, value] of Object.entries(impairment) as [string, unknown][]) {
    const expectation = expectationOf(key);
    if (expectation !== undefined && value === undefined) continue;
    if (expectation !== undefined && typeof value === "number" && expectation.fits(value)) continue;
    faults.push({ path: key, message: complaint(key, value) });
  }
  const { outageEveryS, outageMs } = impairment;
  if ((outageEveryS === undefined) !== (outageMs === undefined)) {
    const [path, other] =
      outageMs === undefined ? ["outageEveryS", "outageMs"] : ["outageMs", "outageEveryS"];
    faults.push({ path, message: `expected together with ${other}` });
  } else if (outageEveryS !== undefined && outageMs !== undefined && outageMs >= outageEveryS * 1000) {
    faults.push({ path: "outageMs", message: `expected less than outageEveryS (${outageEveryS} s)` });
  }
  return faults;
}

function expectationOf(key: string): Expectation | undefined {
  return Object.hasOwn(EXPECTATIONS, key) ? EXPECTATIONS[key as keyof Impairment] : undefined;
}

function complaint(key: string, value: unknown): string {
  const expectation = expectationOf(key);
  if (expectation === undefined) return `unknown; expected one of ${Object.keys(EXPECTATIONS).join(", ")}`;
  const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
  return `expected ${expectation.words}, not ${shown}`;
}

function invalid(faults: readonly Fault[]): TransportError {
  const words = faults.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`));
  return new TransportError("INVALID_CONFIG", `impairment: ${words.join("; ")}`, {
    details: { issues: faults.map((fault) => ({ ...fault })) },
  });
}
