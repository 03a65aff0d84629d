// H.264 frames into RTP payloads of packetization mode 1 (RFC 6184 section 5): small NAL units one after the other in
// STAP-A, alone where they have no neighbour, large ones in FU-A.
import { NAL, NAL_FORBIDDEN, NAL_IMPORTANCE, NAL_TYPE, findNalUnits } from "../nal-units.ts";
import type { CodedFrame, VideoPacketizer } from "../video-payload.ts";
import { cutEvenly } from "./fragments.ts";

const FRAGMENT_START = 0x80; // S
const FRAGMENT_END = 0x40; // E
const STAP_HEADER_BYTES = 1;
/** Each NAL unit in a STAP-A has its length in front. */
const STAP_LENGTH_BYTES = 2;

/**
 * Cuts the frames of one stream, each an Annex B byte stream. NAL units keep their order, so parameter sets travel in
 * front of the slices that need them, in one payload where they fit.
 */
export class H264Packetizer implements VideoPacketizer {
  packetize({ data }: CodedFrame, maxBytes: number): Uint8Array[] {
    const payloads: Uint8Array[] = [];
    let group: Uint8Array[] = [];
    let groupBytes = STAP_HEADER_BYTES;
    for (const unit of findNalUnits(data)) {
      const type = typeOf(unit);
      // The types beyond mean something else in a payload.
      if (type === 0 || type > NAL.lastUnit) continue;
      const bytes = STAP_LENGTH_BYTES + unit.length;
      if (group.length > 0 && groupBytes + bytes > maxBytes) {
        payloads.push(aggregate(group, groupBytes));
        group = [];
        groupBytes = STAP_HEADER_BYTES;
      }
      if (unit.length > maxBytes) {
        for (const payload of fragment(unit, maxBytes)) payloads.push(payload);
      } else {
        group.push(unit);
        groupBytes += bytes;
      }
    }
    if (group.length > 0) payloads.push(aggregate(group, groupBytes));
    return payloads;
  }
}

function typeOf(unit: Uint8Array): number {
  return (unit[0] ?? 0) & NAL_TYPE;
}

/** One payload of one or more units; `bytes` is its length if there are more. */
function aggregate(units: readonly Uint8Array[], bytes: number): Uint8Array {
  const [only] = units;
  if (units.length === 1 && only !== undefined) return only.slice();
  const payload = new Uint8Array(bytes);
  let forbidden = 0;
  let importance = 0;
  let at = STAP_HEADER_BYTES;
  for (const unit of units) {
    const first = unit[0] ?? 0;
    // The payload's header stands for all of them: damaged as one, important as the most important (section 5.7).
    forbidden |= first & NAL_FORBIDDEN;
    importance = Math.max(importance, first & NAL_IMPORTANCE);
    payload[at] = unit.length >> 8;
    payload[at + 1] = unit.length;
    payload.set(unit, at + STAP_LENGTH_BYTES);
    at += STAP_LENGTH_BYTES + unit.length;
  }
  payload[0] = forbidden | importance | NAL.stapA;
  return payload;
}

/** Two payloads or more of a unit that is too long for one; its header goes into theirs. */
function fragment(unit: Uint8Array, maxBytes: number): Uint8Array[] {
  const type = typeOf(unit);
  const indicator = ((unit[0] ?? 0) & ~NAL_TYPE) | NAL.fuA;
  const payloads = cutEvenly(
    unit.subarray(1),
    [indicator, FRAGMENT_START | type],
    [indicator, type],
    maxBytes,
  );
  const last = payloads[payloads.length - 1];
  if (last !== undefined) last[1] = FRAGMENT_END | type;
  return payloads;
}
