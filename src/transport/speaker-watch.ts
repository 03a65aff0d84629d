// Tells the program who is speaking, as far as the live audio of the others says.
import { ActiveSpeakerDetector } from "../media/active-speaker.ts";
import type { ActiveSpeakerChange } from "../media/active-speaker.ts";
import type { LiveAudioFrame } from "../media/engine/engine.ts";
import type { Emitter } from "../runtime/emitter.ts";
import type { Clock } from "../runtime/time.ts";
import type { TransportEvents } from "./events.ts";

/** How soon the end of all speech is noticed when all frames stay away, ms. */
const ADVANCE_MS = 250;

/** Feeds the detector of one transport. Close it to stop its timer. */
export class SpeakerWatch {
  readonly #detector = new ActiveSpeakerDetector();
  readonly #clock: Clock;
  readonly #emitter: Emitter<TransportEvents>;
  #cancelTimer: (() => void) | undefined;
  #closed = false;

  constructor(clock: Clock, emitter: Emitter<TransportEvents>) {
    this.#clock = clock;
    this.#emitter = emitter;
  }

  /** A frame of a peer is handed out. */
  hear({ peerId, samples }: LiveAudioFrame): void {
    this.#tell(this.#detector.hear(peerId, samples, this.#clock.now()));
  }

  /** A peer is gone. */
  remove(peerId: string): void {
    this.#tell(this.#detector.remove(peerId));
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#cancelTimer?.();
  }

  #tell(change: ActiveSpeakerChange | undefined): void {
    if (this.#closed) return;
    if (change !== undefined) this.#emitter.emit("activeSpeaker", change);
    // Nobody who listens may be told of a speaker for ever because no frame comes that ends it.
    if (this.#detector.speaker !== null && this.#cancelTimer === undefined) this.#wait();
  }

  #wait(): void {
    this.#cancelTimer = this.#clock.setTimer(this.#clock.now() + ADVANCE_MS, () => {
      this.#cancelTimer = undefined;
      this.#tell(this.#detector.advance(this.#clock.now()));
    });
  }
}
