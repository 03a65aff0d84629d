import { beforeAll, describe, expect, it, vi } from "vitest";
import { loadOpus } from "../../src/codecs/opus.ts";
import type { OpusCodec, OpusEncoder } from "../../src/codecs/opus.ts";
import type { TransportError } from "../../src/errors/errors.ts";
import { AudioSource } from "../../src/media/audio-source.ts";
import { PeerMedia } from "../../src/media/media.ts";
import type { LiveAudioFrame, MediaEngine } from "../../src/media/engine/engine.ts";
import { InlineEngine } from "../../src/media/engine/inline-engine.ts";
import type { AudioOptions, PeerMediaOptions } from "../../src/media/media.ts";
import type { PacketAudioPort, TrackAudioPort } from "../../src/platform/platform.ts";
import { parseRtcp } from "../../src/rtp/rtcp/packets.ts";
import type { AudioData } from "../../src/runtime/data.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { bestLag, concat, rms, voice } from "./signals.ts";

const AUDIO: AudioOptions = {
  sampleRate: 48_000,
  channels: 1,
  bitrateKbps: 32,
  complexity: 5,
  frameMs: 20,
  application: "voip",
  fec: true,
  dtx: false,
};
const ONE_WAY_MS = 15;

vi.setConfig({ testTimeout: 30_000 }); // Real encoders; a busy machine takes its time.

let codec: OpusCodec;

beforeAll(async () => {
  codec = await loadOpus();
}, 30_000);

/** One end of a link, with what it has heard and complained of. */
interface End {
  media: PeerMedia;
  engine: MediaEngine;
  heard: LiveAudioFrame[];
  faults: TransportError[];
  rtcp: Uint8Array[];
}

function end(clock: VirtualClock, ssrc: number, options: Partial<PeerMediaOptions> = {}): End {
  const random = new SeededRandom(ssrc);
  const heard: LiveAudioFrame[] = [];
  const faults: TransportError[] = [];
  const engine = options.engine ?? plainEngine(clock, options.audio?.channels ?? 1);
  const media = new PeerMedia({
    peerId: `peer-${ssrc}`,
    clock,
    audio: AUDIO,
    rtcpIntervalMs: 1000,
    ssrc,
    cname: `cname-${ssrc}`,
    randomBytes: (length) => Uint8Array.from({ length }, () => random.integer(0, 255)),
    engine,
    onFrame: (frame) => heard.push({ ...frame, samples: frame.samples.slice() }),
    onSent: () => undefined,
    onSyncState: () => undefined,
    onFault: (error) => faults.push(error),
    ...options,
  });
  return { media, engine, heard, faults, rtcp: [] };
}

/** A fixed delay and no correction: what comes out is what was decoded. */
function plainEngine(clock: VirtualClock, channels: 1 | 2, decoders: OpusCodec = codec): MediaEngine {
  const sync = { jitterBufferSizeMs: 60, mode: "fixed", enableClockDriftCorrection: false } as const;
  return new InlineEngine({
    config: { channels, sync, wallOffsetMs: clock.wallNow() - clock.now() },
    clock,
    codec: decoders,
  });
}

/** A port whose packets reach `to` one way later, unless `lose` says so. */
function port(clock: VirtualClock, to: End, lose: () => boolean = () => false): PacketAudioPort {
  const later = (action: () => void): void => void clock.setTimer(clock.now() + ONE_WAY_MS, action);
  return {
    level: "packet",
    payloadType: 111,
    captureTimeId: 0,
    sendRtp: (packet) => {
      if (!lose()) later(() => to.media.receiveRtp(packet, clock.now()));
      return true;
    },
    sendRtcp: (packet) => {
      to.rtcp.push(packet);
      later(() => to.media.receiveRtcp(packet, clock.now()));
      return true;
    },
  };
}

function connected(
  clock: VirtualClock,
  lose?: () => boolean,
  options?: Partial<PeerMediaOptions>,
): [End, End] {
  const [alice, bob] = [end(clock, 0xa, options), end(clock, 0xb, options)];
  alice.media.attach(port(clock, bob, lose));
  bob.media.attach(port(clock, alice));
  return [alice, bob];
}

function audio(samples: Float32Array, rest: Partial<AudioData> = {}): AudioData {
  return { type: "audio", samples, sampleRate: 48_000, channels: 1, ...rest };
}

