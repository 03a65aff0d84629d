// Time scaling of recorded speech.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { expect, it } from "vitest";
import { TimeScaler } from "../../src/wasm/time-scale.ts";
import { describeUnless } from "../needs.ts";
import { lacksRecordings, recordings } from "../recordings.ts";
import { levelErrors, play, sharpestClick, spectralDistance } from "./scaled-sound.ts";

const SAMPLE_RATE = 8000;
const RTP_HEADER = 12;
const DUMP_HEADER = 8;

const path = recordings("rtp").find((name) => basename(name) === "stereo_pcmu.rtp") ?? "";
const missing = path === "" ? lacksRecordings("stereo_pcmu.rtp") : undefined;

/** The packets of an rtpdump file: a line of text, 16 bytes, then records. */
function payloads(file: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = file.indexOf("\n") + 1 + 16; at + DUMP_HEADER <= file.length;) {
    const length = file.readUInt16BE(at);
    found.push(file.subarray(at + DUMP_HEADER + RTP_HEADER, at + length));
    at += length;
  }
  return found;
}

/** One byte of G.711 mu-law as a float. */
function fromMuLaw(code: number): number {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + 0x84) << ((bits >> 4) & 7)) - 0x84;
  return ((bits & 0x80) !== 0 ? -magnitude : magnitude) / 32_768;
}

/** The left channel of interleaved stereo. */
function left(stereo: Float32Array): Float32Array {
  return Float32Array.from({ length: stereo.length / 2 }, (_, i) => stereo[2 * i] as number);
}

describeUnless(missing, "recorded speech", { timeout: 60_000 }, () => {
  it.each([-1, 1])("moved by %d ms every 20 ms stays what it was", (rateMs) => {
    const bytes = Buffer.concat(payloads(readFileSync(path)));
    const stereo = Float32Array.from(bytes, fromMuLaw);
    expect(stereo.length / 2 / SAMPLE_RATE).toBeGreaterThan(40);
    const scaler = new TimeScaler({ sampleRate: SAMPLE_RATE, channels: 2 });
    const played = play((samples, wantedMs) => scaler.process(samples, wantedMs), stereo, {
      sampleRate: SAMPLE_RATE,
      channels: 2,
      rateMs,
    });
    scaler.close();
    expect(Math.abs(played.changedMs - played.askedMs)).toBeLessThan(25);
    expect(played.largestDebtMs).toBeLessThan(25);
    const scaled = { ...played, input: left(played.input), output: left(played.output) };
    const { hole, bump } = levelErrors(scaled);
    expect(hole).toBeGreaterThan(-3);
    expect(bump).toBeLessThan(3);
    expect(sharpestClick(scaled)).toBeLessThan(6);
    expect(spectralDistance(scaled)).toBeLessThan(1);
  });
});
