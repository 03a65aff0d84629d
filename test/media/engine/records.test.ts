// Records between two threads, here in one: what is written is read, in order, and what is on its way is bounded.
import { describe, expect, it } from "vitest";
import type { NegotiatedAudio } from "../../../src/media/engine/engine.ts";
import type { EncodedAudioFrame } from "../../../src/platform/platform.ts";
import { readPacket, writeEncodedFrame, writeRtp } from "../../../src/media/engine/packet-records.ts";
import { BlockChannel, RingChannel } from "../../../src/media/engine/record-channels.ts";
import type { RecordChannel } from "../../../src/media/engine/record-channels.ts";
import { createRing, RingSink, RingSource } from "../../../src/runtime/record-ring.ts";
import { readSound, writeBlock, writeFrame } from "../../../src/media/engine/sound-records.ts";
import type { FrameContent } from "../../../src/media/engine/sound-records.ts";
import type { AlignedBlock } from "../../../src/sync/aligned-blocks.ts";
import { SeededRandom } from "../../../src/testing/random.ts";

const SEED = 7;
const NEGOTIATED: NegotiatedAudio = { payloadType: 111, captureTimeId: 3 };

const frame: EncodedAudioFrame = {
  ssrc: 0xffff_fff0,
  payloadType: 111,
  sequenceNumber: 65_535,
  rtpTimestamp: 0xffff_ffff,
  payload: Uint8Array.of(1, 2, 3),
  arrivalMs: 1234.5678,
  captureMs: 1.7e12 + 0.25,
};
const sound: FrameContent = {
  samples: Float32Array.from({ length: 960 }, (_, i) => Math.fround(i / 960)),
  sampleRate: 48_000,
  channels: 1,
  rtpTimestamp: 0xffff_fc40,
  rtpTicks: 960.5,
  wallClockTimestampUs: 1.7e15 + 0.25,
  wallClockErrorUs: 120.5,
  timelineEpoch: 3,
  syncConfidence: 0.8,
  clockDriftPpm: -12.5,
  receivedAt: 99.125,
  bufferDelayMs: 60.25,
  quality: "plc",
};
const block: AlignedBlock = {
  captureUs: 1.7e15,
  peers: ["ann", "bö\ud83d\ude00", "x\ud800"].map((peerId, index) => ({
    peerId,
    samples: Float32Array.from({ length: 480 }, (_, i) => Math.fround((i * (index + 1)) / 960)),
    mask: Uint8Array.from({ length: 480 }, (_, i) => (i + index) % 2),
    gapQuality: index === 0 ? null : "silence",
    errorUs: index === 0 ? 25.5 : null,
  })),
  missing: ["x\ud800"],
  behind: [],
  unsynced: ["ann"],
};

/** Both ends of both directions, and how notices get across. */
const channels: Record<string, () => [RecordChannel, RecordChannel]> = {
  "over rings": () => {
    const [packets, heard] = [createRing(1 << 16), createRing(1 << 18)];
    return [new RingChannel(packets, heard), new RingChannel(heard, packets)];
  },
  "over blocks": () => [new BlockChannel("packets"), new BlockChannel("sound")],
};

function pass(from: RecordChannel, to: RecordChannel): void {
  const notice = from.notice();
  if (notice === undefined) return;
  to.accept(
    structuredClone(notice, { transfer: notice.type === "wake" ? [] : [...notice.packets, ...notice.sound] }),
  );
}