function samplesOf(heard: readonly LiveAudioFrame[]): Float32Array {
  return concat(heard.map(({ samples }) => samples));
}

/** A codec whose encoders note what is asked of them. */
function watched(log: {
  encodes: number;
  losses: number[];
  bitrates: number[];
  bandwidths: number[];
}): OpusCodec {
  return {
    ...codec,
    createEncoder: async (options) => {
      log.bandwidths.push(options.bandwidthRate ?? 0);
      const encoder = await codec.createEncoder(options);
      const watchedEncoder: Pick<OpusEncoder, "encode" | "setPacketLoss" | "setBitrate" | "free"> = {
        encode: (samples) => {
          log.encodes++;
          return encoder.encode(samples);
        },
        setPacketLoss: (loss) => {
          log.losses.push(loss);
          encoder.setPacketLoss(loss);
        },
        setBitrate: (kbps) => {
          log.bitrates.push(kbps);
          encoder.setBitrate(kbps);
        },
        free: () => encoder.free(),
      };
      return watchedEncoder as OpusEncoder;
    },
  };
}

const newLog = () => ({
  encodes: 0,
  losses: [] as number[],
  bitrates: [] as number[],
  bandwidths: [] as number[],
});

describe("the media of a link", () => {
  it("carries a voice from one program to the other", async () => {
    const clock = new VirtualClock();
    const [alice, bob] = connected(clock);
    const source = new AudioSource({ clock, audio: AUDIO, codec });
    const signal = voice(6, 48_000);
    const sent = source.send(audio(signal), [alice.media]);
    await clock.run(7000);
    await sent;
    expect(bestLag(signal, samplesOf(bob.heard), 300, 320).value).toBeGreaterThan(0.93);
    expect(bob.heard[0]).toMatchObject({
      kind: "audio",
      peerId: "peer-11",
      streamId: "default",
      quality: "received",
    });
    const [out, inward] = [alice.media.stats().outbound, bob.media.stats().inbound];
    expect(out).toMatchObject({
      packetsSent: 300,
      ssrc: 0xa,
      outdated: 0,
      refused: 0,
      remotePacketLossRate: 0,
    });
    expect(inward).toMatchObject({ packetsReceived: 300, ssrc: 0xa, packetsLost: 0, decoded: 300 });
    expect(inward.bytesReceived).toBe(out.bytesSent);
    expect(inward.jitterMs).toBeLessThan(1);
    expect(out.roundTripTimeMs).toBeGreaterThan(2 * ONE_WAY_MS - 1);
    expect(out.roundTripTimeMs).toBeLessThan(2 * ONE_WAY_MS + 1);
    expect([alice.faults, bob.faults]).toEqual([[], []]);
  });

  it("survives 5 % loss with nothing unexplained, and FEC follows the reports", async () => {
    const clock = new VirtualClock();
    const seed = 404;
    const random = new SeededRandom(seed);
    // The ends are spared: no receiver can know of a last packet that never came.
    let share = 0;
    const [alice, bob] = connected(clock, () => random.chance(share));
    const log = newLog();
    const source = new AudioSource({ clock, audio: AUDIO, codec: watched(log) });
    const signal = voice(10, 48_000);
    const sent = source.send(audio(signal), [alice.media]);
    await clock.run(100);
    share = 0.05;
    await clock.run(9700);
    share = 0;
    await clock.run(700);
    await sent;
    expect(bestLag(signal, samplesOf(bob.heard), 300, 320).value, `seed ${seed}`).toBeGreaterThan(0.9);
    const [{ packetsSent }, inward] = [alice.media.stats().outbound, bob.media.stats().inbound];
    expect(inward.packetsReceived + inward.lost).toBe(packetsSent);
    expect(inward.packetsLost).toBe(inward.lost);
    expect(inward.fecFrames).toBeGreaterThan(0);
    share = 0.4;
    const more = source.send(audio(signal), [alice.media]);
    await clock.run(10_500);
    await more;
    expect(log.losses[0]).toBe(0.1);
    expect(Math.max(...log.losses)).toBeGreaterThan(0.25);
    expect(alice.media.remotePacketLossRate).toBeGreaterThan(0.2);
    await clock.run(60_000);
    expect(alice.media.stats().outbound.remotePacketsLost).toBeGreaterThan(100);
  });

  it("forgets a loss that was reported long ago", async () => {
    const clock = new VirtualClock();
    const random = new SeededRandom(1);
    const [alice, bob] = connected(clock, () => random.chance(0.5));
    const source = new AudioSource({ clock, audio: AUDIO, codec });
    const sent = source.send(audio(voice(3, 48_000)), [alice.media]);
    await clock.run(2900);
    expect(alice.media.remotePacketLossRate).toBeGreaterThan(0.2);
    await sent;
    bob.media.close();
    await clock.run(31_000);
    expect(alice.media.remotePacketLossRate).toBe(0);
  });

  it("takes any rate and channel count, in step with real time", async () => {
    const clock = new VirtualClock();
    const stereo: Partial<PeerMediaOptions> = { audio: { ...AUDIO, channels: 2, bitrateKbps: 96 } };
    const [alice, bob] = connected(clock, undefined, stereo);
    const source = new AudioSource({ clock, audio: { ...AUDIO, channels: 2, bitrateKbps: 96 }, codec });
    const left = voice(3, 44_100);
    const interleaved = new Float32Array(left.length * 2);
    left.forEach((value, i) => (interleaved[2 * i] = value));
    const blockLength = 882;
    for (let at = 0; at < interleaved.length; at += 2 * blockLength) {
      const block = interleaved.subarray(at, at + 2 * blockLength);
      await source.send(audio(block, { sampleRate: 44_100, channels: 2 }), [alice.media]);
      await clock.run(20);
    }
    await clock.run(500);
    const heard = samplesOf(bob.heard);
    const [heardLeft, heardRight] = [0, 1].map((side) => heard.filter((_, i) => i % 2 === side));
    expect(bob.heard.every(({ channels }) => channels === 2)).toBe(true);
    expect(bestLag(voice(2.9, 48_000), heardLeft as Float32Array, 300, 400).value).toBeGreaterThan(0.9);
    expect(rms(heardRight as Float32Array)).toBeLessThan(rms(heardLeft as Float32Array) / 10);
  });

  it("keeps a pause as long as it was, and hears nothing of it as loss", async () => {
    const clock = new VirtualClock();
    const [alice, bob] = connected(clock);
    const source = new AudioSource({ clock, audio: AUDIO, codec });
    const startUs = clock.wallNow() * 1000;
    await source.send(audio(voice(0.1, 48_000), { timestampUs: startUs }), [alice.media]);
    await clock.run(5000);
    await source.send(audio(voice(0.1, 48_000), { timestampUs: startUs + 5_000_000 }), [alice.media]);
    await clock.run(1000);
    const first = bob.heard[0]?.rtpTimestamp ?? 0;
    const resumed = bob.heard.find(({ rtpTimestamp }) => ((rtpTimestamp - first) | 0) >= 240_000);
    expect(((resumed?.rtpTimestamp ?? 0) - first) | 0).toBe(240_000);
    expect(bob.media.stats().inbound).toMatchObject({ lost: 0, concealedSamples: 0, packetsReceived: 10 });
  });

  it("sends next to nothing in silence with DTX, and the listener hears an unbroken line", async () => {
    const clock = new VirtualClock();
    const [alice, bob] = connected(clock);
    const source = new AudioSource({ clock, audio: { ...AUDIO, dtx: true }, codec });
    const signal = voice(4, 48_000).fill(0, 48_000, 144_000);
    const sent = source.send(audio(signal), [alice.media]);
    await clock.run(5000);
    await sent;
    expect(alice.media.stats().outbound.packetsSent).toBeLessThan(130);
    expect(bob.media.stats().inbound).toMatchObject({ lost: 0, concealedSamples: 0, overtaken: 0 });
    const ends = bob.heard.map(({ rtpTimestamp, samples }) => (rtpTimestamp + samples.length) >>> 0);
    expect(bob.heard.slice(1).map(({ rtpTimestamp }) => rtpTimestamp)).toEqual(ends.slice(0, -1));
    expect(samplesOf(bob.heard).length).toBeGreaterThanOrEqual(signal.length);
  });

  it("encodes once for all links of a broadcast, and bounds the bandwidth by the configured rate", async () => {
    const clock = new VirtualClock();
    const pairs = [connected(clock), connected(clock), connected(clock)];
    const log = newLog();
    const source = new AudioSource({ clock, audio: { ...AUDIO, sampleRate: 16_000 }, codec: watched(log) });
    const targets = pairs.map(([alice]) => alice.media);
    const sent = source.send(audio(voice(1, 48_000)), targets);
    await clock.run(1500);
    await sent;
    expect(log.encodes).toBe(50);
    expect(log.bandwidths).toEqual([16_000]);
    for (const [, bob] of pairs) expect(bob.media.stats().inbound.packetsReceived).toBe(50);
  });

  it("does not let a second source corrupt a stream", async () => {
    const clock = new VirtualClock();
    const [alice, bob] = connected(clock);
    const [one, two] = [0, 1].map(() => new AudioSource({ clock, audio: AUDIO, codec })) as [
      AudioSource,
      AudioSource,
    ];
    const sends = [one, two].map((source) => source.send(audio(voice(1, 48_000)), [alice.media]));
    await clock.run(2000);
    await Promise.all(sends);
    const { packetsSent, outdated } = alice.media.stats().outbound;
    expect(packetsSent + outdated).toBe(100);
    expect(outdated).toBeGreaterThanOrEqual(49);
    expect(bob.media.stats().inbound).toMatchObject({ lost: 0, overtaken: 0, concealedSamples: 0 });
  });

  it("hands samples to a link that encodes itself, and needs no encoder then", async () => {
    const clock = new VirtualClock();
    const alice = end(clock, 1);
    const written: { samples: Float32Array; channels: number; timestampUs: number }[] = [];
    const track: TrackAudioPort = {
      level: "track",
      write: (samples, channels, timestampUs) => written.push({ samples, channels, timestampUs }),
      useTrack: () => Promise.resolve(),
      setBitrate: () => Promise.resolve(),
    };
    alice.media.attach(track);
    expect(alice.media.level).toBe("track");
    const log = newLog();
    const source = new AudioSource({ clock, audio: AUDIO, codec: watched(log) });
    const startUs = clock.wallNow() * 1000;
    const block = voice(0.02, 48_000);
    await source.send(audio(block, { timestampUs: startUs }), [alice.media]);
    await source.send(audio(block, { timestampUs: startUs + 20_000 }), [alice.media]);
    await clock.run(100);
    expect(written).toHaveLength(2);
    expect(written[0]?.samples).toEqual(block);
    expect(written[1]?.channels).toBe(1);
    expect(Math.abs((written[1]?.timestampUs ?? 0) - startUs - 20_000)).toBeLessThan(25);
    expect(log.encodes + log.bandwidths.length).toBe(0);
    alice.media.close();
  });

  it("sends nothing before a port is attached or its payload type is known", async () => {
    const clock = new VirtualClock();
    const [alice, bob] = [end(clock, 1), end(clock, 2)];
    const source = new AudioSource({ clock, audio: AUDIO, codec });
    await source.send(audio(voice(0.02, 48_000)), [alice.media]);
    alice.media.attach({ ...port(clock, bob), payloadType: 0 });
    await source.send(audio(voice(0.02, 48_000)), [alice.media]);
    await clock.run(100);
    expect(alice.media.stats().outbound.packetsSent).toBe(0);
  });

  it("counts packets that the link does not take", async () => {
    const clock = new VirtualClock();
    const [alice, bob] = [end(clock, 1), end(clock, 2)];
    alice.media.attach({ ...port(clock, bob), sendRtp: () => false });
    const source = new AudioSource({ clock, audio: AUDIO, codec });
    await source.send(audio(voice(0.06, 48_000)), [alice.media]);
    await clock.run(100);
    expect(alice.media.stats().outbound).toMatchObject({ packetsSent: 0, refused: 3 });
  });

  it("plays frames that a platform has taken out of their packets", async () => {
    const clock = new VirtualClock();
    const bob = end(clock, 2);
    await clock.run(1);
    const encoder = await codec.createEncoder(AUDIO);
    for (let i = 0; i < 10; i++) {
      const payload = encoder.encode(voice(0.02, 48_000, i * 0.02));
      const place = { sequenceNumber: i, rtpTimestamp: i * 960, arrivalMs: clock.now() };
      bob.media.receiveFrame({ ssrc: 5, payloadType: 111, payload, ...place });
      await clock.run(20);
    }
    await clock.run(200);
    expect(bob.heard).toHaveLength(10);
    expect(bob.media.stats().inbound).toMatchObject({ ssrc: 5, packetsReceived: 10 });
  });

  it("follows new settings while it runs", async () => {
    const clock = new VirtualClock();
    const [alice, bob] = connected(clock, undefined, { rtcpIntervalMs: 10_000 });
    const log = newLog();
    const source = new AudioSource({ clock, audio: AUDIO, codec: watched(log) });
    source.setBitrate(48);
    const sent = source.send(audio(voice(8, 48_000)), [alice.media]);
    await clock.run(3000);
    const before = bob.rtcp.length;
    alice.media.configure({ rtcpIntervalMs: 1000 });
    bob.engine.configure({ jitterBufferSizeMs: 150 });
    source.setBitrate(24);
    await clock.run(5300);
    await sent;
    expect(log.bitrates).toEqual([24]);
    expect(bob.rtcp.length - before).toBeGreaterThanOrEqual(3);
    expect(bob.heard.at(-1)?.bufferDelayMs).toBeGreaterThan(140);
  });

  it("reports what goes wrong and goes on", async () => {
    const clock = new VirtualClock();
    let calls = 0;
    const onFrame = (): void => {
      if (calls++ === 0) throw new Error("listener");
    };
    const [alice, bob] = connected(clock, undefined, { onFrame });
    const source = new AudioSource({ clock, audio: AUDIO, codec });
    const sent = source.send(audio(voice(1, 48_000)), [alice.media]);
    await clock.run(1500);
    await sent;
    expect(calls).toBe(50);
    expect(bob.faults.map(({ code }) => code)).toEqual(["INTERNAL_ERROR"]);
    for (let i = 0; i < 60; i++) {
      const header = [0x80, 111, 0, i, 0, 0, (i * 960) >> 8, (i * 960) & 255, 0, 0, 0, 9];
      bob.media.receiveRtp(Uint8Array.from([...header, 255, 255, 3]), clock.now());
    }
    await clock.run(3000);
    expect(bob.faults.map(({ code }) => code)).toEqual(["INTERNAL_ERROR", "DECODING_ERROR"]);
    const failing = { ...codec, createDecoder: () => Promise.reject(new Error("no decoder")) };
    const deaf = end(clock, 3, { engine: plainEngine(clock, 1, failing) });
    await clock.run(1);
    expect(deaf.faults.map(({ code }) => code)).toEqual(["DECODING_ERROR"]);
  });

  it("says goodbye once, leaves no timer behind, and keeps its last counters", async () => {
    const clock = new VirtualClock();
    const [alice, bob] = connected(clock);
    const source = new AudioSource({ clock, audio: AUDIO, codec });
    const sent = source.send(audio(voice(1, 48_000)), [alice.media]);
    await clock.run(1500);
    await sent;
    for (let i = 0; i < 2; i++) {
      source.close();
      alice.media.close();
    }
    const last = parseRtcp(bob.rtcp.at(-1) as Uint8Array).packets.at(-1);
    expect(last).toEqual({ type: "goodbye", ssrcs: [0xa], reason: undefined });
    await clock.run(100);
    bob.media.close();
    await clock.run(100);
    expect(clock.pending).toBe(0);
    expect(alice.media.stats().outbound.packetsSent).toBe(50);
    alice.media.receiveRtp(new Uint8Array(20), clock.now());
    alice.media.receiveRtcp(new Uint8Array(20), clock.now());
    alice.engine.configure({ jitterBufferSizeMs: 100 });
    alice.media.configure({ rtcpIntervalMs: 2000 });
    const early = end(clock, 4);
    early.media.close();
    await clock.run(10);
    expect(early.faults).toEqual([]);
  });
});

