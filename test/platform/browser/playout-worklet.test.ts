import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { PLAYOUT_PROCESSOR } from "../../../src/platform/browser/playout-messages.ts";
import type { PlayoutCommand, PlayoutReport } from "../../../src/platform/browser/playout-messages.ts";

/** What the worklet registers. */
interface Processor {
  port: FakePort;
  process(inputs: unknown, outputs: Float32Array[][]): boolean;
}

class FakePort {
  readonly reports: PlayoutReport[] = [];
  onmessage: ((event: { data: PlayoutCommand }) => void) | undefined;

  postMessage(report: PlayoutReport): void {
    this.reports.push(report);
  }
}

class FakeProcessor {
  readonly port = new FakePort();
}

let name = "";
let Registered: new (options: { processorOptions: { targetMs: number } }) => Processor;

beforeAll(async () => {
  vi.stubGlobal("sampleRate", 48_000);
  vi.stubGlobal("currentTime", 0);
  vi.stubGlobal("AudioWorkletProcessor", FakeProcessor);
  vi.stubGlobal("registerProcessor", (as: string, processor: typeof Registered) => {
    name = as;
    Registered = processor;
  });
  await import("../../../src/platform/browser/playout-worklet.ts");
});
afterAll(() => vi.unstubAllGlobals());

/** Process `blocks` of 128 frames on the audio clock; the last output. */
function run(processor: Processor, blocks: number): { alive: boolean; last: number } {
  let alive = true;
  const output = [new Float32Array(128), new Float32Array(128)];
  for (let block = 0; block < blocks; block++) {
    alive = processor.process([], [output]);
    vi.stubGlobal(
      "currentTime",
      (globalThis as unknown as { currentTime: number }).currentTime + 128 / 48_000,
    );
  }
  return { alive, last: output[0]?.at(-1) ?? NaN };
}

it("plays what it is told to, and reports ten times a second", () => {
  const processor = new Registered({ processorOptions: { targetMs: 0 } });
  const tell = (data: PlayoutCommand): void => processor.port.onmessage?.({ data });
  expect(name).toBe(PLAYOUT_PROCESSOR);
  tell({
    type: "push",
    peerId: "alice",
    samples: new Float32Array(9600).fill(0.5),
    channels: 1,
    sampleRate: 48_000,
  });
  tell({ type: "gain", peerId: "alice", gain: 0.5 });
  expect(run(processor, 30)).toEqual({ alive: true, last: 0.25 });
  tell({ type: "remove", peerId: "alice" });
  expect(run(processor, 345).last).toBe(0); // together one second
  expect(processor.port.reports).toHaveLength(10);
  expect(processor.port.reports[0]).toHaveProperty("alice");
  expect(processor.port.reports.at(-1)).toEqual({});
});

it("lets the node go when it is closed, and copes with an output that is not there", () => {
  const processor = new Registered({ processorOptions: { targetMs: 0 } });
  expect(processor.process([], [])).toBe(true);
  processor.port.onmessage?.({ data: { type: "close" } });
  expect(run(processor, 1).alive).toBe(false);
});
