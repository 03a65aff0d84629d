// The audio port of a simulated link. Knows nothing of the other side; its link carries the packets.
import type { PacketAudioPort } from "../platform/platform.ts";

/** Smallest RTP and RTCP packets (RFC 3550 sections 5.1 and 6.4.2). */
const MIN_BYTES = { rtp: 12, rtcp: 8 };

/** What the port needs of its link. */
export interface AudioPortHost {
  /** As negotiated; 0 without audio. */
  payloadType(): number;
  /** As negotiated; 0 without abs-capture-time. */
  captureTimeId(): number;
  /** @returns false when the link is not up */
  carry(packet: Uint8Array, medium: "rtp" | "rtcp"): boolean;
}

/** A port that refuses what is too short to be a packet. */
export function packetAudioPort(host: AudioPortHost): PacketAudioPort {
  const send = (packet: Uint8Array, medium: "rtp" | "rtcp"): boolean =>
    packet.length >= MIN_BYTES[medium] && host.carry(packet, medium);
  return {
    level: "packet",
    get payloadType() {
      return host.payloadType();
    },
    get captureTimeId() {
      return host.captureTimeId();
    },
    sendRtp: (packet) => send(packet, "rtp"),
    sendRtcp: (packet) => send(packet, "rtcp"),
  };
}
