// Holds local candidates back until the description they belong to has reached the caller.
import type { IceCandidate } from "../platform.ts";

/** Candidates in order of discovery, delivered only while no description is being made. */
export class CandidateQueue {
  readonly #deliver: (candidate: IceCandidate) => void;
  readonly #waiting: IceCandidate[] = [];
  #holds = 0;
  #last: IceCandidate = { candidate: "", sdpMid: null, sdpMLineIndex: 0 };

  constructor(deliver: (candidate: IceCandidate) => void) {
    this.#deliver = deliver;
  }

  /** A candidate of the browser's; null says that gathering has ended. */
  push(native: RTCIceCandidate | null): void {
    // Some browsers say the end twice, once as an empty candidate.
    if (native?.candidate === "") return;
    if (native !== null) {
      const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = native;
      this.#last = { candidate, sdpMid, sdpMLineIndex, usernameFragment };
    }
    // The end names a media section too: signaling refuses candidates that belong nowhere.
    this.#waiting.push(native === null ? { ...this.#last, candidate: "" } : this.#last);
    this.#flush();
  }

  /** Keep candidates from now on. */
  hold(): void {
    this.#holds++;
  }

  /** Deliver again, from a later turn on, when whoever awaited the description has seen it. */
  releaseLater(): void {
    // A message, not a timer: timers of hidden pages wait up to a second.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      this.#holds--;
      this.#flush();
    };
    port2.postMessage(null);
  }

  #flush(): void {
    if (this.#holds > 0) return;
    for (const candidate of this.#waiting.splice(0)) this.#deliver(candidate);
  }
}
