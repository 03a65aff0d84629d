// RTP packets of outgoing video, the first time and again: header and extensions around a payload that is shared by
// all who get it. Pure.
import { buildExtensions } from "../../rtp/extensions.ts";
import type { RtpExtensionElement } from "../../rtp/extensions.ts";
import { buildRtp } from "../../rtp/packet.ts";

/** What one link has agreed on for its video. */
export interface NegotiatedVideo {
  payloadType: number;
  /** Ids of header extensions; 0 where one is not negotiated. */
  captureTimeId: number;
  transportSequenceId: number;
  dependencyId: number;
}

/** A packet that was sent, as far as sending it again needs. */
export interface SentVideoPacket {
  /** u16. */
  readonly sequenceNumber: number;
  /** u32. */
  readonly timestamp: number;
  readonly marker: boolean;
  /** Shared: read, never written. */
  readonly payload: Uint8Array;
  /** The element of abs-capture-time that it carries. */
  readonly captureTime: Uint8Array | undefined;
  /** Its dependency descriptor. */
  readonly dependency: Uint8Array | undefined;
}

/**
 * Write one packet.
 * @param transportSequence counts all packets of a connection, u16; see the extension's draft in `rtp/rtcp/transport-cc`
 * @param paddingLength 0 to 255 bytes behind the payload
 */
export function buildVideoPacket(
  ssrc: number,
  packet: SentVideoPacket,
  negotiated: NegotiatedVideo,
  transportSequence: number,
  paddingLength = 0,
): Uint8Array {
  const { sequenceNumber, timestamp, marker, payload, captureTime, dependency } = packet;
  const { payloadType, captureTimeId, transportSequenceId, dependencyId } = negotiated;
  const elements: RtpExtensionElement[] = [];
  if (captureTime !== undefined && captureTimeId !== 0) {
    elements.push({ id: captureTimeId, data: captureTime });
  }
  if (transportSequenceId !== 0) {
    const data = Uint8Array.of((transportSequence >> 8) & 0xff, transportSequence & 0xff);
    elements.push({ id: transportSequenceId, data });
  }
  if (dependency !== undefined && dependencyId !== 0) elements.push({ id: dependencyId, data: dependency });
  const extension = elements.length === 0 ? undefined : buildExtensions(elements);
  return buildRtp({
    ssrc,
    payloadType,
    sequenceNumber,
    timestamp,
    marker,
    extension,
    payload,
    paddingLength,
  });
}
