// Microseconds per 20 ms frame of speech: one encoding for nine listeners against one for each, and decoding and
// concealment against encoding.
import { loadOpus } from "../../src/codecs/opus.ts";
import type { OpusCodec, OpusDecoder, OpusEncoder } from "../../src/codecs/opus.ts";
import { AudioSender } from "../../src/media/sender.ts";
import type { Bench, BenchCase, Contender } from "../bench.ts";

const FRAME_TICKS = 960;
const FRAMES = 50;
const LISTENERS = 9;
const PAYLOAD_TYPE = 111;
const SPEECH = {
  sampleRate: 48_000,
  channels: 1,
  bitrateKbps: 32,
  complexity: 10,
  frameMs: 20,
  application: "voip",
  fec: true,
  dtx: false,
} as const;

async function cases(): Promise<BenchCase[]> {
  const codec = await loadOpus();
  const frames = speech();
  const encoder = await speechEncoder(codec);
  const payloads = frames.map((frame) => encoder.encode(frame));
  const each = await Promise.all(Array.from({ length: LISTENERS }, () => speechEncoder(codec)));
  const decoder = await codec.createDecoder({ sampleRate: 48_000, channels: 1 });
  const encodeOnly = { name: "encode", run: () => forEach(frames, (frame) => encoder.encode(frame)) };
  return [
    {
      name: `a frame for ${LISTENERS} listeners`,
      ours: broadcast("encoded once", frames, (frame) =>
        Array<Uint8Array>(LISTENERS).fill(encoder.encode(frame)),
      ),
      baseline: broadcast("encoded for each", frames, (frame) => each.map((one) => one.encode(frame))),
      goal: 4,
    },
    { name: "decode", ours: decode(decoder, payloads), baseline: encodeOnly, goal: 3 },
    {
      name: "conceal",
      ours: { name: "conceal", run: () => forEach(payloads, () => decoder.conceal(FRAME_TICKS)) },
      baseline: encodeOnly,
      goal: 3,
    },
  ];
}

async function speechEncoder(codec: OpusCodec): Promise<OpusEncoder> {
  const encoder = await codec.createEncoder(SPEECH);
  encoder.setPacketLoss(0.1);
  return encoder;
}

function broadcast(
  name: string,
  frames: readonly Float32Array[],
  encode: (frame: Float32Array) => Uint8Array[],
): Contender {
  const senders = Array.from(
    { length: LISTENERS },
    (_, ssrc) => new AudioSender({ ssrc, sequenceNumber: 0, timestampBase: 0 }),
  );
  let position = 0;
  const run = (): number =>
    forEach(frames, (frame) => {
      encode(frame).forEach((payload, i) => {
        senders[i]?.packetize({ position, durationTicks: FRAME_TICKS }, payload, PAYLOAD_TYPE);
        senders[i]?.settle(true);
      });
      position += FRAME_TICKS;
    });
  return { name, run };
}

function decode(decoder: OpusDecoder, payloads: readonly Uint8Array[]): Contender {
  return { name: "decode", run: () => forEach(payloads, (payload) => decoder.decode(payload)) };
}

function forEach<T>(items: readonly T[], work: (item: T) => void): number {
  for (const item of items) work(item);
  return items.length;
}

/** A gliding pitch with harmonics: enough of a voice to take the speech paths. */
function speech(): Float32Array[] {
  return Array.from({ length: FRAMES }, (_, frame) =>
    Float32Array.from({ length: FRAME_TICKS }, (_, i) => {
      const phase = ((frame * FRAME_TICKS + i) * (140 + frame)) / 48_000;
      return 0.3 * Math.sin(2 * Math.PI * phase) + 0.2 * (phase % 1) - 0.1;
    }),
  );
}

export default { runtimes: ["node", "chromium"], cases } satisfies Bench;
