// What every media engine must do, whichever thread it runs in. In real time, but judged by what comes out and never by
// when: packets carry planned arrivals, and the buffer is deep enough for a busy machine. Runs in Node and in browsers.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadOpus } from "../../src/codecs/opus.ts";
import { TransportError } from "../../src/errors/errors.ts";
import type { AudioStreamStats, EngineConfig, MediaEngine } from "../../src/media/engine/engine.ts";
import { ntpToBigInt, unixUsToNtp } from "../../src/rtp/ntp.ts";
import type { Clock } from "../../src/runtime/time.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { SkewedClock } from "../../src/testing/skewed-clock.ts";
import { Call, later, NEGOTIATED, SSRC, until } from "../media/engine/call.ts";
import { bestLag, concat, voice } from "../media/signals.ts";
import { stream } from "../media/streams.ts";

const SEED = 20_26;
const SECONDS = 2;
const PACKETS = SECONDS * 50;
/** Delay of the encoder, samples (RFC 7845 section 4.2). */
const LOOKAHEAD = 312;

/** Opens the engine under test on a clock. */
export type OpenEngine = (config: EngineConfig, clock: Clock) => Promise<MediaEngine>;

/** Declare the contract suite. @param host that the engine must say it has */
export function describeMediaEngine(
  name: string,
  host: MediaEngine["host"],
  platformClock: () => Clock,
  open: OpenEngine,
): void {
  const begin = async (clock: Clock = platformClock()): Promise<Call> => {
    const config: EngineConfig = {
      channels: 1,
      sync: {
        jitterBufferSizeMs: 200,
        maxJitterBufferMs: 500,
        mode: "fixed",
        enableClockDriftCorrection: false,
      },
      wallOffsetMs: clock.wallNow() - clock.now(),
    };
    return new Call(await open(config, clock), clock);
  };

  describe(`the media engine: ${name}`, () => {
    describe(`three peers for ${SECONDS} s, one clean, one lossy and out of order, one silent halfway`, () => {
      let call: Call;
      let signal: Float32Array;
      let lost = 0;

      beforeAll(async () => {
        // A clock of its own: what the engine says of times is on it, wherever the engine runs.
        const skewed = new SkewedClock(platformClock(), { skewPpm: 300, startMs: 5_000, offsetMs: 777 });
        call = await begin(skewed);
        const random = new SeededRandom(SEED);
        signal = voice(SECONDS, 48_000);
        const codec = await loadOpus();
        const packets = await stream(codec, signal, { fec: true, ssrc: SSRC });
        for (const peerId of ["clean", "lossy", "brief"]) call.join(peerId);
        // Patience for a machine that stands still: blocks that wait longer than that are skipped.
        call.read({ unsynced: "pass", maxAlignDelayMs: 1000 });
        call.plan("clean", packets);
        call.plan("lossy", packets, () => {
          if (random.chance(0.1)) {
            lost++;
            return undefined;
          }
          return random.integer(0, 60);
        });
        call.plan("brief", packets.slice(0, PACKETS / 2));
        await call.play();
        await until(call.clock, "all packets are decoded", () => {
          return ["clean", "lossy", "brief"].every((peerId) => call.stats(peerId).buffered === 0);
        });
      }, 30_000);
      afterAll(() => call.close());

      it("says where it runs", () => {
        expect(call.engine.host).toBe(host);
      });

      it("yields every frame of a clean stream in order, with what was said", () => {
        const frames = call.frames("clean");
        expect(frames.map(({ quality }) => quality)).toEqual(Array<string>(PACKETS).fill("received"));
        for (const [i, frame] of frames.entries()) expect(frame.rtpTimestamp).toBe(5000 + 960 * i);
        const { lag, value } = bestLag(signal.subarray(4800, 72_000), samplesOf(frames, 4800), 0, 480);
        expect(Math.abs(lag - LOOKAHEAD)).toBeLessThan(24);
        expect(value).toBeGreaterThan(0.95);
      });

      it("labels frames with their stream, their times and what is known of the clocks", () => {
        const { arrivals } = call.of("clean");
        for (const [i, frame] of call.frames("clean").entries()) {
          expect(frame).toMatchObject({ kind: "audio", peerId: "clean", streamId: "default" });
          expect(frame).toMatchObject({ sampleRate: 48_000, channels: 1, rtpTicks: 960 });
          expect(frame.samples).toHaveLength(960);
          expect(frame.receivedAt).toBeCloseTo(arrivals[i] ?? Number.NaN, 3);
          expect(frame.bufferDelayMs).toBeGreaterThanOrEqual(199.9);
          expect(frame.wallClockErrorUs).toBeNull();
          expect(frame.timelineEpoch).toBe(0);
          expect(frame.clockDriftPpm).toBe(0);
        }
      });

      it("fills what was lost and puts in order what was not", () => {
        const frames = call.frames("lossy");
        const made = frames.filter(({ quality }) => quality === "fec" || quality === "plc");
        expect(lost, `seed ${SEED}`).toBeGreaterThan(3);
        expect(made.length, `seed ${SEED}`).toBeGreaterThanOrEqual(lost - 2);
        let next = frames[0]?.rtpTimestamp ?? 0;
        for (const frame of frames) {
          expect(frame.rtpTimestamp).toBe(next);
          next += frame.samples.length;
        }
        expect(bestLag(signal.subarray(9600, 72_000), samplesOf(frames, 9600), 0, 480).value).toBeGreaterThan(
          0.7,
        );
      });

      it("accounts for every packet", () => {
        for (const peerId of ["clean", "lossy", "brief"]) {
          const stats = call.stats(peerId);
          expect(unexplained(stats), peerId).toBe(0);
          expect(stats.packetsReceived, peerId).toBe(call.of(peerId).arrivals.length);
          expect(stats.ssrc).toBe(SSRC);
        }
        expect(call.stats("clean")).toMatchObject({ decoded: PACKETS, lost: 0, late: 0, overruns: 0 });
        expect(call.stats("lossy").lost).toBeGreaterThan(0);
        expect(call.stats("clean").targetDelayMs).toBe(200);
      });

      it("reads all peers side by side on one grid", () => {
        const { blocks } = call;
        expect(blocks.length).toBeGreaterThan(PACKETS / 2);
        for (const [i, { captureUs, peers }] of blocks.entries()) {
          expect(captureUs).toBe((blocks[0]?.captureUs ?? 0) + 20_000 * i);
          if (i > 5) expect(peers.map(({ peerId }) => peerId).sort()).toEqual(["brief", "clean", "lossy"]);
          for (const { samples, mask } of peers) {
            expect(samples).toHaveLength(960);
            expect(mask).toHaveLength(960);
            expect(mask.every((value) => value <= 1)).toBe(true);
          }
        }
        const clean = concat(
          blocks.flatMap(({ peers }) =>
            peers.filter(({ peerId }) => peerId === "clean").map(({ samples }) => samples),
          ),
        );
        // The grid of blocks begins at any sample of the stream.
        const { value } = bestLag(signal.subarray(24_000, 26_400), clean, 14_400, 30_000);
        expect(value).toBeGreaterThan(0.9);
        expect(blocks.some(({ missing }) => missing.includes("brief"))).toBe(true);
      });

      it("tells no faults", () => {
        for (const peerId of ["clean", "lossy", "brief"]) expect(call.of(peerId).faults).toEqual([]);
      });
    });

    it("hands on coded pictures in their turn, as they were, each once", async () => {
      const call = await begin();
      const opened = call.join("bob");
      const startMs = call.clock.now();
      for (const [place, index] of [0, 2, 1, 3, 3, 4].entries()) {
        opened.receivePicture({
          ssrc: 77,
          rtpTimestamp: (0xffffff00 + 3000 * index) >>> 0,
          rtpSequence: null,
          data: Uint8Array.of(index, 1, 2),
          isKeyframe: index === 0,
          width: 64,
          height: 36,
          arrivalMs: startMs + 33 * place,
          captureUs: undefined,
        });
      }
      const { pictures } = call.of("bob");
      await until(call.clock, "all pictures are shown", () => pictures.length === 5);
      expect(pictures.map(({ planes }) => [...(planes[0] ?? [])])).toEqual(
        [0, 1, 2, 3, 4].map((index) => [index, 1, 2]),
      );
      expect(pictures.map(({ isKeyframe }) => isKeyframe)).toEqual([true, false, false, false, false]);
      expect(pictures[0]).toMatchObject({ format: "encoded", width: 64, height: 36 });
      await until(call.clock, "all pictures are counted", () => opened.stats().video.shown === 5);
      expect(opened.stats().video).toMatchObject({ received: 6, duplicates: 1, late: 0, buffered: 0 });
      call.close();
    });

    it("learns of the sender's clocks", async () => {
      const call = await begin();
      const opened = call.join("bob");
      call.plan("bob", await stream(await loadOpus(), voice(0.6, 48_000), { ssrc: SSRC }));
      const nowMs = call.clock.now();
      const wallMs = call.clock.wallNow();
      const report = { ssrc: SSRC, rtpTimestamp: 5000, packetCount: 0, octetCount: 0 };
      const playing = call.play();
      opened.setSenderLookahead(400);
      const ntpTimestamp = ntpToBigInt(unixUsToNtp(wallMs * 1000));
      opened.addSenderReport("audio", { ...report, ntpTimestamp }, nowMs);
      const captureNtp = ntpToBigInt(unixUsToNtp(wallMs * 1000));
      const beacon = {
        media: "audio",
        ssrc: SSRC,
        rtpTimestamp: 5000,
        clockRate: 48_000,
        captureNtp,
      } as const;
      opened.addBeacon(beacon, nowMs);
      const us = wallMs * 1000;
      opened.addClockExchange({ t1: us, t2: us + 1_000_500, t3: us + 1_000_500, t4: us + 1000 });
      await playing;
      await until(call.clock, "the clocks are known", () => call.stats("bob").clockOffsetUs !== null);
      expect(call.stats("bob").clockOffsetUs).toBeCloseTo(1_000_000, -1);
      expect(call.stats("bob").clockErrorUs).toBeGreaterThan(0);
      await until(call.clock, "the state is told", () => call.of("bob").states.length > 0);
      expect(call.of("bob").states[0]).toBe("syncing");
      call.close();
    });

    it("refuses a reading with options out of range at once", async () => {
      const call = await begin();
      expect(() => call.engine.openReader({ frameMs: 5 }, () => undefined)).toThrow(TransportError);
      call.close();
    });

    it("changes the buffer of running streams", async () => {
      const call = await begin();
      call.join("bob");
      call.plan("bob", await stream(await loadOpus(), voice(0.8, 48_000), { ssrc: SSRC }));
      call.engine.configure({ jitterBufferSizeMs: 80 });
      await call.play();
      await until(call.clock, "the delay has changed", () => call.stats("bob").targetDelayMs === 80);
      call.close();
    });

    it("ends a stream and a reading in the middle, and leaves the others alone", async () => {
      const call = await begin();
      const packets = await stream(await loadOpus(), voice(1, 48_000), { ssrc: SSRC });
      const leaving = call.join("leaving");
      call.join("staying");
      const reader = call.read({ unsynced: "pass" });
      call.plan("leaving", packets);
      call.plan("staying", packets);
      const playing = call.play();
      await until(call.clock, "both are heard", () => call.frames("leaving").length > 10);
      leaving.close();
      leaving.close();
      reader.close();
      reader.close();
      const heard = call.frames("leaving").length;
      const blocks = call.blocks.length;
      await playing;
      await until(call.clock, "the other has ended", () => call.frames("staying").length === packets.length);
      expect(call.frames("leaving")).toHaveLength(heard);
      expect(call.blocks).toHaveLength(blocks);
      const stats = leaving.stats();
      expect(unexplained(stats)).toBe(0);
      expect(stats.packetsReceived).toBeGreaterThan(10);
      expect(stats.packetsReceived).toBeLessThan(packets.length);
      expect(leaving.stats()).toEqual(stats);
      call.close();
    });

    it("counts garbage, says when nothing can be decoded, and goes on", async () => {
      const call = await begin();
      const random = new SeededRandom(SEED);
      const good = await stream(await loadOpus(), voice(0.6, 48_000), { ssrc: SSRC, sequenceNumber: 2000 });
      const bad = Array.from({ length: 60 }, (_, i) => i);
      const bob = call.join("bob");
      for (let i = 0; i < 50; i++) {
        const bytes = Uint8Array.from({ length: random.integer(0, 11) }, () => random.integer(0, 255));
        bob.receiveRtp(bytes, call.clock.now(), NEGOTIATED);
      }
      const payload = Uint8Array.of(0xff, 0xff, 0xff);
      for (const i of bad) {
        const arrivalMs = call.clock.now();
        const rtp = { sequenceNumber: 1000 + i, rtpTimestamp: 5000 + 120 * i };
        bob.receiveFrame({ ssrc: 1, payloadType: NEGOTIATED.payloadType, ...rtp, payload, arrivalMs });
      }
      await until(call.clock, "the fault is told", () => call.of("bob").faults.length > 0);
      expect(call.of("bob").faults[0]).toMatchObject({ code: "DECODING_ERROR", peerId: "bob" });
      expect(call.of("bob").faults[0]).toBeInstanceOf(TransportError);
      call.plan("bob", good);
      await call.play();
      await until(call.clock, "sound comes", () => {
        return call.frames("bob").filter(({ quality }) => quality === "received").length >= good.length - 2;
      });
      await until(call.clock, "garbage is counted", () => call.stats("bob").malformed === 50);
      expect(unexplained(call.stats("bob"))).toBe(0);
      call.close();
    });

    it("takes 1000 packets a second and drops none", async () => {
      const call = await begin();
      const packets = await stream(await loadOpus(), voice(1.5, 48_000), { ssrc: SSRC, frameMs: 10 });
      const peers = Array.from({ length: 10 }, (_, i) => `peer${i}`);
      for (const peerId of peers) {
        call.join(peerId);
        call.plan(peerId, packets);
      }
      await call.play();
      await until(call.clock, "everything is decoded", () =>
        peers.every((peerId) => call.stats(peerId).buffered === 0),
      );
      for (const peerId of peers) {
        const { packetsReceived, overruns, decoded, late } = call.stats(peerId);
        const received = packets.length;
        expect({ packetsReceived, overruns, decoded: decoded + late }, peerId).toEqual({
          packetsReceived: received,
          overruns: 0,
          decoded: received,
        });
        expect(call.frames(peerId).length, peerId).toBeGreaterThanOrEqual(decoded);
      }
      call.close();
    });

    it("closes once and for all", async () => {
      const call = await begin();
      const bob = call.join("bob");
      call.read({ unsynced: "pass" });
      const packets = await stream(await loadOpus(), voice(0.2, 48_000), { ssrc: SSRC });
      call.plan("bob", packets);
      await call.play();
      call.engine.close();
      call.engine.close();
      const heard = call.frames("bob").length;
      const blocks = call.blocks.length;
      bob.receiveRtp(packets[0]?.bytes ?? new Uint8Array(0), call.clock.now(), NEGOTIATED);
      await later(call.clock, 300);
      expect(call.frames("bob")).toHaveLength(heard);
      expect(call.blocks).toHaveLength(blocks);
      expect(bob.stats().packetsReceived).toBe(packets.length);
      expect(unexplained(bob.stats())).toBe(0);
    });
  });
}

function samplesOf(frames: readonly { samples: Float32Array }[], from: number): Float32Array {
  return concat(frames.map(({ samples }) => samples)).subarray(from);
}

/** What came in, minus every counter that must explain it. */
function unexplained(c: AudioStreamStats): number {
  const played = c.decoded + c.decodeFailures + c.overtaken + c.otherPayload + c.padding;
  return c.packetsReceived - (played + c.formerStream + c.duplicates + c.late + c.overruns + c.buffered);
}
