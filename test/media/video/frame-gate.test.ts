// What a browser hands over out of order and with gaps comes out in order, and nothing that cannot be decoded.
import { describe, expect, it } from "vitest";
import { FrameGate } from "../../../src/media/video/frame-gate.ts";
import type { EncodedVideoFrame } from "../../../src/platform/video-link.ts";
import { SeededRandom } from "../../../src/testing/random.ts";

/** Frames are written as their number, keyframes with a K before it. */
type Written = `${"K" | ""}${number}`;

function frameOf(written: Written, changes: Partial<EncodedVideoFrame> = {}): EncodedVideoFrame {
  const isKeyframe = written.startsWith("K");
  const frameId = Number(written.replace("K", ""));
  return {
    ...{ ssrc: 1, payloadType: 98, codec: "VP9", data: new Uint8Array(1), arrivalMs: 0 },
    rtpTimestamp: (2 ** 32 - 9000 + frameId * 3000) >>> 0,
    ...{ isKeyframe, frameId, dependencies: isKeyframe ? [] : [frameId - 1] },
    ...changes,
  };
}

/** What comes out, `ask` among it for a keyframe that is asked for. */
function drain(gate: FrameGate): string[] {
  const all: string[] = [];
  for (let output = gate.poll(); output !== undefined; output = gate.poll()) {
    if (output.type === "keyframe-wanted") all.push("ask");
    else all.push(`${output.frame.isKeyframe ? "K" : ""}${output.frame.frameId ?? "?"}`);
  }
  return all;
}

function take(gate: FrameGate, written: readonly Written[], nowMs = 0): string[] {
  return written.flatMap((one) => {
    gate.handle({ type: "frame", frame: frameOf(one) }, nowMs);
    return drain(gate);
  });
}

describe("the gate of a browser's frames", () => {
  it.each<[string, Written[], string]>([
    ["lets pass what is in order, over the wrap of timestamps", ["K1", "2", "3", "4", "5"], "K1 2 3 4 5"],
    ["puts in its place what was sent again", ["K1", "3", "4", "2", "5"], "K1 2 3 4 5"],
    ["lets nothing pass behind a gap", ["K1", "3", "4"], "K1"],
    ["goes on at a keyframe", ["K1", "3", "4", "K5", "6"], "K1 K5 6"],
    ["lets nothing pass before the first keyframe", ["1", "2", "K3", "4"], "K3 4"],
    ["leaves out what comes behind a later keyframe", ["K1", "3", "K5", "2", "4", "6"], "K1 K5 6"],
    ["leaves out copies", ["K1", "2", "2", "K1", "3"], "K1 2 3"],
    ["follows numbers that begin anew at a keyframe", ["K7", "8", "K9", "10"], "K7 8 K9 10"],
  ])("%s", (_, written, expected) => {
    expect(take(new FrameGate(), written).join(" ")).toBe(expected);
  });

  it("asks for a keyframe when one is missing for long, and again, but not once nothing waits", () => {
    const gate = new FrameGate();
    take(gate, ["K1", "3"], 100);
    expect(gate.deadlineMs).toBe(350);
    gate.handle({ type: "timeout" }, 349);
    expect(drain(gate)).toEqual([]);
    gate.handle({ type: "timeout" }, 350);
    expect(drain(gate)).toEqual(["ask"]);
    gate.handle({ type: "timeout" }, 1350);
    expect(drain(gate)).toEqual(["ask"]);
    expect(take(gate, ["2"], 1400)).toEqual(["2", "3"]);
    expect(gate.deadlineMs).toBe(Infinity);
    expect(gate.counters).toEqual({ reordered: 1, dropped: 0 });
  });

  it("lets pass as they come those that nobody has numbered", () => {
    const gate = new FrameGate();
    const { frameId: _, dependencies: __, ...plain } = frameOf("4");
    gate.handle({ type: "frame", frame: plain }, 0);
    expect(drain(gate)).toEqual(["?"]);
    expect(gate.deadlineMs).toBe(Infinity);
  });

  it("begins anew with another stream", () => {
    const gate = new FrameGate();
    take(gate, ["K5", "7"]);
    gate.handle({ type: "frame", frame: frameOf("K1", { ssrc: 2 }) }, 0);
    expect(drain(gate)).toEqual(["K1"]);
    expect(gate.deadlineMs).toBe(Infinity);
    expect(gate.counters.dropped).toBe(1);
  });

  it("hands on frames whose references all came out, in order, whatever comes, and remembers few", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = new SeededRandom(`gate ${seed}`);
      const gate = new FrameGate();
      const out: number[] = [];
      const keyframes = new Set<number>([0]);
      const sent = Array.from({ length: 300 }, (_, number) => ({
        number,
        at: number + 20 * random.next() ** 4,
      }));
      for (const { number } of sent) if (random.next() < 0.02) keyframes.add(number);
      const coming = sent.filter(() => random.next() > 0.03).sort((a, b) => a.at - b.at);
      for (const { number, at } of coming) {
        const written: Written = keyframes.has(number) ? `K${number}` : `${number}`;
        gate.handle({ type: "frame", frame: frameOf(written) }, at * 33);
        if (at * 33 >= gate.deadlineMs) gate.handle({ type: "timeout" }, at * 33);
        out.push(
          ...drain(gate)
            .filter((one) => one !== "ask")
            .map((one) => Number(one.replace("K", ""))),
        );
      }
      const whole = out.every((number, i) => keyframes.has(number) || out[i - 1] === number - 1);
      const rising = out.every((number, i) => i === 0 || number > (out[i - 1] ?? NaN));
      expect([whole, rising, out.length > 0], `seed ${seed}`).toEqual([true, true, true]);
    }
  });
});
