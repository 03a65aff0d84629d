// What the other side of a link says of media, where the browser does the RTCP. Types only.
import type { WallMs } from "../runtime/time.ts";

/** What it receives of ours: its receiver reports (RFC 3550 section 6.4.2). */
export interface NativeOutRemote {
  packetsLost: number | null;
  /** 0 to 1, of the other side's last report interval. */
  fractionLost: number | null;
  jitterMs: number | null;
  roundTripTimeMs: number | null;
  /** Sum of the round-trip times measured, and how many there were. */
  totalRoundTripTimeMs: number | null;
  roundTripTimes: number | null;
}

/** What it sends: its sender reports (RFC 3550 section 6.4.1). */
export interface NativeInRemote {
  ssrc: number;
  packetsSent: number | null;
  bytesSent: number | null;
  reportsSent: number | null;
  /** The sender's wall clock at its last report. */
  remoteTimestampMs: WallMs | null;
}
