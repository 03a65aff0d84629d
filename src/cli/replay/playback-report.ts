// What a playback of a recorded stream comes to. Types only.

/** A moment of the playback: one packet that left. */
export interface PlaybackSample {
  readonly atMs: number;
  readonly targetMs: number;
  /** Above the fastest packet of the trace. */
  readonly delayMs: number;
}

/** What a playback came to. `packets = played + duplicates + late + malformed`. */
export interface PlaybackReport {
  /** In the trace. */
  readonly packets: number;
  readonly malformed: number;
  /** Handed out by the buffer. */
  readonly played: number;
  /** Never arrived. */
  readonly lost: number;
  /** Arrived behind a packet with a higher sequence number. */
  readonly reordered: number;
  /** Copies of a packet that had arrived before, whether that one was played or not. */
  readonly duplicates: number;
  /** Arrived and were never played: their turn had been skipped, or the buffer dropped them. */
  readonly late: number;
  /** `late` of all packets received, copies left out, 0 to 100. */
  readonly latePercent: number;
  /** Pop time minus sender's timeline, minus the least transit of the whole trace: above the fastest packet. */
  readonly delayMs: { readonly mean: number; readonly p95: number };
  /** Time in which a player had nothing to play: a gap was skipped, or the next packet was not there when due. */
  readonly concealedMs: number;
  /** Media time that time-scaling had to add, and to take away: a late start that is made good is taken away too. */
  readonly timeScaledMs: { readonly stretched: number; readonly shrunk: number };
  /** One for every packet played, in order. */
  readonly samples: readonly PlaybackSample[];
}
