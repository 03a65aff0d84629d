import { describe, expect, it } from "vitest";
import type { VideoData } from "../../src/runtime/data.ts";
import { FakeSink, dataOf, gray } from "../media/video/pictures.ts";
import { only, videoWorld } from "./video-world.ts";

describe("what goes wrong", () => {
  it("names a codec that cannot be made, once, fails its links alone, and tries again later", async () => {
    const { play, outgoing, told, made } = videoWorld({
      refuse: (codec, nowMs) => codec === "H264" && nowMs < 2500,
    });
    const [good, bad] = [new FakeSink("a", "VP9"), new FakeSink("b", "H264")];
    const results = await play(120, [good, bad]);
    expect(told).toEqual([["error", "H264 cannot be encoded: out of order"]]);
    expect(results.slice(0, 90)).toEqual(only("failed: b", 90));
    expect(results.at(-1)).toBe("ok");
    expect(made.filter(({ codec }) => codec === "H264")).toHaveLength(3);
    expect(bad.kinds).toMatch(/^Kd+$/);
    expect(good.frames).toHaveLength(120);
    outgoing.close();
  });

  it("rejects what nobody could be sent", async () => {
    const { play, outgoing } = videoWorld({ refuse: () => true });
    expect(await play(3, [new FakeSink("a")])).toEqual(only("ENCODING_ERROR", 3));
    outgoing.close();
  });

  it("refuses what is no picture, whoever it is for", async () => {
    const { outgoing } = videoWorld();
    const bad = { ...gray(1), width: 7 };
    await expect(outgoing.send(bad, [])).rejects.toMatchObject({ code: "INVALID_DATA" });
    expect(await outgoing.send(gray(1), [])).toEqual(new Map());
  });

  it("warns of encoders that take over 30 ms for a picture, at most each 10 s", async () => {
    const { play, outgoing, told } = videoWorld({ encodeMs: 31 });
    await play(330, [new FakeSink("a")]);
    expect(told.map(([event]) => event)).toEqual(["warning", "warning"]);
    expect(told[0]?.[1]).toContain("31 ms");
    outgoing.close();
    const quick = videoWorld({ encodeMs: 30 });
    await quick.play(30, [new FakeSink("a")]);
    expect(quick.told).toEqual([]);
    quick.outgoing.close();
  });

  it("settles what waits when it is closed, and leaves no timer", async () => {
    const { clock, play, outgoing } = videoWorld({ loadMs: 5000 });
    const waiting = outgoing.send(gray(1), [new FakeSink("a")]);
    outgoing.close();
    await waiting;
    expect(await play(1, [new FakeSink("b")])).toEqual(["ALREADY_SHUTDOWN"]);
    await clock.run(10_000);
    expect(clock.pending).toBe(0);
  });

  it("forgets a peer that is gone, and closes what was only for it", async () => {
    const { clock, play, outgoing } = videoWorld();
    await play(2, [new FakeSink("a")]);
    outgoing.demand("a", { type: "pli" });
    outgoing.release("a");
    expect(clock.pending).toBe(0);
    expect(outgoing.stats.codecs[0]?.encoded).toBe(2);
  });
});

describe("pictures that come encoded", () => {
  const coded = (isKeyframe: boolean, frameNumber?: number): Partial<VideoData> => ({
    format: "encoded",
    codec: "VP8",
    data: Uint8Array.of(isKeyframe ? 0x10 : 0x11, 5, 6, 7),
    isKeyframe,
    ...(frameNumber !== undefined && { frameNumber }),
  });

  it("pass to links of their codec without an encoder, from a keyframe on", async () => {
    const { play, outgoing, made } = videoWorld();
    const [vp8, vp9] = [new FakeSink("a", "VP8"), new FakeSink("b", "VP9")];
    const sinks = [vp8, vp9];
    expect(await play(2, sinks, coded(false))).toEqual(only("failed: b", 2));
    await play(1, sinks, coded(true));
    await play(2, sinks, coded(false));
    expect([vp8.kinds, vp9.kinds, made]).toEqual(["Kdd", "", []]);
    const [frame] = vp8.frames;
    expect(frame && [...dataOf("VP8", frame)]).toEqual([0x10, 5, 6, 7]);
    expect(await play(1, [vp9, new FakeSink("c", "VP8", "track")], coded(true))).toEqual(["ENCODING_ERROR"]);
    outgoing.close();
  });

  it("go on at a keyframe after a number that is missing", async () => {
    const { play, outgoing } = videoWorld();
    const sink = new FakeSink("a", "VP8");
    for (const [isKeyframe, number] of [
      [true, 4],
      [false, 5],
      [false, 7],
      [false, 8],
      [true, 9],
      [false, 10],
    ] as const) {
      await play(1, [sink], coded(isKeyframe, number));
    }
    expect(sink.kinds).toBe("KdKd");
    outgoing.close();
  });
});
