// The binary messages of the `sync` channel: beacons, and the requests and replies of the clock exchange. Big-endian,
// unframed, of fixed lengths. Pure; what is no such message is told by a reason, never thrown.
import { isZeroNtp, ntpToBigInt, ntpToUnixUs, unixUsToNtp } from "../rtp/ntp.ts";
import type { NtpTimestamp } from "../rtp/ntp.ts";

/** Length of a beacon. */
export const BEACON_BYTES = 24;
/** Length of a request and of a reply. */
export const EXCHANGE_BYTES = 28;

const KIND = { beacon: 1, request: 2, reply: 3 } as const;
const MEDIA = ["audio", "video"] as const;

/** A moment of a stream on its sender's wall clock, the one that the clock exchange compares. */
export interface Beacon {
  readonly media: "audio" | "video";
  readonly ssrc: number;
  /** u32. */
  readonly rtpTimestamp: number;
  /** Ticks a second of `rtpTimestamp`. */
  readonly clockRate: number;
  /** 64-bit NTP at which the frame with `rtpTimestamp` was captured. */
  readonly captureNtp: bigint;
}

/** Why bytes are no message of this channel. */
export type SyncFault = "sync-length" | "sync-kind" | "sync-media" | "sync-time";

/** What a request tells of the last reply that came, so that one who answers learns as much as one who asks. */
export interface ReplyReceipt {
  /** When the reply left, as it said itself, Unix us. */
  readonly leftUs: number;
  /** When it came, Unix us of the one who asks. */
  readonly cameUs: number;
}

/** What a message says. Times without a source in it are Unix us of the other side. */
export type SyncMessage =
  | { readonly type: "beacon"; readonly beacon: Beacon }
  /** `t1` stays as it came: the reply repeats it bit by bit. */
  | {
      readonly type: "request";
      readonly seq: number;
      readonly t1: NtpTimestamp;
      readonly receipt?: ReplyReceipt;
    }
  | { readonly type: "reply"; readonly seq: number; readonly t2Us: number; readonly t3Us: number }
  | { readonly type: "fault"; readonly reason: SyncFault };

/**
 * A beacon of 24 bytes.
 * @param captureUs Unix us
 * @throws TransportError `INVALID_TIMESTAMP` for a capture time outside 1968 to 2104
 */
export function encodeBeacon(beacon: Omit<Beacon, "captureNtp">, captureUs: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(BEACON_BYTES));
  view.setUint8(0, KIND.beacon);
  view.setUint8(1, MEDIA.indexOf(beacon.media));
  view.setUint32(4, beacon.ssrc);
  view.setUint32(8, beacon.rtpTimestamp);
  view.setUint32(12, beacon.clockRate);
  writeNtp(view, 16, unixUsToNtp(captureUs));
  return new Uint8Array(view.buffer);
}

/**
 * A request of 28 bytes.
 * @param t1Us when it leaves, Unix us
 * @param receipt of the last reply; zeros without one
 * @throws TransportError `INVALID_TIMESTAMP` for a time outside 1968 to 2104
 */
export function encodeRequest(seq: number, t1Us: number, receipt?: ReplyReceipt): Uint8Array {
  const view = exchange(KIND.request, seq, unixUsToNtp(t1Us));
  if (receipt !== undefined) {
    writeNtp(view, 12, unixUsToNtp(receipt.leftUs));
    writeNtp(view, 20, unixUsToNtp(receipt.cameUs));
  }
  return new Uint8Array(view.buffer);
}

/**
 * A reply of 28 bytes.
 * @param t1 as the request had it
 * @param t2Us when the request came, Unix us
 * @param t3Us when the reply leaves, Unix us
 * @throws TransportError `INVALID_TIMESTAMP` for a time outside 1968 to 2104
 */
export function encodeReply(seq: number, t1: NtpTimestamp, t2Us: number, t3Us: number): Uint8Array {
  const view = exchange(KIND.reply, seq, t1);
  writeNtp(view, 12, unixUsToNtp(t2Us));
  writeNtp(view, 20, unixUsToNtp(t3Us));
  return new Uint8Array(view.buffer);
}

/** Read one message. Reserved fields are not looked at, so that a later version may use them. */
export function parseSyncMessage(bytes: Uint8Array): SyncMessage {
  const kind = bytes[0];
  if (kind !== KIND.beacon && kind !== KIND.request && kind !== KIND.reply) return fault("sync-kind");
  if (bytes.length !== (kind === KIND.beacon ? BEACON_BYTES : EXCHANGE_BYTES)) return fault("sync-length");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (kind === KIND.beacon) return readBeacon(view);
  const seq = view.getUint16(2);
  const [t2, t3] = [readNtp(view, 12), readNtp(view, 20)];
  const isComplete = !isZeroNtp(t2) && !isZeroNtp(t3);
  if (kind === KIND.request) {
    const request = { type: "request", seq, t1: readNtp(view, 4) } as const;
    if (!isComplete) return request;
    return { ...request, receipt: { leftUs: ntpToUnixUs(t2), cameUs: ntpToUnixUs(t3) } };
  }
  if (!isComplete) return fault("sync-time");
  return { type: "reply", seq, t2Us: ntpToUnixUs(t2), t3Us: ntpToUnixUs(t3) };
}

function readBeacon(view: DataView): SyncMessage {
  const media = MEDIA[view.getUint8(1)];
  if (media === undefined) return fault("sync-media");
  const capture = readNtp(view, 16);
  if (isZeroNtp(capture)) return fault("sync-time");
  const [ssrc, rtpTimestamp, clockRate] = [view.getUint32(4), view.getUint32(8), view.getUint32(12)];
  const beacon = { media, ssrc, rtpTimestamp, clockRate, captureNtp: ntpToBigInt(capture) };
  return { type: "beacon", beacon };
}

function exchange(kind: number, seq: number, t1: NtpTimestamp): DataView<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(EXCHANGE_BYTES));
  view.setUint8(0, kind);
  view.setUint16(2, seq);
  writeNtp(view, 4, t1);
  return view;
}

function writeNtp(view: DataView, at: number, { seconds, fraction }: NtpTimestamp): void {
  view.setUint32(at, seconds);
  view.setUint32(at + 4, fraction);
}

function readNtp(view: DataView, at: number): NtpTimestamp {
  return { seconds: view.getUint32(at), fraction: view.getUint32(at + 4) };
}

function fault(reason: SyncFault): SyncMessage {
  return { type: "fault", reason };
}
