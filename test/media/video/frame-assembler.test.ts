// Which packets make a frame, whatever order they come in.
import { describe, expect, it } from "vitest";
import { FrameAssembler } from "../../../src/media/video/frame-assembler.ts";
import { NO_FRAME, PacketBuffer } from "../../../src/media/video/packet-buffer.ts";
import type { VideoPayload } from "../../../src/rtp/video-payload.ts";
import { SeededRandom } from "../../../src/testing/random.ts";

const SEED = 3;

/** How the packets of frames look: `(` begins, `)` ends, `-` neither, `?` does not say, `!` ends and does not say where
 * it begins, `o` does both, `.` holds no media. A digit before them is the timestamp. */
const LOOKS: Readonly<Record<string, Partial<VideoPayload> | undefined>> = {
  "(": { isFrameStart: true },
  ")": { isFrameStart: false, isFrameEnd: true },
  "-": { isFrameStart: false },
  "?": { isFrameStart: undefined },
  "!": { isFrameStart: undefined, isFrameEnd: true },
  o: { isFrameStart: true, isFrameEnd: true },
};

/** Put packets in, in an order of indices. @returns the frames found as `first-last`, in order of number */
function frames(packets: string, order?: readonly number[], trusted = false): string[] {
  const told = [...packets.matchAll(/(\d?)(\D)/g)];
  const buffer = new PacketBuffer();
  const assembler = new FrameAssembler(buffer);
  const numbers = order ?? [...told.keys()];
  let base = 0;
  for (const index of numbers) {
    const [, timestamp = "", look = ""] = told[index] as unknown as string[];
    const fields = LOOKS[look];
    const payload: VideoPayload | undefined = fields && {
      pieces: [Uint8Array.of(index)],
      isFrameStart: undefined,
      isFrameEnd: false,
      isKeyframe: false,
      temporalLayer: 0,
      spatialLayer: 0,
      ...fields,
    };
    const packet = {
      number: 0,
      timestamp: Number(timestamp),
      marker: false,
      payload,
      byteLength: 1,
      arrivalMs: index,
      captureUs: undefined,
      frame: NO_FRAME,
      isEnd: false,
      isKeyframe: false,
      torn: false,
    };
    buffer.insert(packet, 1000 + index, false, 0);
    base = packet.number - index;
    assembler.add(packet.number);
    if (trusted && index === 0) assembler.trust(packet.number);
  }
  const found: string[] = [];
  for (; buffer.first <= buffer.highest; buffer.release()) {
    const frame = assembler.frameAt(buffer.first);
    if (frame !== undefined) {
      found.push(`${frame.first - base}-${frame.last - base}`);
      const { data } = assembler.assemble(frame);
      expect([...data]).toEqual([...data].sort((a, b) => a - b));
    }
    const packet = buffer.get(buffer.first);
    if (packet !== undefined) assembler.leave(packet);
  }
  expect(assembler.waiting).toBe(0);
  return found;
}

describe("frames are put together", () => {
  it.each<[string, string, string[]]>([
    ["of packets that tell both ends", "1(1-1)2o3(3)", ["0-2", "3-3", "4-5"]],
    ["around packets without media", "1(.1).2o..3(.3)", ["0-2", "4-4", "7-9"]],
    ["not with a beginning within", "1(1(1)", ["1-2"]],
    ["not without a beginning", "1-1)2o", ["2-2"]],
    ["not across a change of the timestamp", "1(2)3o", ["2-2"]],
    ["behind an end, where beginnings are not told", "1?1!2?2!3!", ["2-3", "4-4"]],
    ["behind another timestamp, where beginnings are not told", "1?2?2!", ["1-2"]],
    ["behind packets without media, where beginnings are not told", "1!..2!.3?.3!", ["3-3", "5-7"]],
    ["behind what is told to be within, where beginnings are not told", "1?1-1!2?2-2!", ["3-5"]],
  ])("%s", (_how, packets, expected) => {
    expect(frames(packets)).toEqual(expected);
  });

  it("of what somebody believes to be a beginning", () => {
    expect(frames("1?1!2!", undefined, true)).toEqual(["0-1", "2-2"]);
  });

  it("whatever a gap leaves whole", () => {
    const without = (packets: string, lost: number): string[] => {
      const indices = [...packets.matchAll(/\d?\D/g)].map((_, index) => index);
      return frames(
        packets,
        indices.filter((index) => index !== lost),
      );
    };
    expect([0, 1, 2, 3].map((lost) => without("1o2(2)3o", lost))).toEqual([
      ["1-2", "3-3"],
      ["0-0", "3-3"],
      ["0-0", "3-3"],
      ["0-0", "1-2"],
    ]);
    expect([1, 2, 3].map((lost) => without("1!2?2!3?3!4!", lost))).toEqual([
      ["3-4", "5-5"],
      ["5-5"],
      ["1-2", "5-5"],
    ]);
  });

  it(`the same in any order (seed ${SEED})`, () => {
    const random = new SeededRandom(SEED);
    for (const packets of ["1(1-1-1).2o.3(.3)4o", "1!.2?2-2!..3!4?.4!5!"]) {
      const inOrder = frames(packets);
      expect(inOrder.length).toBeGreaterThan(3);
      for (let round = 0; round < 300; round++) {
        const order = [...packets.matchAll(/\d?\D/g)].map((_, index) => index);
        for (let index = order.length - 1; index > 0; index--) {
          const other = random.integer(0, index);
          [order[index], order[other]] = [order[other] as number, order[index] as number];
        }
        expect(frames(packets, order), `seed ${SEED}: ${order.join()}`).toEqual(inOrder);
      }
    }
  });
});