describe("a source of audio", () => {
  it("refuses bad data by naming the field", async () => {
    const source = new AudioSource({ clock: new VirtualClock(), audio: AUDIO, codec });
    await expect(source.send(audio(Float32Array.of(NaN)), [])).rejects.toMatchObject({
      code: "INVALID_DATA",
      message: expect.stringContaining("samples[0]") as string,
    });
  });

  it("lets sends wait beyond 200 ms, and refuses when too many wait", async () => {
    const clock = new VirtualClock();
    const source = new AudioSource({ clock, audio: AUDIO, codec });
    const settled: string[] = [];
    for (let i = 0; i < 1100; i++) {
      source.send(audio(new Float32Array(960)), []).then(
        () => settled.push("sent"),
        (error: TransportError) => settled.push(error.code),
      );
    }
    await clock.run(1);
    expect(settled.filter((result) => result === "sent")).toHaveLength(11);
    expect(settled.filter((result) => result === "SEND_BUFFER_FULL")).toHaveLength(1100 - 1024 - 11);
    expect(source.queuedMs).toBe(200);
    source.close();
    await clock.run(1);
    expect(settled.filter((result) => result === "MEDIA_TRACK_ERROR")).toHaveLength(1024);
    await expect(source.send(audio(new Float32Array(960)), [])).rejects.toMatchObject({
      code: "MEDIA_TRACK_ERROR",
    });
    expect(clock.pending).toBe(0);
  });

  it("rejects when there can be no encoder, and tries again with the next send", async () => {
    const clock = new VirtualClock();
    const [alice] = connected(clock);
    let attempts = 0;
    const moody: OpusCodec = {
      ...codec,
      createEncoder: (options) =>
        attempts++ === 0 ? Promise.reject(new Error("out of memory")) : codec.createEncoder(options),
    };
    const source = new AudioSource({ clock, audio: AUDIO, codec: moody });
    const block = audio(voice(0.02, 48_000));
    await expect(source.send(block, [alice.media])).rejects.toMatchObject({ code: "ENCODING_ERROR" });
    await source.send(block, [alice.media]);
    await clock.run(100);
    expect(alice.media.stats().outbound.packetsSent).toBe(1);
    const closing = new AudioSource({ clock, audio: AUDIO, codec });
    const send = closing.send(block, [alice.media]);
    closing.close();
    await expect(send).rejects.toMatchObject({ code: "MEDIA_TRACK_ERROR" });
  });

  it("reports frames that cannot be encoded, and goes on", async () => {
    const clock = new VirtualClock();
    const [alice] = connected(clock);
    const faults: TransportError[] = [];
    let encodes = 0;
    const failing: OpusCodec = {
      ...codec,
      createEncoder: async (options) => {
        const encoder = await codec.createEncoder(options);
        const encode = (samples: Float32Array): Uint8Array => {
          if (encodes++ === 1) throw new Error("encoder");
          return encoder.encode(samples);
        };
        return {
          encode,
          setPacketLoss: () => undefined,
          free: () => encoder.free(),
        } as unknown as OpusEncoder;
      },
    };
    const onFault = (error: TransportError): number => faults.push(error);
    const source = new AudioSource({ clock, audio: AUDIO, codec: failing, onFault });
    await source.send(audio(voice(0.06, 48_000)), [alice.media]);
    await clock.run(100);
    expect(faults.map(({ code }) => code)).toEqual(["ENCODING_ERROR"]);
    expect(alice.media.stats().outbound.packetsSent).toBe(2);
  });

  it("tells of encodings over 10 ms", async () => {
    const clock = new VirtualClock();
    const [alice] = connected(clock);
    const slow: number[] = [];
    let nowMs = 0;
    // Every look at this clock takes 11 ms.
    const lazy = {
      now: () => (nowMs += 11),
      wallNow: () => 1_767_225_600_000 + nowMs,
      setTimer: (_: number, callback: () => void) => clock.setTimer(clock.now(), callback),
    };
    const onSlowEncode = (durationMs: number): number => slow.push(durationMs);
    const source = new AudioSource({ clock: lazy, audio: AUDIO, codec, onSlowEncode });
    await source.send(audio(voice(0.02, 48_000)), [alice.media]);
    expect(slow).toEqual([11]);
    source.close();
  });

  it("begins to encode with a later frame when its link became able to take packets after the send", async () => {
    const clock = new VirtualClock();
    const [alice, bob] = [end(clock, 1), end(clock, 2)];
    const source = new AudioSource({ clock, audio: AUDIO, codec });
    const sent = source.send(audio(voice(1, 48_000)), [alice.media]);
    await clock.run(500);
    alice.media.attach(port(clock, bob));
    await clock.run(1000);
    await sent;
    expect(alice.media.stats().outbound.packetsSent).toBeGreaterThan(20);
    expect(bob.heard.length).toBeGreaterThan(20);
  });
});
