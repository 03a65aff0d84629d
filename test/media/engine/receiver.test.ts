import { beforeAll, describe, expect, it, vi } from "vitest";
import { loadOpus } from "../../../src/codecs/opus.ts";
import type { OpusCodec } from "../../../src/codecs/opus.ts";
import { buildRtp } from "../../../src/rtp/packet.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { bestLag, rms, voice } from "../signals.ts";
import { altered, PAYLOAD_TYPE, ReceiverBench, stream } from "../streams.ts";

/** Where the encoder's voice mode puts the sound: around its lookahead of 312 samples. */
const LAGS = [300, 320] as const;

vi.setConfig({ testTimeout: 30_000 }); // Real encoders; a busy machine takes its time.

let codec: OpusCodec;

beforeAll(async () => {
  codec = await loadOpus();
}, 30_000);

describe("the receiver", () => {
  it("plays a clean stream as it was sent, each frame one target delay after it could be there", async () => {
    const signal = voice(10, 48_000);
    const bench = await ReceiverBench.ready(codec);
    bench.deliver(await stream(codec, signal, { bitrateKbps: 64 }));
    bench.runTo(11_000);
    expect(bestLag(signal, bench.samples, ...LAGS).value).toBeGreaterThan(0.95);
    expect(bench.qualities).toEqual({ received: 480_000 });
    expect(bench.breaks).toEqual([]);
    expect(bench.unexplained).toBe(0);
    expect(bench.receiver.counters).toMatchObject({ packetsReceived: 500, decoded: 500, lost: 0, late: 0 });
    for (const [i, frame] of bench.heard.entries()) {
      expect(frame.atMs).toBeCloseTo(i * 20 + 80, 6);
      expect(frame.bufferDelayMs).toBeCloseTo(60, 6);
      expect(frame).toMatchObject({ receivedAt: i * 20 + 20, sampleRate: 48_000, channels: 1 });
    }
  });

  it("hands the next packet out at once when released in order", async () => {
    const bench = await ReceiverBench.ready(codec, { release: "inOrder" });
    bench.deliver(await stream(codec, voice(1, 48_000)));
    expect(bench.heard).toHaveLength(50);
    for (const frame of bench.heard) expect(frame.bufferDelayMs).toBe(0);
  });

  it("repairs 5 % loss with FEC, conceals what is left, and counts all of it", async () => {
    const seed = 2026;
    const random = new SeededRandom(seed);
    const signal = voice(10, 48_000);
    const packets = await stream(codec, signal, { fec: true });
    const lost = packets.map((_, i) => i > 0 && i < packets.length - 1 && random.chance(0.05));
    const bench = await ReceiverBench.ready(codec);
    bench.deliver(packets, (i) => (lost[i] === true ? undefined : 20));
    bench.runTo(11_000);
    const lostCount = lost.filter(Boolean).length;
    expect(lostCount, `seed ${seed}`).toBeGreaterThan(10);
    expect(bestLag(signal, bench.samples, ...LAGS).value, `seed ${seed}`).toBeGreaterThan(0.9);
    expect(bench.breaks).toEqual([]);
    expect(bench.unexplained).toBe(0);
    const { fecFrames, concealedSamples, lost: counted } = bench.receiver.counters;
    expect(counted).toBe(lostCount);
    expect(fecFrames * 960 + concealedSamples, `seed ${seed}`).toBe(lostCount * 960);
    expect(fecFrames).toBeGreaterThan(lostCount * 0.6);
  });

  it("loses nothing to reordering, duplicates and jitter within its delay", async () => {
    const seed = 3;
    const random = new SeededRandom(seed);
    const packets = await stream(codec, voice(5, 48_000));
    const bench = await ReceiverBench.ready(codec);
    bench.deliver([...packets, ...packets.filter((_, i) => i % 10 === 0)], () => 20 + random.integer(0, 50));
    bench.runTo(6000);
    expect(bench.qualities, `seed ${seed}`).toEqual({ received: 240_000 });
    expect(bench.receiver.counters).toMatchObject({ lost: 0, duplicates: 25 });
    expect(bench.unexplained).toBe(0);
  });

  it("goes over the wrap of sequence numbers and timestamps without a mark", async () => {
    const bench = await ReceiverBench.ready(codec);
    const wraps = { sequenceNumber: 65_520, timestamp: 2 ** 32 - 10 * 960 };
    bench.deliver(await stream(codec, voice(1, 48_000), wraps), (i) => (i === 15 ? undefined : 20));
    bench.runTo(2000);
    expect(bench.breaks).toEqual([]);
    expect(bench.qualities).toEqual({ received: 49 * 960, plc: 960 });
  });

  it("takes mono and stereo, and frames of every length and mixture", async () => {
    const bench = await ReceiverBench.ready(codec, {}, 2);
    let sequenceNumber = 0;
    let timestamp = 0;
    for (const frameMs of [20, 60, 10, 40] as const) {
      const channels = frameMs === 60 ? 2 : 1;
      const startMs = timestamp / 48;
      const packets = await stream(codec, voice(0.48 * channels, 48_000), {
        frameMs,
        channels,
        sequenceNumber,
        timestamp,
        startMs,
      });
      bench.deliver(packets, (i) => (i === 3 ? undefined : 70));
      sequenceNumber += packets.length;
      timestamp += 0.48 * 48_000;
    }
    bench.runTo(3000);
    expect(bench.breaks).toEqual([]);
    expect(bench.qualities).toEqual({
      received: 4 * 0.48 * 48_000 - 130 * 48,
      plc: expect.any(Number) as number,
    });
    expect(bench.heard.every(({ channels }) => channels === 2)).toBe(true);
    expect(bench.receiver.counters).toMatchObject({ lost: 4, concealedSamples: 130 * 48 });
  });

  it("conceals 100 ms of a long loss, fades it out, and is silent until the sound comes back", async () => {
    const bench = await ReceiverBench.ready(codec);
    bench.deliver(await stream(codec, voice(2, 48_000)), (i) => (i >= 40 && i < 65 ? undefined : 20));
    bench.runTo(3000);
    expect(bench.qualities).toEqual({ received: 75 * 960, plc: 4800, silence: 20 * 960 });
    expect(bench.breaks).toEqual([]);
    const plc = bench.heard.filter(({ quality }) => quality === "plc");
    expect(rms((plc[0] as { samples: Float32Array }).samples)).toBeGreaterThan(0.02);
    expect(Math.abs((plc.at(-1) as { samples: Float32Array }).samples.at(-1) as number)).toBeLessThan(0.001);
  });

  it("leaves a gap of more than a second open", async () => {
    const bench = await ReceiverBench.ready(codec);
    bench.deliver(await stream(codec, voice(3, 48_000)), (i) => (i >= 20 && i < 80 ? undefined : 20));
    bench.runTo(4000);
    expect(bench.breaks).toEqual([20]);
    expect(bench.receiver.counters).toMatchObject({ lost: 60, restarts: 1, concealedSamples: 0 });
  });

  it("plays comfort noise in real time while a silent sender sends nothing, and counts no loss", async () => {
    const signal = voice(6, 48_000).fill(0, 48_000, 192_000);
    const packets = await stream(codec, signal, { dtx: true });
    expect(packets.length).toBeLessThan(200);
    for (const release of ["paced", "inOrder"] as const) {
      const bench = await ReceiverBench.ready(codec, { release });
      bench.deliver(packets, (i) => 20 + (i % 3) * 10);
      bench.runTo(7000);
      expect(bench.breaks).toEqual([]);
      expect(bench.receiver.counters).toMatchObject({ lost: 0, concealedSamples: 0, overtaken: 0 });
      expect(bench.qualities.cng).toBeGreaterThan(110_000);
      const pauses = bench.heard.slice(1).map((frame, i) => frame.atMs - (bench.heard[i]?.atMs ?? 0));
      expect(Math.max(...pauses)).toBeLessThan(110);
      expect(bench.unexplained).toBe(0);
    }
  });

  it("ends its comfort noise after a second", async () => {
    const packets = await stream(codec, voice(2, 48_000).fill(0, 24_000), { dtx: true });
    const quiet = packets.findIndex(({ payload }) => payload.length <= 2);
    const bench = await ReceiverBench.ready(codec);
    bench.deliver(packets.slice(0, quiet + 1));
    bench.runTo(30_000);
    expect(bench.qualities.cng).toBe(48_000 + 960);
    expect(bench.receiver.deadlineMs).toBe(Infinity);
  });

  it("fills a sender's pause of less than a second with comfort noise, too", async () => {
    const packets = await stream(codec, voice(1, 48_000));
    const later = packets.slice(20).map((packet) => ({
      ...packet,
      bytes: buildRtp({
        ...packet,
        ssrc: 0xb0b,
        payloadType: PAYLOAD_TYPE,
        timestamp: packet.timestamp + 19_200,
      }),
      sentMs: packet.sentMs + 400,
    }));
    const bench = await ReceiverBench.ready(codec);
    bench.deliver([...packets.slice(0, 20), ...later]);
    bench.runTo(3000);
    expect(bench.qualities).toEqual({ received: 48_000, cng: 19_200 });
    expect(bench.receiver.counters.lost).toBe(0);
  });

  it("takes probes and other payload types as no audio and no loss", async () => {
    const packets = await stream(codec, voice(1, 48_000));
    const bench = await ReceiverBench.ready(codec);
    // Probes and telephone events take sequence numbers of their own between the frames.
    let sequenceNumber = 77;
    const arrive = (fields: { timestamp: number; payload: Uint8Array }, payloadType = PAYLOAD_TYPE): void =>
      bench.arrive(buildRtp({ ...fields, ssrc: 0xb0b, payloadType, sequenceNumber: sequenceNumber++ }));
    packets.forEach(({ timestamp, payload, sentMs }, i) => {
      bench.runTo(sentMs);
      arrive({ timestamp, payload });
      if (i % 10 === 5) arrive({ timestamp, payload: new Uint8Array(0) });
      if (i % 10 === 8) arrive({ timestamp, payload: Uint8Array.of(1, 2, 3, 4) }, 126);
    });
    bench.runTo(2000);
    expect(bench.qualities).toEqual({ received: 48_000 });
    expect(bench.receiver.counters).toMatchObject({ padding: 5, otherPayload: 5, lost: 0, decoded: 50 });
    expect(bench.unexplained).toBe(0);
  });

  it("conceals payloads that are no Opus, counts them, and reports a second of them once", async () => {
    const seed = 31;
    const random = new SeededRandom(seed);
    const packets = await stream(codec, voice(4, 48_000));
    const broken = packets.map((packet, i) =>
      i % 7 === 3 || i >= 100 ? altered(packet, { payload: Uint8Array.of(255, 255, 3) }) : packet,
    );
    const bench = await ReceiverBench.ready(codec);
    bench.deliver(broken);
    bench.runTo(5000);
    expect(bench.breaks).toEqual([]);
    expect(bench.receiver.counters).toMatchObject({ decodeFailures: 114, decoded: 86, lost: 0 });
    expect(bench.others).toEqual([{ type: "undecodable", failures: 50 }]);
    const noise = packets.map((packet) =>
      altered(packet, {
        payload: Uint8Array.from({ length: random.integer(1, 200) }, () => random.integer(0, 255)),
      }),
    );
    const hostile = await ReceiverBench.ready(codec);
    hostile.deliver(noise);
    hostile.runTo(5000);
    expect(hostile.unexplained, `seed ${seed}`).toBe(0);
    for (const { samples } of hostile.heard) {
      if (samples.some((value) => !(Math.abs(value) <= 1))) expect.fail(`seed ${seed}: samples out of range`);
    }
  });

  it("goes over to a new SSRC and ignores stragglers of the old one", async () => {
    const bench = await ReceiverBench.ready(codec);
    const old = await stream(codec, voice(1, 48_000));
    const young = await stream(codec, voice(1, 48_000), { ssrc: 0xa11ce, timestamp: 9, startMs: 1000 });
    bench.deliver([...old, ...young], (i) => (i === 45 ? 150 : 20));
    bench.runTo(3000);
    expect(bench.receiver.counters.ssrc).toBe(0xa11ce);
    expect(bench.receiver.counters).toMatchObject({ formerStream: 1, decodeFailures: 0 });
    expect(bench.unexplained).toBe(0);
    expect(bench.heard.at(-1)?.rtpTimestamp).toBe(9 + 49 * 960);
  });

  it("follows a jump of the timestamps that goes on", async () => {
    const bench = await ReceiverBench.ready(codec);
    const before = await stream(codec, voice(1, 48_000));
    const after = await stream(codec, voice(1, 48_000), {
      sequenceNumber: 1050,
      timestamp: 3e9,
      startMs: 1000,
    });
    bench.deliver([...before, ...after]);
    bench.runTo(3000);
    expect(bench.breaks).toHaveLength(1);
    expect(bench.heard.at(-1)?.rtpTimestamp).toBe(3e9 + 49 * 960);
    expect(bench.unexplained).toBe(0);
  });

  it("takes encoded frames the same way as packets", async () => {
    const packets = await stream(codec, voice(1, 48_000));
    const [whole, frames] = [await ReceiverBench.ready(codec), await ReceiverBench.ready(codec)];
    whole.deliver(packets);
    for (const { payload, sequenceNumber, timestamp, sentMs } of packets) {
      frames.runTo(sentMs + 20);
      const arrivalMs = frames.nowMs;
      const rtpTimestamp = timestamp;
      const frame = { ssrc: 7, payloadType: 63, sequenceNumber, rtpTimestamp, payload, arrivalMs };
      frames.handle({ type: "frame", frame });
    }
    for (const bench of [whole, frames]) bench.runTo(2000);
    expect(frames.heard).toEqual(whole.heard);
  });

  it("keeps packets until there is a decoder", async () => {
    const bench = new ReceiverBench();
    const packets = await stream(codec, voice(0.2, 48_000));
    bench.deliver(packets.slice(0, 5));
    expect(bench.receiver.deadlineMs).toBe(Infinity);
    expect(bench.receiver.counters).toMatchObject({ buffered: 5, decoded: 0 });
    bench.handle({
      type: "decoder",
      decoder: await codec.createDecoder({ sampleRate: 48_000, channels: 1 }),
    });
    bench.deliver(packets.slice(5));
    bench.runTo(1000);
    expect(bench.heard).toHaveLength(10);
  });

  it("plays all that is due when its clock was stopped for a while", async () => {
    const bench = await ReceiverBench.ready(codec);
    const packets = await stream(codec, voice(0.6, 48_000));
    bench.deliver(packets.slice(0, 10));
    bench.nowMs = 600;
    for (const { bytes, sentMs } of packets.slice(10, 25)) {
      bench.receiver.handle(
        { type: "rtp", packet: bytes, arrivalMs: sentMs + 20, payloadType: PAYLOAD_TYPE, captureTimeId: 0 },
        bench.nowMs,
      );
    }
    bench.handle({ type: "timeout" });
    expect(bench.breaks).toEqual([]);
    expect(bench.unexplained).toBe(0);
    expect(bench.receiver.counters.lost).toBe(0);
  });

  it("counts what is no RTP, or longer than any packet", async () => {
    const bench = await ReceiverBench.ready(codec);
    bench.arrive(Uint8Array.of(1, 2, 3));
    const fields = { ssrc: 1, payloadType: PAYLOAD_TYPE, sequenceNumber: 1, timestamp: 1 };
    bench.arrive(buildRtp({ ...fields, payload: new Uint8Array(60_000) }));
    expect(bench.receiver.counters).toMatchObject({ malformed: 2, packetsReceived: 0 });
    expect(bench.unexplained).toBe(0);
  });

  it("takes a new target delay while it runs", async () => {
    const bench = await ReceiverBench.ready(codec);
    const packets = await stream(codec, voice(4, 48_000));
    bench.deliver(packets.slice(0, 50));
    bench.handle({ type: "configure", jitterBufferSizeMs: 120 });
    bench.deliver(packets.slice(50));
    bench.runTo(5000);
    expect(bench.heard.at(-1)?.bufferDelayMs).toBeCloseTo(120, 0);
    expect(bench.receiver.counters).toMatchObject({ targetDelayMs: 120, lost: 0 });
    bench.receiver.close();
  });

  it("does no endless work for timestamps that run away", async () => {
    const bench = await ReceiverBench.ready(codec, { release: "inOrder" });
    const [packet] = await stream(codec, voice(0.02, 48_000));
    for (let i = 0; i < 200; i++) {
      bench.runTo(i);
      const fields = { ssrc: 1, payloadType: PAYLOAD_TYPE, payload: packet?.payload ?? new Uint8Array(1) };
      bench.arrive(buildRtp({ ...fields, sequenceNumber: i, timestamp: i * 40_000 }));
    }
    const { comfortSamples, concealedSamples } = bench.receiver.counters;
    expect(comfortSamples + concealedSamples).toBeLessThanOrEqual(48_000 + 200 * 48);
    expect(bench.unexplained).toBe(0);
  });

  it("explains every packet of any mixture", async () => {
    const packets = await stream(codec, voice(4, 48_000).fill(0, 96_000, 140_000), { dtx: true, fec: true });
    for (const seed of [1, 2, 3, 4, 5]) {
      const random = new SeededRandom(seed);
      const mixture = packets.flatMap((packet) => {
        const wrong = {
          payload: Uint8Array.of(random.integer(0, 255), 1),
          payloadType: random.integer(96, 127),
        };
        return random.chance(0.1) ? [altered(packet, wrong), packet] : [packet];
      });
      const bench = await ReceiverBench.ready(codec, {
        release: random.chance(0.5) ? "paced" : "inOrder",
      });
      bench.deliver(mixture, () => (random.chance(0.1) ? undefined : random.integer(0, 300)));
      expect(bench.unexplained, `seed ${seed}, in the middle`).toBe(0);
      bench.runTo(8000);
      expect(bench.unexplained, `seed ${seed}`).toBe(0);
      const back = bench.breaks.filter((i) => {
        const [a, b] = [bench.heard[i - 1], bench.heard[i]];
        return (((b?.rtpTimestamp ?? 0) - (a?.rtpTimestamp ?? 0)) | 0) < 0;
      });
      expect(back, `seed ${seed}: order`).toEqual([]);
    }
  });
});
