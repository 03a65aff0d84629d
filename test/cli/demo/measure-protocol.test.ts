import { describe, expect, it } from "vitest";
import {
  decodeBlock,
  encodeBlock,
  MAX_BLOCK_SAMPLES,
  parseDemoMessage,
  parsePageMessage,
} from "../../../src/cli/demo/measure-protocol.ts";
import type { MeasuredBlock } from "../../../src/cli/demo/measure-protocol.ts";
import { ClockEstimate } from "../../../src/cli/demo/page/clock-estimate.ts";
import { seededRandom } from "../../../src/cli/demo/voice.ts";

const received: MeasuredBlock = {
  kind: "received",
  from: "bob",
  runMs: 1234.5,
  missing: 960,
  pcm: Int16Array.of(1, -2, 32_767, -32_768),
};
const sent: MeasuredBlock = { kind: "sent", from: "", runMs: 0, missing: 0, pcm: Int16Array.of(7) };

describe("blocks", () => {
  it.each([received, sent, { ...received, from: "four" }])("survive the way there", (block) => {
    expect(decodeBlock(encodeBlock(block))).toEqual(block);
  });

  it("are read from any place in a buffer", () => {
    const bytes = encodeBlock(received);
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(decodeBlock(shifted.subarray(3))).toEqual(received);
  });

  it.each([
    ["an impossible sender", encodeBlock({ ...received, from: "../../etc" })],
    ["no sender", encodeBlock({ ...received, from: "" })],
    ["a sender of one's own", encodeBlock({ ...sent, from: "bob" })],
    ["no samples", encodeBlock({ ...received, pcm: new Int16Array(0) })],
    ["too many samples", encodeBlock({ ...received, pcm: new Int16Array(MAX_BLOCK_SAMPLES + 1) })],
    ["a time that is none", encodeBlock({ ...received, runMs: NaN })],
    ["a time before the run", encodeBlock({ ...received, runMs: -1 })],
    ["an unknown kind", Uint8Array.from(encodeBlock(received)).fill(9, 0, 1)],
    ["half a header", encodeBlock(received).slice(0, 10)],
    ["half a sample", encodeBlock(received).slice(0, -1)],
  ])("with %s are none", (_, bytes) => {
    expect(decodeBlock(bytes)).toBeUndefined();
  });

  it("never throw on mutated bytes", () => {
    const random = seededRandom(3);
    for (let round = 0; round < 5_000; round++) {
      const bytes = encodeBlock(received).slice(0, Math.floor(random() * 32));
      for (let i = 0; i < 3 && bytes.length > 0; i++) {
        bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      }
      expect(() => decodeBlock(bytes), `round ${round}`).not.toThrow();
    }
  });
});

describe("messages of a page", () => {
  const picture = {
    ...{ code: { frameNumber: 7, sender: 3 }, receivedMs: 99.5 },
    ...{ isKeyframe: false, psnrDb: 38.2, avOffsetMs: -4 },
  };
  const counters = {
    from: "bob",
    packets: 3,
    lost: 0,
    concealed: 960,
    bufferDelayMs: 40.5,
    driftPpm: -180.2,
  };

  it.each([
    { type: "hello", peerId: "guest-1" },
    { type: "ping", pageMs: 12.5 },
    { type: "counters", rows: [counters] },
    { type: "counters", rows: [{ ...counters, driftPpm: null }] },
    { type: "counters", rows: [] },
    { type: "shown", pictures: [0, 10.5, 9.5, 2 ** 24 - 1, 20, 19] },
    { type: "seen", from: "alice", pictures: [picture, { ...picture, code: null, psnrDb: null }] },
  ])("are understood: %j", (message) => {
    expect(parsePageMessage(JSON.stringify(message))).toEqual(message);
  });

  it.each([
    "",
    "null",
    "[]",
    '{"type":"hello","peerId":"a b"}',
    '{"type":"hello"}',
    '{"type":"ping","pageMs":"1"}',
    '{"type":"table"}',
    '{"type":"counters","rows":{}}',
    '{"type":"counters","rows":[null]}',
    JSON.stringify({ type: "counters", rows: [{ ...counters, lost: -1 }] }),
    JSON.stringify({ type: "counters", rows: [{ ...counters, bufferDelayMs: null }] }),
    JSON.stringify({ type: "counters", rows: [{ ...counters, driftPpm: 1e7 }] }),
    JSON.stringify({ type: "counters", rows: [{ ...counters, driftPpm: undefined }] }),
    JSON.stringify({ type: "counters", rows: Array.from({ length: 17 }, () => counters) }),
    JSON.stringify({ type: "shown", pictures: [1, 2] }),
    JSON.stringify({ type: "shown", pictures: [2 ** 24, 1, 1] }),
    JSON.stringify({ type: "shown", pictures: [0.5, 1, 1] }),
    JSON.stringify({ type: "shown", pictures: [1, null, 1] }),
    JSON.stringify({ type: "shown", pictures: Array.from({ length: 195 }, () => 1) }),
    JSON.stringify({ type: "seen", pictures: [picture] }),
    JSON.stringify({ type: "seen", from: "alice", pictures: picture }),
    JSON.stringify({ type: "seen", from: "alice", pictures: Array.from({ length: 65 }, () => picture) }),
    JSON.stringify({ type: "seen", from: "alice", pictures: [null] }),
    JSON.stringify({ type: "seen", from: "alice", pictures: [{ ...picture, code: 7 }] }),
    JSON.stringify({ type: "seen", from: "alice", pictures: [{ ...picture, code: { frameNumber: 7 } }] }),
    JSON.stringify({ type: "seen", from: "alice", pictures: [{ ...picture, receivedMs: -1 }] }),
    JSON.stringify({ type: "seen", from: "alice", pictures: [{ ...picture, isKeyframe: 1 }] }),
    JSON.stringify({ type: "seen", from: "alice", pictures: [{ ...picture, psnrDb: "high" }] }),
  ])("are none: %s", (text) => {
    expect(parsePageMessage(text)).toBeUndefined();
  });
});

it("a page takes tables and pongs, and nothing else", () => {
  expect(parseDemoMessage('{"type":"pong","pageMs":1,"runMs":2}')).toMatchObject({ runMs: 2 });
  expect(parseDemoMessage('{"type":"table","rows":[],"video":[],"alignments":[]}')).toMatchObject({
    rows: [],
  });
  expect(parseDemoMessage('{"type":"table","rows":[]}')).toBeUndefined();
  expect(parseDemoMessage('{"type":"hello"}')).toBeUndefined();
  expect(parseDemoMessage("{")).toBeUndefined();
});

describe("ClockEstimate", () => {
  it("trusts the quickest ping, once there are a few", () => {
    const clock = new ClockEstimate();
    clock.add(100, 200, 10_100);
    clock.add(300, 302, 10_201);
    expect(clock.toRunMs(400)).toBeUndefined();
    clock.add(500, 900, 10_850);
    expect(clock.toRunMs(400)).toBe(10_300);
  });

  it("forgets old pings, so that it follows a clock that drifts", () => {
    const clock = new ClockEstimate();
    clock.add(0, 0, 0);
    for (let i = 1; i <= 30; i++) clock.add(i * 1_000, i * 1_000 + 2, i * 1_000 + 51);
    expect(clock.toRunMs(40_000)).toBe(40_050);
  });

  it("ignores answers from the future and times that are none", () => {
    const clock = new ClockEstimate();
    for (let i = 0; i < 5; i++) {
      clock.add(10, 5, 100);
      clock.add(10, 20, NaN);
    }
    expect(clock.toRunMs(0)).toBeUndefined();
  });
});
