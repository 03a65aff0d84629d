import { describe, expect, it } from "vitest";
import { FrameFanOut } from "../../../src/media/video/frame-fan-out.ts";
import { FakeSink } from "./pictures.ts";

function world(...names: string[]) {
  const fanOut = new FrameFanOut("VP8", 1);
  const sinks = names.map((name) => new FakeSink(name));
  /** Code a picture for these and send it. Returns whether somebody can begin only at a keyframe. */
  const code = (position: number, kind: "K" | "d", to: readonly FakeSink[] = sinks): boolean => {
    const isNew = fanOut.join(to, position);
    fanOut.send(frame(position, kind), to);
    return isNew;
  };
  return { fanOut, sinks, code };
}

const frame = (position: number, kind: "K" | "d") => ({
  position,
  captureUs: 0,
  isKeyframe: kind === "K",
  width: 2,
  height: 2,
  data: new Uint8Array(kind === "K" ? 3000 : 100),
});

describe("links that share a stream", () => {
  it("get nothing before their first keyframe, and say so once", () => {
    const { sinks, code } = world("a", "b");
    const [a, b] = sinks as [FakeSink, FakeSink];
    expect([code(1, "K", [a]), code(2, "d"), code(3, "d"), code(4, "K"), code(5, "d")]).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    expect([a.positions, b.positions]).toEqual([
      [1, 2, 3, 4, 5],
      [4, 5],
    ]);
  });

  it("wait for a keyframe again when a frame was coded without them", () => {
    const { sinks, code } = world("a", "b");
    const [a, b] = sinks as [FakeSink, FakeSink];
    code(1, "K");
    code(2, "d", [a]);
    expect(code(3, "d")).toBe(true);
    code(4, "K");
    expect([a.positions, b.positions]).toEqual([
      [1, 2, 3, 4],
      [1, 4],
    ]);
  });

  it("that join while a frame for others is coded keep their place", () => {
    const { fanOut, sinks } = world("a", "b");
    const [a, b] = sinks as [FakeSink, FakeSink];
    fanOut.join([a], 1);
    fanOut.join([a, b], 2);
    fanOut.send(frame(1, "K"), [a]);
    fanOut.send(frame(2, "K"), [a, b]);
    expect([a.positions, b.positions]).toEqual([[1, 2], [2]]);
  });

  it("that come back begin at a keyframe made for them since, not at one still under way from before", () => {
    const { fanOut, sinks, code } = world("a", "b");
    const [a, b] = sinks as [FakeSink, FakeSink];
    fanOut.join([a, b], 1);
    fanOut.release("a");
    fanOut.join([a, b], 3);
    fanOut.send(frame(1, "K"), [a, b]);
    fanOut.send(frame(2, "d"), [b]);
    code(3, "d");
    code(4, "K");
    code(5, "d");
    expect([a.positions, b.positions]).toEqual([
      [4, 5],
      [1, 2, 3, 4, 5],
    ]);
  });

  it("all wait for a keyframe when one frame is missing", () => {
    const { fanOut, sinks, code } = world("a", "b");
    code(1, "K");
    fanOut.interrupt();
    code(3, "d");
    code(4, "K");
    for (const sink of sinks) expect(sink.positions).toEqual([1, 4]);
  });

  it("share the payloads of a frame, and miss nothing when there is no byte in one", () => {
    const { fanOut, sinks, code } = world("a", "b");
    const [a, b] = sinks as [FakeSink, FakeSink];
    code(1, "K");
    expect(a.frames[0]?.payloads).toHaveLength(3);
    expect(b.frames[0]?.payloads).toBe(a.frames[0]?.payloads);
    fanOut.send({ ...frame(2, "d"), data: new Uint8Array() }, [a]);
    code(3, "d");
    expect([a.positions, b.positions]).toEqual([
      [1, 3],
      [1, 3],
    ]);
  });

  it("are forgotten by peer", () => {
    const { fanOut, code, sinks } = world("a", "b");
    code(1, "K");
    fanOut.release("a");
    expect([fanOut.has("a"), fanOut.has("b")]).toEqual([false, true]);
    fanOut.send(frame(2, "d"), sinks);
    expect(sinks.map(({ positions }) => positions)).toEqual([[1], [1, 2]]);
  });
});
