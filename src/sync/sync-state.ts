// How well the capture times of a peer are known, from its two media. Pure.
import type { LaneFrame, MediaLane } from "./media-lane.ts";
import type { SyncState } from "./sync-types.ts";

/** A medium from which nothing has come for so many report intervals is not in use. */
const ACTIVE_INTERVALS = 3;

/** `syncConfidence` of a state. */
export const CONFIDENCE: Readonly<Record<SyncState, number>> = { unsynced: 0.5, syncing: 0.8, synced: 1 };

/** The state of a peer: of its media in use, the worse one counts. */
export function peerState(
  audio: MediaLane<LaneFrame>,
  video: MediaLane<LaneFrame>,
  rtcpIntervalMs: number,
  nowMs: number,
): SyncState {
  const activeSinceMs = nowMs - ACTIVE_INTERVALS * rtcpIntervalMs;
  const audioActive = audio.lastFrameMs >= activeSinceMs;
  const videoActive = video.lastFrameMs >= activeSinceMs;
  const ofAudio = audio.stateAt(nowMs);
  const ofVideo = video.stateAt(nowMs);
  if (audioActive !== videoActive) return audioActive ? ofAudio : ofVideo;
  if (audioActive) return CONFIDENCE[ofAudio] < CONFIDENCE[ofVideo] ? ofAudio : ofVideo;
  // Nobody sends: what has been known of either is growing old.
  return ofAudio === "unsynced" ? ofVideo : ofAudio;
}
