import { describe, expect, it } from "vitest";
import { crc32 } from "../../src/channels/crc32.ts";
import {
  classOf,
  decodeFragment,
  decodeMessageFragment,
  encodeFragment,
  encodeMessageFragment,
  FRAME_KINDS,
  HEADER_BYTES,
  MAX_MESSAGE_BYTES,
  MessageIds,
  payloadLimit,
} from "../../src/channels/framing.ts";
import type { Fragment } from "../../src/channels/framing.ts";
import { SeededRandom } from "../../src/testing/random.ts";

const text = new TextEncoder();
const payload = text.encode('{"a":1}');

function fragment(changes: Partial<Fragment> = {}): Fragment {
  return {
    kind: FRAME_KINDS.json,
    priority: 1,
    last: true,
    abort: false,
    messageId: 7,
    total: payload.length,
    offset: 0,
    crc: crc32(payload),
    data: payload,
    ...changes,
  };
}

describe("CRC-32", () => {
  it("gives the check value of the standard", () => {
    expect(crc32(text.encode("123456789"))).toBe(0xcbf43926);
    expect(crc32(new Uint8Array())).toBe(0);
  });

  it("agrees with the definition, bit by bit, whatever the length", () => {
    const random = new SeededRandom("crc");
    for (let length = 0; length < 70; length++) {
      const bytes = random.bytes(length);
      expect(crc32(bytes), `length ${length}`).toBe(bitwiseCrc32(bytes));
    }
  });
});

describe("fragments", () => {
  it("have the header of the contract, byte by byte", () => {
    const bytes = encodeMessageFragment(FRAME_KINDS.text, 2, 0x01020304, text.encode("123456789"));
    const header = "52 01 03 09 01020304 00000009 00000000 cbf43926".replaceAll(" ", "");
    expect(
      Array.from(bytes.subarray(0, HEADER_BYTES), (byte) => byte.toString(16).padStart(2, "0")).join(""),
    ).toBe(header);
    expect(bytes.length).toBe(HEADER_BYTES + 9);
  });

  it("come back as they were sent, from the middle of a larger buffer too", () => {
    const bytes = encodeFragment(fragment({ offset: 3, total: 100, last: false, priority: 2 }));
    const shifted = new Uint8Array(bytes.length + 5);
    shifted.set(bytes, 5);
    expect(decodeFragment(shifted.subarray(5))).toEqual(
      fragment({ offset: 3, total: 100, last: false, priority: 2 }),
    );
  });

  it("hold an empty message", () => {
    const bytes = encodeMessageFragment(FRAME_KINDS.binary, 1, 1, new Uint8Array());
    expect(decodeMessageFragment(bytes)).toMatchObject({ messageId: 1, payload: new Uint8Array() });
  });

  it.each<[string, string, (bytes: Uint8Array) => Uint8Array]>([
    ["shorter than a header", "too-short", (bytes) => bytes.subarray(0, 19)],
    ["with another magic", "bad-magic", (bytes) => poke(bytes, 0, 0x53)],
    ["of another version", "bad-version", (bytes) => poke(bytes, 1, 2)],
    ["of kind 0", "bad-kind", (bytes) => poke(bytes, 2, 0)],
    ["of kind 6", "bad-kind", (bytes) => poke(bytes, 2, 6)],
    ["of class 3", "bad-class", (bytes) => poke(bytes, 3, 0b1101)],
    ["with message id 0", "bad-id", (bytes) => poke(bytes, 7, 0)],
    ["with a changed byte", "bad-crc", (bytes) => poke(bytes, HEADER_BYTES, 0)],
    ["with a changed checksum", "bad-crc", (bytes) => poke(bytes, 16, 0)],
    ["that end before their total", "gap", (bytes) => poke(bytes, 11, payload.length + 1)],
    ["that exceed their total", "bad-size", (bytes) => poke(bytes, 11, payload.length - 1)],
    ["cut off", "gap", (bytes) => bytes.subarray(0, -1)],
    ["that are not the last", "fragmented", (bytes) => poke(bytes, 3, 0b0100)],
    ["given up by the sender", "aborted", (bytes) => poke(bytes, 3, 0b0111)],
  ])("are refused %s: %s", (_, reason, change) => {
    expect(decodeMessageFragment(change(encodeFragment(fragment())))).toBe(reason);
  });

  it("are refused when they claim more than 16 MiB or stand elsewhere than at the start", () => {
    expect(decodeMessageFragment(encodeFragment(fragment({ total: MAX_MESSAGE_BYTES + 1 })))).toBe(
      "bad-size",
    );
    expect(decodeMessageFragment(encodeFragment(fragment({ offset: 0xffffffff })))).toBe("bad-size");
    const tail = fragment({ offset: 10, total: 10 + payload.length });
    expect(decodeMessageFragment(encodeFragment(tail))).toBe("fragmented");
  });

  it("ignore flag bits that later versions may use", () => {
    const bytes = encodeFragment(fragment());
    bytes[3] = (bytes[3] as number) | 0xf0;
    expect(decodeMessageFragment(bytes)).toMatchObject({ messageId: 7, priority: 1 });
  });

  it("never throw and never invent a message, whatever the bytes", () => {
    const random = new SeededRandom("fragments");
    for (let round = 0; round < 20_000; round++) {
      const bytes = encodeFragment(fragment());
      for (let changes = random.integer(1, 4); changes > 0; changes--) {
        bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
      }
      const result = decodeMessageFragment(bytes.subarray(0, random.integer(0, bytes.length)));
      // All but one in 2^32 changes are seen; what passes has its payload as it was.
      if (typeof result !== "string" && result.payload.join() !== payload.join()) {
        throw new Error(`round ${round} made a message of ${bytes.join(" ")}`);
      }
    }
  });
});

describe("message ids", () => {
  it("count per class from 1 and wrap to 1", () => {
    const ids = new MessageIds();
    expect([ids.next(1), ids.next(1), ids.next(0), ids.next(1)]).toEqual([1, 2, 1, 3]);
    const late = new MessageIds(0xfffffffe);
    expect([late.next(2), late.next(2), late.next(2)]).toEqual([0xffffffff, 1, 2]);
  });
});

describe("limits", () => {
  it("are high for control, normal up to 64 KiB, bulk above", () => {
    expect([classOf("control", 1e6), classOf("data", 65_536), classOf("data", 65_537)]).toEqual([0, 1, 2]);
  });

  it("leave room for the header below what the other side takes", () => {
    expect(payloadLimit(262_144)).toBe(65_516);
    expect(payloadLimit(16_384)).toBe(16_364);
    expect(payloadLimit(0)).toBe(65_516); // no limit (RFC 8841)
    expect(payloadLimit(10)).toBe(0);
  });
});

function poke(bytes: Uint8Array, at: number, value: number): Uint8Array {
  bytes[at] = value;
  return bytes;
}

function bitwiseCrc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
