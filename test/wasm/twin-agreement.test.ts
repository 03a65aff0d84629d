// The kernels in WebAssembly and their JavaScript twin do the same, down to the last byte of memory.
import { describe, expect, it } from "vitest";
import { LAYOUT } from "../../src/wasm/generated/kernels.ts";
import { rtpPacket, seededRandom } from "./rtp-traffic.ts";
import { twinPair } from "./twin.ts";
import type { TwinPair } from "./twin.ts";

const RING_BYTES = 16_384;
const OPERATIONS = 4_000;
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

/** A sender whose every habit is out of order now and then, and a consumer that stalls. */
function hostileStream(
  pair: TwinPair,
  stream: number,
  clockRate: number,
  seed: number,
  operations: number,
): void {
  const random = seededRandom(seed);
  const upTo = (limit: number): number => Math.floor(random() * limit);
  const ticksPerPacket = clockRate === 48_000 ? 960 : 3000;
  let sequenceNumber = upTo(65_536);
  let rtpTimestamp = upTo(2 ** 32);
  let nowMs = upTo(1e6);
  let stalledUntilMs = 0;
  for (let i = 0; i < operations; i++) {
    nowMs += random() * 30;
    const habit = random();
    sequenceNumber += 1;
    rtpTimestamp += ticksPerPacket;
    if (habit < 0.02) sequenceNumber += upTo(20);
    else if (habit < 0.022) sequenceNumber += upTo(65_536);
    else if (habit < 0.024) rtpTimestamp += upTo(2 ** 32);
    else if (habit < 0.025) sequenceNumber -= upTo(2000);
    else if (habit < 0.026) sequenceNumber += 1000 + upTo(2500);
    else if (habit < 0.028) pauseOf(upTo(5000), random() < 0.5);
    else if (habit < 0.029) flood();
    const behind = random() < 0.15 ? upTo(12) : 0;
    insert(pair, stream, nowMs, packetOf(sequenceNumber - behind, rtpTimestamp - behind * ticksPerPacket));
    if (random() < 0.003) stalledUntilMs = nowMs + upTo(1500);
    if (nowMs >= stalledUntilMs) consume(nowMs);
  }

  function pauseOf(ms: number, timestampsGoOn: boolean): void {
    nowMs += ms;
    if (timestampsGoOn) rtpTimestamp += Math.round((ms * clockRate) / 1000);
  }

  // A writer in another thread that waits for nobody: the ring runs full before anything is indexed.
  function flood(): void {
    for (let refused = 0; refused < 3;) {
      const packet = random() < 0.2 ? new Uint8Array(900) : packetOf(++sequenceNumber, rtpTimestamp);
      const address = pair.call("reserve", stream, packet.length);
      if (address === 0) {
        refused++;
        continue;
      }
      pair.write(packet, address);
      pair.call("commit", stream, packet.length, nowMs);
    }
    pair.call("ingest", stream);
    pair.call("done", stream);
    // Behind a packet on probation, garbage alone must not fill the ring either.
    insert(pair, stream, nowMs, rtpPacket({ sequenceNumber: sequenceNumber + 20_000, rtpTimestamp }));
    for (let i = 0; i < 20; i++) insert(pair, stream, nowMs, new Uint8Array(1000));
    pair.call("refuse", stream);
  }

  function packetOf(sequence: number, timestamp: number): Uint8Array {
    if (random() < 0.01) return Uint8Array.from({ length: upTo(40) }, () => upTo(256));
    return rtpPacket({
      sequenceNumber: sequence,
      rtpTimestamp: timestamp,
      payload: new Uint8Array(upTo(300)).fill(sequence & 0xff),
      csrcs: upTo(3),
      ...(random() < 0.3 ? { extensionWords: upTo(3) } : {}),
      padding: random() < 0.1 ? 1 + upTo(8) : 0,
    });
  }

  function consume(atMs: number): void {
    pair.call("nextDue", stream);
    while (random() < 0.9 && pair.call("pop", stream, atMs) === 1) pair.call("done", stream);
    if (random() < 0.01) pair.call("setTargetDelay", stream, upTo(200));
    if (random() < 0.01) pair.call("setMinDelay", stream, upTo(100));
    if (random() < 0.005) pair.call("discardBefore", stream, atMs - upTo(100));
    if (random() < 0.001) pair.call("resetStream", stream);
  }
}

function insert(pair: TwinPair, stream: number, nowMs: number, packet: Uint8Array): void {
  const address = pair.call("reserve", stream, packet.length);
  if (address === 0) throw new Error("the ring is full although the consumer keeps a part of it free");
  pair.write(packet, address);
  pair.call("push", stream, packet.length, nowMs);
}

/** received - every fate a packet can have; 0 when each packet has exactly one. */
function unaccounted({ arena }: TwinPair, stream: number): number {
  const count = (offset: number): number => arena.words[(stream + offset) >> 2] as number;
  const { RECEIVED, CURRENT, DUPLICATE, LATE, OVERRUN, POPPED, SUSPECT } = LAYOUT;
  const fates = count(CURRENT) + count(DUPLICATE) + count(LATE) + count(OVERRUN) + count(POPPED);
  return count(RECEIVED) - fates - (count(SUSPECT) === 0 ? 0 : 1);
}

describe.each([{ shared: false }, { shared: true }])("with shared memory: $shared", ({ shared }) => {
  it.skipIf(shared && typeof SharedArrayBuffer === "undefined").each(SEEDS)(
    "a hostile stream leaves both memories equal and every packet accounted for (seed %i)",
    (seed) => {
      const pair = twinPair(4 * RING_BYTES, shared);
      const stream = pair.arena.allocate(pair.call("streamBytes", RING_BYTES));
      const clockRate = seed % 2 === 0 ? 48_000 : 90_000;
      pair.call(
        "initStream",
        stream,
        RING_BYTES,
        clockRate,
        Number(pair.arena.shared),
        seed & 1,
        (seed >> 1) & 1,
        50 + 10 * seed,
        20,
        200,
      );
      for (let part = 0; part < 4; part++) {
        hostileStream(pair, stream, clockRate, seed * 10 + part, OPERATIONS / 4);
        expect(unaccounted(pair, stream)).toBe(0);
        expect(pair.firstDifference()).toBe(-1);
      }
      const count = (offset: number): number => pair.arena.words[(stream + offset) >> 2] as number;
      expect(count(LAYOUT.POPPED)).toBeGreaterThan(OPERATIONS / 8);
      const rare = [
        "RESETS",
        "RESYNCS",
        "LOST",
        "DUPLICATE",
        "LATE",
        "OVERRUN",
        "MALFORMED",
        "REFUSED",
      ] as const;
      for (const name of rare) expect(count(LAYOUT[name]), name).toBeGreaterThan(0);
    },
  );
});

it("clock arithmetic agrees on random values", () => {
  const pair = twinPair(65_536, false);
  const random = seededRandom(99);
  const i32 = (): number => (random() * 2 ** 32) | 0;
  for (let i = 0; i < 5000; i++) {
    const [a, b] = [i32(), i32()];
    pair.call("sequenceDistance", a, b);
    pair.call("extendSequence", a, b);
    pair.call("tickDistance", a, b);
    const ms = pair.call("ticksToMs", a, 90_000);
    expect(pair.call("msToTicks", ms, 90_000)).toBe(a);
  }
});
