// What werift, an independent implementation, makes of the same payloads: those of our packetizers, and
// such as they never make.
import { describe, expect, it } from "vitest";
import { RtpHeader, RtpPacket, Vp8RtpPayload, Vp9RtpPayload, dePacketizeRtpPackets } from "werift";
import type { DepacketizerCodec } from "werift";
import type { VideoCodecName } from "../../../src/platform/video-codecs.ts";
import { depacketizeVp8 } from "../../../src/rtp/depacketizers/vp8.ts";
import { depacketizeVp9 } from "../../../src/rtp/depacketizers/vp9.ts";
import { DEPACKETIZERS, createPacketizer } from "../../../src/rtp/video-formats.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { accepted, codedFrame, hexOf, joined } from "../coded-frames.ts";

const NAMES: Record<VideoCodecName, DepacketizerCodec> = { VP9: "VP9", H264: "MPEG4/ISO/AVC", VP8: "VP8" };

describe.each(["VP9", "H264", "VP8"] as const)("payloads of %s and werift", (codec) => {
  it("agree on frames of all sizes", () => {
    const seed = `werift and ${codec}`;
    const random = new SeededRandom(seed);
    const packetizer = createPacketizer(codec, 32_700);
    for (let round = 0; round < 200; round++) {
      const frame = codedFrame(codec, random.chance(0.3), random.integer(2, 10_000), random);
      const payloads = packetizer.packetize(frame, random.integer(100, 1200));
      const theirs = dePacketizeRtpPackets(
        NAMES[codec],
        payloads.map((payload) => new RtpPacket(new RtpHeader(), Buffer.from(payload))),
      );
      const ours = payloads.map((payload) => accepted(DEPACKETIZERS[codec](payload, false)));
      const data = joined(ours.flatMap(({ pieces }) => pieces));
      expect(theirs.data.equals(data), `seed "${seed}", round ${round}`).toBe(true);
      // werift looks into no STAP-A, where the keyframes of H.264 begin.
      if (codec === "H264") continue;
      expect(theirs.isKeyframe).toBe(ours.some(({ isKeyframe }) => isKeyframe));
    }
  });
});

/** A descriptor of VP9 with everything drawn at random, and a frame behind it that looks like VP9 now and then. */
function vp9Payload(random: SeededRandom): Uint8Array {
  const bits = (count: number): number => random.integer(0, 2 ** count - 1);
  const flexible = random.chance(0.5);
  const flags = bits(8) & ~0x10;
  const bytes = [flexible ? flags | 0x90 : flags];
  const has = (flag: number): boolean => ((bytes[0] ?? 0) & flag) !== 0;
  if (has(0x80)) bytes.push(...(random.chance(0.5) ? [0x80 | bits(7), bits(8)] : [bits(7)]));
  if (has(0x20)) bytes.push(...(flexible ? [bits(8)] : [bits(8), bits(8)]));
  if (flexible && has(0x40)) {
    const references = random.integer(1, 3);
    for (let left = references; left > 0; left--)
      bytes.push((random.integer(1, 127) << 1) | (left > 1 ? 1 : 0));
  }
  if (has(0x02)) {
    const head = bits(8);
    bytes.push(head);
    if ((head & 0x10) !== 0) bytes.push(...random.bytes(4 * ((head >> 5) + 1)).map((byte) => byte | 1));
    const pictures = (head & 0x08) !== 0 ? random.integer(0, 9) : 0;
    if ((head & 0x08) !== 0) bytes.push(pictures);
    for (let i = 0; i < pictures; i++) {
      const picture = bits(8);
      bytes.push(picture, ...random.bytes((picture >> 2) & 3));
    }
  }
  return joined([Uint8Array.from(bytes), random.bytes(random.integer(1, 30))]);
}

/** A descriptor of VP8 with those extensions together that RFC 7741 lets be together. */
function vp8Payload(random: SeededRandom): Uint8Array {
  const bits = (count: number): number => random.integer(0, 2 ** count - 1);
  const flags = bits(8);
  const bytes = [flags];
  if ((flags & 0x80) !== 0) {
    // L comes with T; T without L or K is what werift takes for data.
    const layers = [0, 0x60, 0x10, 0x30, 0x70][random.integer(0, 4)] ?? 0;
    const extensions = bits(4) | layers | (random.chance(0.7) ? 0x80 : 0);
    bytes.push(extensions);
    if ((extensions & 0x80) !== 0)
      bytes.push(...(random.chance(0.5) ? [0x80 | bits(7), bits(8)] : [bits(7)]));
    if ((extensions & 0x40) !== 0) bytes.push(bits(8));
    if ((extensions & 0x30) !== 0) bytes.push(bits(8));
  }
  return joined([Uint8Array.from(bytes), random.bytes(random.integer(1, 30))]);
}

describe("descriptors and werift", () => {
  it("agree on VP9 of every kind", () => {
    const seed = "descriptors of VP9";
    const random = new SeededRandom(seed);
    for (let round = 0; round < 3000; round++) {
      const payload = vp9Payload(random);
      const { pieces, ...ours } = accepted(depacketizeVp9(payload, false));
      const theirs = Vp9RtpPayload.deSerialize(Buffer.from(payload));
      const layered = theirs.lBit === 1;
      const at = `seed "${seed}", round ${round}: ${hexOf(payload)}`;
      expect(hexOf(joined(pieces)), at).toBe(theirs.payload.toString("hex"));
      expect(ours, at).toMatchObject({
        pictureId: theirs.pictureId,
        temporalLayer: theirs.tid ?? 0,
        spatialLayer: theirs.sid ?? 0,
        isFrameStart: theirs.bBit === 1 ? (theirs.sid ?? 0) === 0 || undefined : false,
        isFrameEnd: theirs.eBit === 1 && !layered,
      });
      if (theirs.pBit === 1) expect(ours.references ?? [], at).toEqual(theirs.pDiff);
      // A keyframe for werift is whatever is not predicted; of random bytes we find some to be intra-only.
      if (ours.isKeyframe) expect(theirs.isKeyframe, at).toBe(true);
      if (ours.isKeyframe && theirs.width.length > 0) {
        expect([ours.width, ours.height], at).toEqual([theirs.width.at(-1), theirs.height.at(-1)]);
      }
    }
  });

  it("agree on VP8 of every kind", () => {
    const seed = "descriptors of VP8";
    const random = new SeededRandom(seed);
    for (let round = 0; round < 3000; round++) {
      const payload = vp8Payload(random);
      const { pieces, ...ours } = accepted(depacketizeVp8(payload, false));
      const theirs = Vp8RtpPayload.deSerialize(Buffer.from(payload));
      const at = `seed "${seed}", round ${round}: ${hexOf(payload)}`;
      expect(hexOf(joined(pieces)), at).toBe(theirs.payload.toString("hex"));
      expect(ours, at).toMatchObject({
        pictureId: theirs.pictureId,
        isFrameStart: theirs.payloadHeaderExist,
        isKeyframe: theirs.isKeyframe,
      });
    }
  });
});
