// Builds trace files by hand, byte for byte, so that the readers are tested against the formats and not against themselves.
import { buildRtp } from "../../../src/rtp/packet.ts";

/** Numbers of so many bytes each, in either byte order. */
function numbers(bytes: 2 | 4, little: boolean, values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(bytes * values.length));
  for (const [i, value] of values.entries()) {
    if (bytes === 2) view.setUint16(2 * i, value, little);
    else view.setUint32(4 * i, value, little);
  }
  return new Uint8Array(view.buffer);
}

/** 16-bit numbers. */
export const u16 = (little: boolean, ...values: number[]): Uint8Array => numbers(2, little, values);
/** 32-bit numbers. */
export const u32 = (little: boolean, ...values: number[]): Uint8Array => numbers(4, little, values);

/** Bytes one after the other. */
export function join(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** A packet of SSRC 7 with four bytes of payload. */
export function rtp(
  sequenceNumber: number,
  fields: Partial<Parameters<typeof buildRtp>[0]> = {},
): Uint8Array {
  const payload = Uint8Array.of(1, 2, 3, 4);
  return buildRtp({
    ssrc: 7,
    payloadType: 0,
    sequenceNumber,
    timestamp: sequenceNumber * 160,
    payload,
    ...fields,
  });
}

/** A datagram from port 4000 to 5000; `length` overrides the field. */
export function udp(payload: Uint8Array, length = payload.length + 8): Uint8Array {
  return join(u16(false, 4000, 5000, length, 0), payload);
}

/** An IPv4 packet with `options` bytes (a multiple of four) of options. */
export function ipv4(
  payload: Uint8Array,
  fields: { protocol?: number; options?: number; fragment?: number; length?: number } = {},
): Uint8Array {
  const { protocol = 17, options = 0, fragment = 0 } = fields;
  const { length = 20 + options + payload.length } = fields;
  const header = [
    0x40 | (5 + options / 4),
    0,
    length >> 8,
    length & 255,
    0,
    0,
    fragment >> 8,
    fragment & 255,
  ];
  const rest = [64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
  return join(header, rest, new Uint8Array(options), payload);
}

/** An IPv6 packet; `next` names what `payload` begins with. */
export function ipv6(payload: Uint8Array, next = 17): Uint8Array {
  return join([0x60, 0, 0, 0], u16(false, payload.length), [next, 64], new Uint8Array(32), payload);
}

/** An Ethernet frame with VLAN tags of these ethertypes. */
export function ethernet(payload: Uint8Array, ethertype = 0x0800, ...tags: number[]): Uint8Array {
  return join(new Uint8Array(12), ...tags.map((tag) => u16(false, tag, 5)), u16(false, ethertype), payload);
}

/** A frame of a capture and when it was taken, in units of the capture. */
export interface Taken {
  readonly bytes: Uint8Array;
  readonly seconds?: number;
  readonly units?: number;
}

/** A capture of libpcap. */
export function pcap(
  frames: readonly Taken[],
  { little = true, nanoseconds = false, linkType = 1 } = {},
): Uint8Array {
  const records = frames.map(({ bytes, seconds = 0, units = 0 }) =>
    join(u32(little, seconds, units, bytes.length, bytes.length), bytes),
  );
  const magic = nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4;
  return join(u32(little, magic), u16(little, 2, 4), u32(little, 0, 0, 65_535, linkType), ...records);
}

/** A block of pcapng around a body, padded to 32 bits. */
export function block(
  little: boolean,
  type: number,
  ...body: readonly (Uint8Array | readonly number[])[]
): Uint8Array {
  const inside = join(...body);
  const padded = join(inside, new Uint8Array((4 - (inside.length % 4)) % 4));
  const length = padded.length + 12;
  return join(u32(little, type, length), padded, u32(little, length));
}

/** Section header. */
export function section(little: boolean): Uint8Array {
  return block(
    little,
    0x0a0d0d0a,
    u32(little, 0x1a2b3c4d),
    u16(little, 1, 0),
    u32(little, 0xffffffff, 0xffffffff),
  );
}

/** Interface description with options, each padded by itself. */
export function interfaceBlock(
  little: boolean,
  linkType: number,
  options: readonly { code: number; value: readonly number[] }[] = [],
): Uint8Array {
  const written = options.map(({ code, value }) =>
    join(u16(little, code, value.length), value, new Uint8Array((4 - (value.length % 4)) % 4)),
  );
  return block(little, 1, u16(little, linkType, 0), u32(little, 0), ...written);
}

/** Enhanced packet block. */
export function enhanced(little: boolean, frame: Uint8Array, time: bigint, interfaceId = 0): Uint8Array {
  const [high, low] = [Number(time >> 32n), Number(time & 0xffff_ffffn)];
  return block(little, 6, u32(little, interfaceId, high, low, frame.length, frame.length), frame);
}

/** A dump of rtptools. */
export function rtpdump(
  records: readonly { bytes: Uint8Array; atMs: number; length?: number }[],
  address = "0.0.0.0/0",
): Uint8Array {
  const written = records.map(({ bytes, atMs, length = bytes.length }) =>
    join(u16(false, bytes.length + 8, length), u32(false, atMs), bytes),
  );
  const line = new TextEncoder().encode(`#!rtpplay1.0 ${address}\n`);
  return join(line, u32(false, 0, 0, 0), u16(false, 0, 0), ...written);
}