describe.each(Object.entries(channels))("records %s", (_name, make) => {
  it("carries packets and frames as they were", () => {
    const [main, worker] = make();
    const packet = Uint8Array.from({ length: 201 }, (_, i) => i);
    const { captureMs: _unknown, ...uncaptured } = frame;
    expect(writeRtp(main.sink, 5, packet, 77.125, NEGOTIATED)).toBe(true);
    expect(writeEncodedFrame(main.sink, 6, frame)).toBe(true);
    expect(writeEncodedFrame(main.sink, 7, { ...uncaptured, payload: new Uint8Array(0) })).toBe(true);
    pass(main, worker);
    const read: unknown[] = [];
    const taker = {
      expects: () => true,
      rtp: (...values: unknown[]) => read.push(values),
      frame: (...values: unknown[]) => read.push(values),
    };
    while (readPacket(worker.source, taker));
    expect(read).toEqual([
      [5, packet, 77.125, NEGOTIATED],
      [6, frame],
      [7, { ...uncaptured, payload: new Uint8Array(0) }],
    ]);
  });

  it("keeps packets of a stream that is not known yet", () => {
    const [main, worker] = make();
    writeRtp(main.sink, 2, Uint8Array.of(1), 0, NEGOTIATED);
    pass(main, worker);
    let known = 1;
    const streams: number[] = [];
    const taker = {
      expects: (stream: number) => stream <= known,
      rtp: (stream: number) => streams.push(stream),
      frame: () => undefined,
    };
    expect(readPacket(worker.source, taker)).toBe(false);
    known = 2;
    expect(readPacket(worker.source, taker)).toBe(true);
    expect(streams).toEqual([2]);
  });

  it("carries sound with all its labels", () => {
    const [main, worker] = make();
    expect(writeFrame(worker.sink, 9, sound)).toBe(true);
    expect(writeBlock(worker.sink, 4, block)).toBe(true);
    expect(writeFrame(worker.sink, 9, { ...sound, wallClockErrorUs: null, quality: "received" })).toBe(true);
    pass(worker, main);
    const read: unknown[] = [];
    const taker = {
      frame: (...values: unknown[]) => read.push(values),
      block: (...values: unknown[]) => read.push(values),
    };
    while (readSound(main.source, taker));
    expect(read).toEqual([
      [9, sound],
      [4, block],
      [9, { ...sound, wallClockErrorUs: null, quality: "received" }],
    ]);
  });

  it("keeps the order through any number of rounds, and refuses what does not fit", () => {
    const [main, worker] = make();
    const random = new SeededRandom(SEED);
    const written: number[] = [];
    const read: number[] = [];
    let refused = 0;
    let broken = 0;
    const taker = {
      expects: () => true,
      rtp: (stream: number, packet: Uint8Array) => {
        if (packet.some((byte) => byte !== stream % 251)) broken++;
        read.push(stream);
      },
      frame: () => undefined,
    };
    for (let i = 0; i < 5_000; i++) {
      const packet = new Uint8Array(random.integer(0, 1200)).fill(i % 251);
      if (writeRtp(main.sink, i, packet, i, NEGOTIATED)) written.push(i);
      else refused++;
      if (!random.chance(0.01)) continue;
      pass(main, worker);
      while (readPacket(worker.source, taker));
      pass(worker, main);
    }
    pass(main, worker);
    while (readPacket(worker.source, taker));
    expect(read, `seed ${SEED}`).toEqual(written);
    expect(broken).toBe(0);
    expect(refused + written.length).toBe(5_000);
  });
});

describe("a ring", () => {
  it("refuses when full and takes again when read", () => {
    const ring = createRing(1024);
    const [sink, source] = [new RingSink(ring), new RingSource(ring)];
    let count = 0;
    while (sink.reserve(1, 92) >= 0) {
      sink.commit();
      count++;
    }
    expect(count).toBe(9); // 104 bytes each
    expect(source.next()).toBeGreaterThan(0);
    source.release();
    // The rest of the ring is too short, and the beginning as long as the record.
    expect(sink.reserve(1, 92)).toBeGreaterThan(0);
    sink.commit();
    for (let i = 0; i < 9; i++) {
      expect(source.next()).toBeGreaterThan(0);
      source.release();
    }
    expect(source.next()).toBe(-1);
  });

  it("asks for one call each time the reader sleeps", () => {
    const ring = createRing(1024);
    const [sink, source] = [new RingSink(ring), new RingSource(ring)];
    const write = (): boolean => {
      sink.reserve(1, 8);
      sink.commit();
      return sink.wakes();
    };
    expect([write(), write(), write()]).toEqual([true, false, false]);
    expect(source.sleep()).toBe(false);
    while (source.next() >= 0) source.release();
    expect(source.sleep()).toBe(true);
    expect([write(), write()]).toEqual([true, false]);
  });
});

describe("blocks", () => {
  it("come back and are filled again: traffic makes no new ones", () => {
    const [main, worker] = [new BlockChannel("packets"), new BlockChannel("sound")];
    const packet = new Uint8Array(120);
    const packets = { expects: () => true, rtp: () => undefined, frame: () => undefined };
    const heard = { frame: () => undefined, block: () => undefined };
    const second = (): void => {
      for (let turn = 0; turn < 200; turn++) {
        for (let peer = 0; peer < 3; peer++) writeRtp(main.sink, peer, packet, turn, NEGOTIATED);
        pass(main, worker);
        while (readPacket(worker.source, packets));
        for (let peer = 0; peer < 3; peer++) writeFrame(worker.sink, peer, sound);
        writeBlock(worker.sink, 1, block);
        pass(worker, main);
        while (readSound(main.source, heard));
      }
    };
    second();
    const made = [main.sink.allocations, worker.sink.allocations];
    for (let i = 0; i < 4; i++) second();
    expect([main.sink.allocations, worker.sink.allocations]).toEqual(made);
    expect(Math.max(...made)).toBeLessThan(12);
  });

  it("stop when none come back", () => {
    const channel = new BlockChannel("packets");
    let taken = 0;
    while (writeRtp(channel.sink, 1, new Uint8Array(1000), 0, NEGOTIATED)) {
      taken += 1000;
      channel.notice();
    }
    expect(taken).toBeLessThan(1 << 20);
    expect(taken).toBeGreaterThan(1 << 15);
  });
});
