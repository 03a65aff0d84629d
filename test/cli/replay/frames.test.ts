import { describe, expect, it } from "vitest";
import { knowsLinkType, readFrame } from "../../../src/cli/replay/frames.ts";
import { ethernet, ipv4, ipv6, join, u16, u32, udp } from "./trace-bytes.ts";

const payload = Uint8Array.of(9, 8, 7);
const datagram = udp(payload);
const [V4, V6] = [0x0800, 0x86dd];

/** Linux cooked captures: version 1 has the protocol at the end of its header, version 2 at the beginning. */
const cooked1 = (packet: Uint8Array, ...protocol: number[]): Uint8Array =>
  join(new Uint8Array(14), u16(false, ...protocol), packet);
const cooked2 = (packet: Uint8Array, protocol: number): Uint8Array =>
  join(u16(false, protocol), new Uint8Array(18), packet);

describe("link layers", () => {
  it.each<[string, number, Uint8Array]>([
    ["Ethernet, IPv4", 1, ethernet(ipv4(datagram))],
    ["Ethernet, IPv6", 1, ethernet(ipv6(datagram), V6)],
    ["Ethernet with a VLAN", 1, ethernet(ipv4(datagram), V4, 0x8100)],
    ["Ethernet with two VLANs", 1, ethernet(ipv6(datagram), V6, 0x88a8, 0x8100)],
    ["Ethernet, padded to its least length", 1, join(ethernet(ipv4(datagram)), new Uint8Array(30))],
    ["raw IP, IPv4", 101, ipv4(datagram)],
    ["raw IP, IPv6", 101, ipv6(datagram)],
    ["raw IP of a BSD", 12, ipv4(datagram)],
    ["raw IP of OpenBSD", 14, ipv4(datagram)],
    ["raw IPv4", 228, ipv4(datagram)],
    ["raw IPv6", 229, ipv6(datagram)],
    ["Linux cooked", 113, cooked1(ipv4(datagram), V4)],
    ["Linux cooked with a VLAN", 113, cooked1(ipv6(datagram), 0x8100, 5, V6)],
    ["Linux cooked 2", 276, cooked2(ipv6(datagram), V6)],
    ["Linux cooked 2 with a VLAN", 276, cooked2(join(u16(false, 5, V4), ipv4(datagram)), 0x8100)],
    ["loopback of a little-endian BSD", 0, join(u32(true, 2), ipv4(datagram))],
    ["loopback of a big-endian BSD", 0, join(u32(false, 2), ipv4(datagram))],
    ["loopback of macOS, IPv6", 0, join(u32(true, 30), ipv6(datagram))],
    ["loopback of OpenBSD", 108, join(u32(false, 24), ipv6(datagram))],
  ])("read %s", (_name, linkType, frame) => {
    expect(knowsLinkType(linkType)).toBe(true);
    expect(readFrame(frame, linkType)).toMatchObject({ payload, snapped: false });
  });

  it.each<[string, number, Uint8Array]>([
    ["ARP", 1, ethernet(new Uint8Array(28), 0x0806)],
    ["spanning tree", 1, ethernet(new Uint8Array(28), 38)],
    ["an unknown family", 0, join(u32(true, 7), ipv4(datagram))],
    ["a family of both halves", 0, join(u32(true, 0x20002), ipv4(datagram))],
    ["TCP", 101, ipv4(datagram, { protocol: 6 })],
    ["ICMP over IPv6", 101, ipv6(datagram, 58)],
  ])("find no UDP in %s", (_name, linkType, frame) => {
    expect(readFrame(frame, linkType)).toBe("notUdp");
  });

  it("say which they do not know", () => {
    expect(knowsLinkType(147)).toBe(false);
    expect(readFrame(ipv4(datagram), 147)).toBe("unknownLinkType");
  });
});

describe("IPv4", () => {
  it("passes over options", () => {
    expect(readFrame(ipv4(datagram, { options: 12 }), 228)).toMatchObject({ payload });
  });

  it("ends where its length says, or with the frame when it says 0", () => {
    expect(readFrame(join(ipv4(datagram), [1, 2, 3]), 228)).toMatchObject({ payload, snapped: false });
    expect(readFrame(ipv4(datagram, { length: 0 }), 228)).toMatchObject({ payload });
  });

  it.each([0x2000, 0x0001, 0x2010])("leaves fragments alone (flags and offset %i)", (fragment) => {
    expect(readFrame(ipv4(datagram, { fragment }), 228)).toBe("fragment");
  });

  it("is read when it must not be fragmented", () => {
    expect(readFrame(ipv4(datagram, { fragment: 0x4000 }), 228)).toMatchObject({ payload });
  });

  it("is malformed with a header of 16 bytes, or shorter than its header", () => {
    const packet = ipv4(datagram);
    packet[0] = 0x44;
    expect(readFrame(packet, 228)).toBe("malformedFrame");
    expect(readFrame(ipv4(datagram, { length: 19 }), 228)).toBe("malformedFrame");
    expect(readFrame(new Uint8Array(), 228)).toBe("malformedFrame");
  });
});

describe("IPv6", () => {
  const header = (next: number, units: number, length: number): Uint8Array =>
    join([next, units], new Uint8Array(length - 2));

  it.each([
    ["hop-by-hop options", 0, header(17, 1, 16)],
    ["a routing header", 43, header(17, 0, 8)],
    ["destination options behind it", 43, join(header(60, 0, 8), header(17, 2, 24))],
    ["an authentication header", 51, header(17, 4, 24)],
    ["an atomic fragment", 44, header(17, 0, 8)],
  ])("passes over %s", (_name, next, extensions) => {
    expect(readFrame(ipv6(join(extensions, datagram), next), 229)).toMatchObject({ payload });
  });

  it.each([
    ["the first", [0, 1]],
    ["a later one", [1, 0]],
  ])("leaves fragments alone: %s", (_name, field) => {
    const fragment = join([17, 0], field, new Uint8Array(4));
    expect(readFrame(ipv6(join(fragment, datagram), 44), 229)).toBe("fragment");
  });

  it("is malformed when its headers lead out of the packet", () => {
    expect(readFrame(ipv6(header(60, 255, 8), 60), 229)).toBe("malformedFrame");
    expect(readFrame(ipv6(new Uint8Array(), 60), 229)).toBe("malformedFrame");
  });
});

describe("UDP", () => {
  it("tells when the capture kept less than was sent", () => {
    expect(readFrame(ipv4(datagram).subarray(0, 30), 228)).toEqual({
      payload: payload.subarray(0, 2),
      snapped: true,
      flow: "0a0000010a0000020fa01388",
    });
  });

  it("ends where its length says", () => {
    expect(readFrame(ipv4(udp(payload, 9)), 228)).toMatchObject({
      payload: payload.subarray(0, 1),
      snapped: false,
    });
    expect(readFrame(ipv4(udp(payload, 7)), 228)).toBe("malformedFrame");
  });
});
