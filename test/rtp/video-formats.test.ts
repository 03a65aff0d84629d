// What all payload formats of video have to do, whatever the codec.
import { describe, expect, it } from "vitest";
import type { VideoCodecName } from "../../src/platform/video-codecs.ts";
import { DEPACKETIZERS, createPacketizer } from "../../src/rtp/video-formats.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { accepted, codedFrame, hexOf, joined, sameBytes } from "./coded-frames.ts";

const CODECS: readonly VideoCodecName[] = ["VP9", "H264", "VP8"];
const REFUSALS = ["truncated", "reserved", "empty"];

describe.each(CODECS)("the payload format of %s", (codec) => {
  const depacketize = DEPACKETIZERS[codec];

  it("gives frames back as they were, whatever their size and that of the payloads", () => {
    const seed = `round trips of ${codec}`;
    const random = new SeededRandom(seed);
    const packetizer = createPacketizer(codec, 0);
    for (let round = 0; round < 500; round++) {
      const maxBytes = random.integer(100, random.chance(0.5) ? 300 : 1500);
      const length = random.integer(1, random.chance(0.1) ? 40_000 : 2 * maxBytes);
      const frame = codedFrame(codec, random.chance(0.3), length, random);
      const payloads = packetizer.packetize(frame, maxBytes);
      const read = payloads.map((payload, i) => accepted(depacketize(payload, i === payloads.length - 1)));
      const [first, ...others] = read;
      const found = {
        fits: payloads.every((payload) => payload.length <= maxBytes),
        begins: first?.isFrameStart !== false && others.every(({ isFrameStart }) => isFrameStart !== true),
        endAt: read.findIndex(({ isFrameEnd }) => isFrameEnd),
        isKeyframe: first?.isKeyframe,
        size: [first?.width, first?.height],
        pictureIds: [...new Set(read.map(({ pictureId }) => pictureId))],
        same: sameBytes(joined(read.flatMap(({ pieces }) => pieces)), frame.data),
      };
      expect(found, `seed "${seed}", round ${round}`).toEqual({
        fits: true,
        begins: true,
        endAt: read.length - 1,
        isKeyframe: frame.isKeyframe,
        size: frame.isKeyframe ? [640, 360] : [undefined, undefined],
        pictureIds: codec === "H264" ? [undefined] : [round],
        same: true,
      });
    }
  });

  it("has no payload for a frame without bytes", () => {
    const frame = { data: new Uint8Array(0), isKeyframe: true, width: 640, height: 360 };
    expect(createPacketizer(codec, 0).packetize(frame, 1200)).toEqual([]);
  });

  it("leaves the frame alone, and gives payloads that do not change with it", () => {
    const random = new SeededRandom(1);
    const frame = codedFrame(codec, true, 50, random);
    const before = frame.data.slice();
    const [payload] = createPacketizer(codec, 0).packetize(frame, 1200);
    const sent = payload?.slice();
    expect(frame.data).toEqual(before);
    frame.data.fill(0);
    expect(payload).toEqual(sent);
  });

  it("refuses an empty payload", () => {
    expect(depacketize(new Uint8Array(0), true)).toBe("empty");
  });

  it("reads any bytes, or refuses them, and gives back no more than came", () => {
    const seed = `anything as ${codec}`;
    const random = new SeededRandom(seed);
    const seen = new Set<string>();
    for (let round = 0; round < 20_000; round++) {
      const payload = random.bytes(random.integer(1, random.chance(0.9) ? 20 : 400));
      const result = depacketize(payload, random.chance(0.5));
      if (typeof result === "string") {
        seen.add(result);
        continue;
      }
      seen.add("read");
      const { pieces, width = 1, height = 1, pictureId = 0, references = [] } = result;
      // A start code of four bytes takes the place of a length of two; FU-A has two bytes for the one of its unit.
      const room = payload.length + 2 * pieces.length + 4;
      const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
      const sound =
        length > 0 && length <= room && width > 0 && height > 0 && width <= 0xffff && height <= 0xffff;
      if (!sound || pictureId > 0x7fff || references.length > 3) {
        expect.fail(`seed "${seed}", round ${round}: ${hexOf(payload)}`);
      }
    }
    // Random bytes find everything but what VP8 has not.
    expect([...seen].sort()).toEqual(
      ["read", ...REFUSALS].filter((what) => codec !== "VP8" || what !== "reserved").sort(),
    );
  });

  it("reads sound payloads with bytes changed or missing", () => {
    const seed = `broken ${codec}`;
    const random = new SeededRandom(seed);
    const packetizer = createPacketizer(codec, 7);
    let read = 0;
    for (let round = 0; round < 2000; round++) {
      const frame = codedFrame(codec, random.chance(0.7), random.integer(1, 200), random);
      for (const payload of packetizer.packetize(frame, 100)) {
        const broken = payload.slice(0, random.integer(1, payload.length));
        const bound = Math.min(30, broken.length) - 1;
        for (let change = 0; change < 3; change++) broken[random.integer(0, bound)] = random.integer(0, 255);
        const result = depacketize(broken, true);
        if (typeof result !== "string") read++;
        else if (!REFUSALS.includes(result)) expect.fail(`seed "${seed}", round ${round}: ${result}`);
      }
    }
    expect(read).toBeGreaterThan(1000);
  });
});
