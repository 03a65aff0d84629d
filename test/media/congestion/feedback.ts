// Feedback for tests, written by hand.
import type { TransportFeedback } from "../../../src/rtp/rtcp/transport-cc.ts";

let count = 0;

/**
 * @param arrivals ms of each packet from `baseSequence` on; undefined: did not come
 * @param feedbackCount default: one more than the last time
 */
export function feedbackOn(
  baseSequence: number,
  arrivals: readonly (number | undefined)[],
  feedbackCount = count++,
): TransportFeedback {
  const received = arrivals.flatMap((arrivalMs, index) =>
    arrivalMs === undefined
      ? []
      : [{ sequenceNumber: (baseSequence + index) & 0xffff, receivedUs: arrivalMs * 1000 }],
  );
  const statusCount = arrivals.length;
  return {
    type: "transport-cc",
    senderSsrc: 1,
    mediaSsrc: 2,
    feedbackCount: feedbackCount & 0xff,
    baseSequence,
    statusCount,
    received,
  };
}
