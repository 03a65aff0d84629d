// Video over bad paths, from the cut frame to the frame handed out: how much comes through, how soon a picture is back,
// and that nothing ever comes out that would show garbage.
import { describe, expect, it } from "vitest";
import type { VideoCodecName } from "../../../src/platform/video-codecs.ts";
import { DEPACKETIZERS, createPacketizer } from "../../../src/rtp/video-formats.ts";
import { linkPresets } from "../../../src/testing/link-presets.ts";
import { inThreeLayers } from "./chained-frames.ts";
import { TinyPacketizer, depacketizeTiny } from "./tiny-format.ts";
import { VideoCall, expectBalance, percentile } from "./video-call.ts";
import type { CallFormat, CallOptions, SentFrame } from "./video-call.ts";

const SEED = 4;
const PATH = { delayMs: 20 };
const LOSSY = { delayMs: 20, loss: 0.05, reorder: { probability: 0.02, extraMs: 8 } };

const ofCodec = (codec: VideoCodecName) => (): CallFormat => ({
  packetizer: createPacketizer(codec, 32_700),
  depacketize: DEPACKETIZERS[codec],
  codec,
});
const FORMATS = {
  VP9: ofCodec("VP9"),
  VP8: ofCodec("VP8"),
  H264: ofCodec("H264"),
  "three layers": (): CallFormat => ({
    packetizer: new TinyPacketizer(32_700, inThreeLayers),
    depacketize: depacketizeTiny,
    prediction: inThreeLayers,
  }),
};

function call(frames: number, options: Omit<CallOptions, "seed">): VideoCall {
  const made = new VideoCall({ ...options, seed: SEED });
  made.run(frames);
  expect(made.decoder.garbage, made.summary).toBe(0);
  expect(made.decoder.decoded, made.summary).toBe(made.handedOut.length);
  expectBalance(made);
  return made;
}

describe.each(Object.entries(FORMATS))("video in the format of %s", (_name, format) => {
  it.each([
    ["of retransmissions in a stream of their own", true],
    ["of retransmissions in the same stream", false],
  ])("comes through a loss of one packet in 20 with the help %s", (_place, rtx) => {
    const { sent, handedOut, receiver, latenciesMs, summary } = call(900, {
      format: format(),
      link: LOSSY,
      rtx,
    });
    expect(handedOut.length, summary).toBeGreaterThanOrEqual(sent.length * 0.99);
    expect(receiver.counters.recovered, summary).toBeGreaterThan(200);
    expect(percentile(latenciesMs, 0.95), summary).toBeLessThan(200);
  });

  const losesFrame = ({ isKeyframe, number }: SentFrame): boolean =>
    isKeyframe && number > 0 && number % 60 === 0;

  it.each([
    ["loss and retransmissions", LOSSY, true],
    ["no loss else and no retransmissions", PATH, false],
  ])("has a picture again within half a second after a lost keyframe: %s", (_path, link, answersNacks) => {
    const options = { format: format(), link, answersNacks, rtx: true, keyframeEvery: 60, losesFrame };
    const made = call(2400, options);
    const freezesMs = made.sent.filter(losesFrame).map((lost) => made.freezeMs(lost));
    const figures = `${[0.5, 0.95, 1].map((share) => percentile(freezesMs, share)).join("/")} ms; ${made.summary}`;
    expect(freezesMs.length, figures).toBe(39);
    expect(percentile(freezesMs, 0.95), figures).toBeLessThan(500);
  });
});

it.each(["wifi", "mobile", "lossyWifi", "satellite"] as const)(
  "keeps a picture over a path like %s",
  (preset) => {
    for (const format of [FORMATS.H264, FORMATS["three layers"]]) {
      const { decoder, summary } = call(600, { format: format(), link: linkPresets[preset], rtx: true });
      expect(decoder.decoded, summary).toBeGreaterThan(450);
    }
  },
);
