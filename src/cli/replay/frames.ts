// From a frame of the link layer to the payload of a UDP datagram. Reads what is there and never throws: every frame is
// either a datagram or a reason why it is none.

/** What a UDP datagram carries. */
export interface Datagram {
  /** A view. */
  readonly payload: Uint8Array;
  /** The capture holds only its beginning. */
  readonly snapped: boolean;
  /** Addresses and ports of both ends as hexadecimal text: equal for the datagrams of one flow and direction. */
  readonly flow: string;
}

/**
 * Why a frame is no datagram to look at: it carries something other than UDP over IP, its headers are broken or cut off,
 * it is a part of a datagram (which are not put together again), or its link layer is unknown.
 */
export type FrameRefusal = "notUdp" | "malformedFrame" | "fragment" | "unknownLinkType";

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
/** 802.1Q, 802.1ad, and what came before it. */
const ETHERTYPES_VLAN = [0x8100, 0x88a8, 0x9100];
const PROTOCOL_UDP = 17;
const FRAGMENT_HEADER = 44;
const AUTHENTICATION_HEADER = 51;
/** Hop-by-hop, routing, destination options, mobility, host identity, shim6 (IANA, IPv6 Extension Header Types). */
const EXTENSION_HEADERS = [0, 43, 60, 135, 139, 140];
/** IPv4 everywhere, then IPv6 on Linux, Windows, NetBSD and OpenBSD, FreeBSD, Darwin. */
const ADDRESS_FAMILIES = [2, 10, 23, 24, 28, 30];

type Outcome = Datagram | FrameRefusal;

/** How to read a frame, by LINKTYPE_* (www.tcpdump.org/linktypes.html). */
const LINK_LAYERS: Readonly<Record<number, (frame: Uint8Array) => Outcome>> = {
  0: readLoopback,
  1: (frame) => readByEthertype(frame, 12), // Ethernet: two addresses of 6 bytes
  12: readIp, // raw IP, by the numbers of operating systems that never reached the list
  14: readIp,
  101: readIp,
  108: readLoopback,
  113: (frame) => readByEthertype(frame, 14), // Linux cooked capture
  228: readIp,
  229: readIp,
  276: readCooked2,
};

/** Whether frames of this LINKTYPE_* can be read. */
export function knowsLinkType(linkType: number): boolean {
  return Object.hasOwn(LINK_LAYERS, linkType);
}

/** The UDP datagram in a frame. */
export function readFrame(frame: Uint8Array, linkType: number): Outcome {
  const read = LINK_LAYERS[linkType];
  return read === undefined ? "unknownLinkType" : read(frame);
}

/** A frame whose ethertype stands at `at`, with its payload, or VLAN tags, behind it. */
function readByEthertype(frame: Uint8Array, at: number): Outcome {
  let offset = at;
  while (ETHERTYPES_VLAN.includes(u16(frame, offset))) offset += 4;
  if (offset + 2 > frame.length) return "malformedFrame";
  return readProtocol(frame, u16(frame, offset), offset + 2);
}

/** Linux cooked capture, version 2: the protocol comes first, its payload after 20 bytes. */
function readCooked2(frame: Uint8Array): Outcome {
  if (frame.length < 20) return "malformedFrame";
  // The protocol of a VLAN is followed, behind the header, by the rest of its tag and the protocol within.
  if (ETHERTYPES_VLAN.includes(u16(frame, 0))) return readByEthertype(frame, 22);
  return readProtocol(frame, u16(frame, 0), 20);
}

function readProtocol(frame: Uint8Array, ethertype: number, offset: number): Outcome {
  if (ethertype !== ETHERTYPE_IPV4 && ethertype !== ETHERTYPE_IPV6) return "notUdp";
  return readIp(frame.subarray(offset));
}

/** BSD loopback: an address family in four bytes, in the byte order of whatever machine it was. */
function readLoopback(frame: Uint8Array): Outcome {
  if (frame.length < 4) return "malformedFrame";
  const high = u16(frame, 0);
  const low = u16(frame, 2);
  const family = high === 0 ? low : low === 0 ? swap16(high) : -1;
  return ADDRESS_FAMILIES.includes(family) ? readIp(frame.subarray(4)) : "notUdp";
}

function readIp(packet: Uint8Array): Outcome {
  const version = (packet[0] ?? 0) >> 4;
  if (version === 4) return readIpv4(packet);
  return version === 6 ? readIpv6(packet) : "malformedFrame";
}

/** RFC 791 section 3.1. */
function readIpv4(packet: Uint8Array): Outcome {
  const headerLength = ((packet[0] ?? 0) & 0x0f) * 4;
  if (headerLength < 20 || packet.length < headerLength) return "malformedFrame";
  if ((u16(packet, 6) & 0x3fff) !== 0) return "fragment"; // more to come, or not the beginning
  if (packet[9] !== PROTOCOL_UDP) return "notUdp";
  // 0 when the network card was left to cut the packet up (TCP segmentation offload and its relatives).
  const total = u16(packet, 2) || packet.length;
  if (total < headerLength) return "malformedFrame";
  return readUdp(packet.subarray(headerLength, total), packet.subarray(12, 20));
}

/** RFC 8200 sections 3 and 4. */
function readIpv6(packet: Uint8Array): Outcome {
  if (packet.length < 40) return "malformedFrame";
  // 0 announces a jumbogram, whose length stands in an extension header.
  const end = u16(packet, 4) === 0 ? packet.length : 40 + u16(packet, 4);
  let next = packet[6] ?? 0;
  let offset = 40;
  while (next !== PROTOCOL_UDP) {
    const isFragment = next === FRAGMENT_HEADER;
    const isAuthentication = next === AUTHENTICATION_HEADER;
    if (!isFragment && !isAuthentication && !EXTENSION_HEADERS.includes(next)) return "notUdp";
    if (offset + 8 > Math.min(end, packet.length)) return "malformedFrame";
    // Atomic fragments, whole packets with the header of a fragment, are none (RFC 6946).
    if (isFragment && (u16(packet, offset + 2) & 0xfff9) !== 0) return "fragment";
    const units = packet[offset + 1] ?? 0;
    next = packet[offset] ?? 0;
    offset += isFragment ? 8 : isAuthentication ? (units + 2) * 4 : (units + 1) * 8;
  }
  return readUdp(packet.subarray(offset, end), packet.subarray(8, 40));
}

/** RFC 768. */
function readUdp(datagram: Uint8Array, addresses: Uint8Array): Outcome {
  if (datagram.length < 8) return "malformedFrame";
  const length = u16(datagram, 4) || datagram.length; // 0 in jumbograms
  if (length < 8) return "malformedFrame";
  return {
    payload: datagram.subarray(8, length),
    snapped: length > datagram.length,
    flow: hex(addresses) + hex(datagram.subarray(0, 4)),
  };
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >> 8);
}

function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}
