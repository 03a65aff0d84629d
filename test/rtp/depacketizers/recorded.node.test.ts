// A recorded call in VP9, as it is and broken in every way. Many of its packets were lost on the way.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { Vp9RtpPayload } from "werift";
import { readTrace } from "../../../src/cli/replay/trace.ts";
import { depacketizeVp9 } from "../../../src/rtp/depacketizers/vp9.ts";
import { parseRtp } from "../../../src/rtp/packet.ts";
import type { RtpPacket } from "../../../src/rtp/packet.ts";
import type { VideoPayload } from "../../../src/rtp/video-payload.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { describeUnless } from "../../needs.ts";
import { lacksRecordings, recordings } from "../../recordings.ts";
import { accepted } from "../coded-frames.ts";

const file = recordings("pcap").find((name) => name.endsWith("vp9.pcap"));
const missing = file === undefined ? lacksRecordings("vp9.pcap") : undefined;

function recorded(): { packet: RtpPacket; read: VideoPayload }[] {
  return readTrace(readFileSync(file ?? "")).packets.map(({ packet: bytes }) => {
    const packet = parseRtp(bytes);
    if (typeof packet === "string") throw new Error(`refused: ${packet}`);
    return { packet, read: accepted(depacketizeVp9(packet.payload, packet.marker)) };
  });
}

describeUnless(missing, "recorded VP9 packets", { timeout: 60_000 }, () => {
  // What is known without the payloads: 316 packets, 93 times, 33 markers. By the payloads' first bytes 87 begin a frame
  // (B) and one, the first, is not predicted (P).
  it("are the parts of 93 frames, the first a keyframe", () => {
    const packets = recorded();
    expect(packets.length).toBe(316);
    const times = [...new Set(packets.map(({ packet }) => packet.timestamp))];
    const ids = [...new Set(packets.map(({ read }) => read.pictureId))];
    expect(times.length).toBe(93);
    expect(ids).toEqual(Array.from({ length: 93 }, (_, i) => 26_363 + i));
    for (const { packet, read } of packets) {
      expect(times.indexOf(packet.timestamp)).toBe(ids.indexOf(read.pictureId));
      expect(read.isFrameEnd).toBe(packet.marker);
    }
    const count = (is: (read: VideoPayload) => boolean | undefined): number =>
      packets.filter(({ read }) => is(read)).length;
    expect(count(({ isFrameStart }) => isFrameStart)).toBe(87);
    expect(count(({ isFrameEnd }) => isFrameEnd)).toBe(33);
    expect(count(({ isKeyframe }) => isKeyframe)).toBe(1);
    expect(packets[0]?.read).toMatchObject({ isKeyframe: true, width: 494, height: 371, references: [] });
  });

  it("hold VP9 where a frame begins", () => {
    const heads = recorded()
      .filter(({ read }) => read.isFrameStart)
      .map(({ read }) => read.pieces[0]?.[0]);
    // Profile 0, shown; the first a keyframe, the others predicted.
    expect(heads).toEqual([0x82, ...new Array<number>(86).fill(0x86)]);
  });

  it("are to werift what they are to us", () => {
    for (const { packet, read } of recorded()) {
      const theirs = Vp9RtpPayload.deSerialize(Buffer.from(packet.payload));
      expect(theirs.payload.equals(read.pieces[0] ?? new Uint8Array(0))).toBe(true);
      expect([theirs.pictureId, theirs.isKeyframe]).toEqual([read.pictureId, read.isKeyframe]);
    }
  });

  it("make 17 frames of which nothing was lost", () => {
    const complete: number[] = [];
    let next: number | undefined;
    for (const { packet, read } of recorded()) {
      if (read.isFrameStart !== true && packet.sequenceNumber !== next) next = undefined;
      else next = packet.sequenceNumber + 1;
      if (next !== undefined && read.isFrameEnd) complete.push(read.pictureId ?? -1);
    }
    // Sixteen, the last of two packets, then one in two halves of which one is lost, then one of three.
    const first = Array.from({ length: 16 }, (_, i) => 26_363 + i);
    expect(complete).toEqual([...first, 26_380]);
  });

  it("are read or refused when bytes of them are changed or missing", () => {
    const seed = "recorded VP9";
    const random = new SeededRandom(seed);
    const packets = recorded();
    const results = new Map<string, number>();
    for (let round = 0; round < 10_000; round++) {
      const { payload } = packets[round % packets.length]?.packet ?? { payload: new Uint8Array(0) };
      const bytes = payload.slice(0, random.integer(0, payload.length));
      // Most of what can go wrong is in front.
      const bound = Math.min(bytes.length, random.chance(0.8) ? 16 : bytes.length) - 1;
      for (let change = random.integer(0, 3); change > 0 && bound >= 0; change--) {
        bytes[random.integer(0, bound)] = random.integer(0, 255);
      }
      try {
        const result = depacketizeVp9(bytes, random.chance(0.5));
        const what = typeof result === "string" ? result : "read";
        results.set(what, (results.get(what) ?? 0) + 1);
      } catch (error) {
        expect.fail(`seed "${seed}", round ${round}: ${String(error)}`);
      }
    }
    expect([...results.keys()].sort()).toEqual(["empty", "read", "reserved", "truncated"]);
    expect(results.get("read")).toBeGreaterThan(5_000);
  });
});
