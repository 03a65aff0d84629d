import { expect, it } from "vitest";
import {
  BEACON_BYTES,
  encodeBeacon,
  encodeReply,
  encodeRequest,
  EXCHANGE_BYTES,
  parseSyncMessage,
} from "../../src/channels/sync-messages.ts";
import { ntpToUs } from "../../src/rtp/ntp.ts";
import { SeededRandom } from "../../src/testing/random.ts";

const US = 1_767_225_600_123_457;
const STREAM = { media: "audio", ssrc: 0xdead_beef, rtpTimestamp: 0xffff_fff0, clockRate: 48_000 } as const;

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

it("writes a beacon byte for byte", () => {
  // 2026-01-01T00:00:00.123457Z is NTP ed003780 and 0.123457 * 2^32 rounded up.
  expect(hex(encodeBeacon(STREAM, US))).toBe("01000000deadbeeffffffff00000bb80ed0037801f9ae0c2");
});

it("writes requests and replies byte for byte", () => {
  expect(hex(encodeRequest(0x1234, US))).toBe("02001234ed0037801f9ae0c2" + "00".repeat(16));
  const reply = encodeReply(0xffff, { seconds: 1, fraction: 2 }, US, US + 1_000_000);
  expect(hex(reply)).toBe("0300ffff0000000100000002ed0037801f9ae0c2ed0037811f9ae0c2");
});

it("reads what it writes, to the microsecond", () => {
  const beacon = parseSyncMessage(encodeBeacon({ ...STREAM, media: "video" }, US));
  expect(beacon).toMatchObject({ type: "beacon", beacon: { ...STREAM, media: "video" } });
  if (beacon.type === "beacon") expect(ntpToUs(beacon.beacon.captureNtp)).toBe(US);
  const request = parseSyncMessage(encodeRequest(7, US));
  expect(request).toMatchObject({ type: "request", seq: 7 });
  if (request.type !== "request") return;
  const reply = encodeReply(7, request.t1, US + 3, US + 4);
  expect(parseSyncMessage(reply)).toEqual({ type: "reply", seq: 7, t2Us: US + 3, t3Us: US + 4 });
});

it("repeats the asker's time bit by bit, finer than a microsecond though it is", () => {
  const asked = encodeRequest(1, US);
  asked.set([0xab, 0xcd, 0xef, 0x01], 8);
  const request = parseSyncMessage(asked);
  if (request.type !== "request") throw new Error(request.type);
  expect(encodeReply(1, request.t1, US, US).subarray(4, 12)).toEqual(asked.subarray(4, 12));
});

it("reads from the middle of a buffer", () => {
  const buffer = new Uint8Array(40).fill(0xff);
  buffer.set(encodeBeacon(STREAM, US), 5);
  expect(parseSyncMessage(buffer.subarray(5, 29))).toMatchObject({ type: "beacon", beacon: STREAM });
});

it("refuses other kinds, lengths and media, and times that are none, with a reason", () => {
  const reason = (bytes: Uint8Array): string => {
    const message = parseSyncMessage(bytes);
    return message.type === "fault" ? message.reason : message.type;
  };
  const changed = (bytes: Uint8Array, at: number, ...values: number[]): Uint8Array => {
    bytes.set(values, at);
    return bytes;
  };
  const zeros = [0, 0, 0, 0, 0, 0, 0, 0];
  const reply = (): Uint8Array => encodeReply(1, { seconds: 1, fraction: 1 }, US, US);
  expect(reason(new Uint8Array(0))).toBe("sync-kind");
  expect(reason(changed(encodeRequest(1, US), 0, 4))).toBe("sync-kind");
  for (const [kind, right] of [
    [1, BEACON_BYTES],
    [2, EXCHANGE_BYTES],
    [3, EXCHANGE_BYTES],
  ] as const) {
    for (const length of [1, right - 1, right + 1, 1200]) {
      expect(reason(changed(new Uint8Array(length), 0, kind))).toBe("sync-length");
    }
  }
  expect(reason(changed(encodeBeacon(STREAM, US), 1, 2))).toBe("sync-media");
  expect(reason(changed(encodeBeacon(STREAM, US), 16, ...zeros))).toBe("sync-time");
  expect(reason(changed(reply(), 12, ...zeros))).toBe("sync-time");
  expect(reason(changed(reply(), 20, ...zeros))).toBe("sync-time");
  // Reserved bytes are for later versions.
  expect(reason(changed(encodeBeacon(STREAM, US), 2, 9, 9))).toBe("beacon");
});

it("never throws, whatever comes (seed 9)", () => {
  const random = new SeededRandom(9);
  const types = new Set<string>();
  for (let i = 0; i < 2_000; i++) {
    const bytes = random.bytes([0, 1, 23, 24, 27, 28, 29, 60][i % 8] ?? 0);
    if (bytes.length > 1 && i % 3 > 0) bytes.set([i % 5, (i >> 3) % 3]);
    types.add(parseSyncMessage(bytes).type);
  }
  expect([...types].sort()).toEqual(["beacon", "fault", "reply", "request"]);
});
