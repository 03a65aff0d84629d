// The alignment kernel in WebAssembly and its JavaScript twin do the same, down to the last byte of memory.
import { expect, it } from "vitest";
import { SeededRandom } from "../../src/testing/random.ts";
import { LAYOUT } from "../../src/wasm/generated/kernels.ts";
import { twinPair } from "./twin.ts";
import type { TwinPair } from "./twin.ts";

const CAPACITY = 16;
const OPERATIONS = 6000;
const STATE = 4096;
const { ALIGN_PEERS, ALIGN_PEER_SHIFT, ALIGN_FRAME_SHIFT, ALIGN_MAX_PEERS } = LAYOUT;

const peerAt = (index: number): number => STATE + ALIGN_PEERS + (index << ALIGN_PEER_SHIFT);

function writeWord(pair: TwinPair, address: number, value: number): void {
  pair.write(new Uint8Array(Int32Array.of(value).buffer), address);
}

function writeDouble(pair: TwinPair, address: number, value: number): void {
  pair.write(new Uint8Array(Float64Array.of(value).buffer), address);
}

function addPeer(pair: TwinPair, index: number): void {
  const peer = peerAt(index);
  pair.write(new Uint8Array(1 << ALIGN_PEER_SHIFT), peer);
  writeWord(pair, peer + LAYOUT.ALIGN_MODE, LAYOUT.ALIGN_MODE_ACTIVE);
  writeWord(pair, peer + LAYOUT.ALIGN_MASK, CAPACITY - 1);
  writeWord(
    pair,
    peer + LAYOUT.ALIGN_RING,
    peerAt(ALIGN_MAX_PEERS) + ((index * CAPACITY) << ALIGN_FRAME_SHIFT),
  );
  writeDouble(
    pair,
    peer + LAYOUT.ALIGN_FLOOR_MS,
    pair.arena.doubles[(STATE + LAYOUT.ALIGN_LAST_MS) >> 3] as number,
  );
  writeDouble(pair, peer + LAYOUT.ALIGN_HEAD_MS, Infinity);
}

it.each([1, 2, 3, 4, 5, 6])("wild frames of wild peers leave both memories equal (seed %i)", (seed) => {
  const pair = twinPair(65_536, false);
  const random = new SeededRandom(seed);
  writeDouble(pair, STATE + LAYOUT.ALIGN_CAP_MS, 150);
  writeDouble(pair, STATE + LAYOUT.ALIGN_LAST_MS, -Infinity);
  const seen = { rows: 0, late: 0, displaced: 0, taken: 0 };
  let nowMs = random.next() * 1e6;
  let stalledUntilMs = 0;
  for (let operation = 0; operation < OPERATIONS; operation++) {
    nowMs += random.next() * 3;
    const index = random.integer(0, ALIGN_MAX_PEERS - 1);
    const peer = peerAt(index);
    const isFree = pair.arena.words[(peer + LAYOUT.ALIGN_MODE) >> 2] === LAYOUT.ALIGN_MODE_FREE;
    if (isFree) {
      if (random.chance(0.3)) addPeer(pair, index);
      continue;
    }
    const captureMs = nowMs + (random.chance(0.02) ? random.normal() * 1e5 : -random.next() * 200);
    pair.call("alignPush", STATE, index, captureMs, random.integer(0, 60_000), operation + 1);
    const status = pair.arena.words[(STATE + LAYOUT.ALIGN_STATUS) >> 2];
    if (status === LAYOUT.ALIGN_TOO_LATE) seen.late++;
    if (status === LAYOUT.ALIGN_DISPLACED) seen.displaced++;
    if (random.chance(0.02)) writeDouble(pair, peer + LAYOUT.ALIGN_DELAY_MS, random.next() * 200);
    if (random.chance(0.02)) writeWord(pair, peer + LAYOUT.ALIGN_MODE, random.integer(1, 2));
    if (random.chance(0.01)) pair.call("alignShift", STATE, index, random.normal() * 100);
    if (random.chance(0.01) && pair.call("alignTake", STATE, index, random.integer(0, 1)) !== 0) seen.taken++;
    const windowMs = random.chance(0.5) ? 100 : random.next() * 20;
    pair.call("alignNextDue", STATE, windowMs);
    // A consumer that stops now and then: queues run full.
    if (random.chance(0.002)) stalledUntilMs = nowMs + 400;
    const pulls = nowMs > stalledUntilMs && random.chance(0.5);
    if (pulls && pair.call("alignPop", STATE, nowMs, windowMs) > 0) seen.rows++;
    if (random.chance(0.002)) {
      while (pair.call("alignTake", STATE, index, 1) !== 0) continue;
      writeWord(pair, peer + LAYOUT.ALIGN_MODE, LAYOUT.ALIGN_MODE_FREE);
    }
  }
  expect(pair.firstDifference()).toBe(-1);
  for (const [name, count] of Object.entries(seen)) expect(count, name).toBeGreaterThan(0);
});
