// Finds the RTP among the UDP of a capture, which has no mark of its own. One packet proves little: DTLS, STUN, DNS and
// anything random may look like RTP once. Packets count as RTP when their SSRC goes on counting.
import { RTP_HEADER_LENGTH, parseRtp } from "../../rtp/packet.ts";
import { sequenceDistance } from "../../wasm/rtp-clock.ts";

/** What a payload looks like by itself. */
export type Looks = "rtp" | "rtcp" | "notRtp";

/** Packet types of RTCP, 192 to 223, read as an RTP payload type (RFC 5761 section 4). */
const RTCP_PAYLOAD_TYPES = { first: 64, last: 95 };
const RTCP_PACKET_TYPES = { first: 192, last: 223 };

/** Steps of the sequence number that loss and reordering explain: a second or two of a busy stream. */
const MAX_STEP = 100;
/** Steps forward that it takes to believe a source: three packets in a row. */
const MIN_STEPS = 2;

/** Judge one payload: version, payload type and a header that fits (RFC 3550 appendix A.1, RFC 5761 section 4). */
export function looksLike(payload: Uint8Array, snapped: boolean): Looks {
  if (payload.length < 2 || (payload[0] ?? 0) >> 6 !== 2) return "notRtp";
  const second = payload[1] ?? 0;
  const payloadType = second & 0x7f;
  if (payloadType >= RTCP_PAYLOAD_TYPES.first && payloadType <= RTCP_PAYLOAD_TYPES.last) {
    return second >= RTCP_PACKET_TYPES.first && second <= RTCP_PACKET_TYPES.last ? "rtcp" : "notRtp";
  }
  // Of a packet that was cut short by the capture only the fixed header can be asked for.
  if (snapped) return payload.length >= RTP_HEADER_LENGTH ? "rtp" : "notRtp";
  return typeof parseRtp(payload) === "string" ? "notRtp" : "rtp";
}

/** Watches the sequence numbers of one SSRC in one flow. */
export class SourceProof {
  #last: number | undefined;
  #forward = 0;
  #near = 0;
  #far = 0;

  /** @param sequence 16 bits */
  add(sequence: number): void {
    const step = this.#last === undefined ? 0 : sequenceDistance(sequence, this.#last);
    this.#last = sequence;
    // The same number again is a packet captured twice, or a field that is no sequence number: it says nothing.
    if (step === 0) return;
    if (step > 0 && step <= MAX_STEP) this.#forward++;
    if (Math.abs(step) <= MAX_STEP) this.#near++;
    else this.#far++;
  }

  /** Whether it counts as RTP does. */
  get holds(): boolean {
    return this.#forward >= MIN_STEPS && this.#near > this.#far;
  }
}
