// Packets that mean no good: whatever comes, all are counted, little is held and little is asked for.
import { describe, expect, it } from "vitest";
import { VideoReceiver } from "../../../src/media/video/video-receiver.ts";
import type { VideoCodecName } from "../../../src/platform/video-codecs.ts";
import { buildRtp } from "../../../src/rtp/packet.ts";
import { DEPACKETIZERS } from "../../../src/rtp/video-formats.ts";
import type { Depacketize } from "../../../src/rtp/video-payload.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { depacketizeTiny, tinyPayload } from "./tiny-format.ts";
import { expectBalance } from "./video-call.ts";

const SEED = 13;
const FORMATS: Readonly<Record<string, Depacketize>> = { tiny: depacketizeTiny, ...DEPACKETIZERS };

interface Asked {
  nacks: number;
  numbers: number;
  plis: number;
  frames: number;
}

/** Feed `count` packets within `lastingMs`, with the timeouts between them. @returns what came out */
function flood(
  receiver: VideoReceiver,
  count: number,
  lastingMs: number,
  packetAt: (index: number) => Uint8Array,
): Asked {
  const asked = { nacks: 0, numbers: 0, plis: 0, frames: 0 };
  const handle = (input: Parameters<VideoReceiver["handle"]>[0], nowMs: number): void => {
    receiver.handle(input, nowMs);
    for (let out = receiver.poll(); out !== undefined; out = receiver.poll()) {
      if (out.type === "frame") asked.frames++;
      else if (out.type === "pli") asked.plis++;
      else {
        asked.nacks++;
        asked.numbers += out.sequenceNumbers.length;
      }
    }
  };
  for (let index = 0; index < count; index++) {
    const nowMs = (index * lastingMs) / count;
    for (let turns = 0; receiver.deadlineMs <= nowMs; turns++) {
      if (turns > 100) throw new Error(`the deadline stays at ${receiver.deadlineMs}, ${nowMs} ms`);
      handle({ type: "timeout" }, receiver.deadlineMs);
    }
    handle({ type: "rtp", packet: packetAt(index), arrivalMs: nowMs }, nowMs);
  }
  expectBalance({ receiver });
  return asked;
}

const receiverOf = (depacketize: Depacketize): VideoReceiver =>
  new VideoReceiver({ payloadType: 98, depacketize, captureTimeId: 3, rtx: { payloadType: 99, ssrc: 2 } });

const packet = (
  sequenceNumber: number,
  timestamp: number,
  payload: Uint8Array,
  ssrc = 1,
  marker = true,
): Uint8Array =>
  buildRtp({ ssrc, payloadType: ssrc === 2 ? 99 : 98, sequenceNumber, timestamp, marker, payload });

describe(`a receiver under attack (seed ${SEED})`, () => {
  it.each(Object.keys(FORMATS))("survives random bytes and random packets of %s", (name) => {
    const random = new SeededRandom(`${SEED} ${name as VideoCodecName}`);
    const receiver = receiverOf(FORMATS[name] as Depacketize);
    let number = 0;
    const asked = flood(receiver, 8000, 8000, () => {
      if (random.chance(0.1)) return random.bytes(random.integer(0, 60));
      number += random.chance(0.02) ? random.integer(-70_000, 70_000) : random.integer(-3, 6);
      const payload = random.bytes(random.integer(0, 40));
      if (random.chance(0.5) && payload.length > 0) payload[0] = random.integer(0, 0x30);
      return packet(
        number,
        number >> 2,
        payload,
        random.chance(0.95) ? 1 : random.integer(1, 4),
        random.chance(0.4),
      );
    });
    expect(receiver.counters.buffered, `seed ${SEED}`).toBeLessThanOrEqual(2049);
    expect(asked.plis, `seed ${SEED}`).toBeLessThanOrEqual(8000 / 200 + 1);
    expect(asked.nacks, `seed ${SEED}`).toBeGreaterThan(0);
  });

  const whole = tinyPayload({ isFrameStart: true, isKeyframe: true });
  const open = tinyPayload({ isFrameStart: true });

  it.each<[string, (index: number) => Uint8Array]>([
    ["100,000 packets a second of one number", () => packet(7, 7, whole)],
    [
      "frames that never end",
      (index) => packet(index, 7, index === 0 ? open : tinyPayload({ isFrameStart: false }), 1, false),
    ],
    ["numbers backwards", (index) => packet(-index, 7, open)],
    ["huge steps", (index) => packet(index * 20_011, index, whole)],
    ["steps just below what is a jump", (index) => packet(index * 150, index, open)],
    ["every second packet", (index) => packet(index * 2, index, open)],
    ["another SSRC each time", (index) => packet(1, 1, whole, 10 + index)],
    [
      "retransmissions of anything",
      (index) =>
        packet(1, 1, index === 0 ? whole : Uint8Array.of(index >> 8, index, 1, 2), index === 0 ? 1 : 2),
    ],
  ])("keeps memory and work in bounds: %s", (_what, packetAt) => {
    const receiver = receiverOf(depacketizeTiny);
    const asked = flood(receiver, 20_000, 200, packetAt);
    const figures = JSON.stringify([asked, receiver.counters]);
    expect(receiver.counters.buffered, figures).toBeLessThanOrEqual(2049);
    expect(asked.plis, figures).toBeLessThanOrEqual(2);
    expect(asked.numbers, figures).toBeLessThanOrEqual(2000);
  });
});
