import { describe, expect, it, vi } from "vitest";
import { AudioSource } from "../../src/media/audio-source.ts";
import type { PeerMediaOptions } from "../../src/media/media.ts";
import type { TrackAudioPort } from "../../src/platform/platform.ts";
import { parseRtcp } from "../../src/rtp/rtcp/packets.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import {
  AUDIO,
  audio,
  codec,
  connected,
  end,
  newLog,
  ONE_WAY_MS,
  plainEngine,
  port,
  samplesOf,
  watched,
} from "./link-ends.ts";
import { bestLag, rms, voice } from "./signals.ts";

vi.setConfig({ testTimeout: 30_000 }); // Real encoders; a busy machine takes its time.

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
