// The other side's ICE candidates on their way to the native side: checked, bounded, and held back where that
// makes connecting faster.
import type { PeerConnection } from "node-datachannel";
import { TransportError, toTransportError } from "../../errors/errors.ts";
import type { IceCandidate } from "../platform.ts";
import { guarded } from "./guard.ts";
import { checkedCandidate } from "./ice-candidate.ts";
import type { RemoteMedia } from "./negotiated-media.ts";

/** Candidates taken from one remote peer; each mDNS name among them costs the native side a thread. */
const MAX_CANDIDATES = 256;

/**
 * How long a DTLS client waits for the other side's connectivity checks before it starts its own, counted from the
 * first candidate. Whoever checks first connects first, and the native side loses a ClientHello that comes before it
 * is connected; the next one follows a whole second later. Checks that come in connect us at once, so that a peer
 * that can reach us waits for nothing.
 */
const HEAD_START_MS = 100;

/** Feeds one connection with candidates, from its remote description on. */
export class RemoteCandidates {
  readonly #connection: PeerConnection;
  readonly #report: (error: unknown) => void;
  #remote: RemoteMedia | undefined;
  #count = 0;
  #held: string[] | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  /** @param report told of every candidate that is refused */
  constructor(connection: PeerConnection, report: (error: unknown) => void) {
    this.#connection = connection;
    this.#report = report;
  }

  /** The native side has taken the remote description: its candidates, and those to come, may follow. */
  start(remote: RemoteMedia): void {
    this.#remote = remote;
    if (remote.dtlsClient) this.#held = [];
    for (const candidate of remote.candidates) {
      this.add({ candidate, sdpMid: remote.transportMid, sdpMLineIndex: remote.transportIndex });
    }
  }

  /** Never throws: what is wrong with a candidate is reported. */
  add(candidate: IceCandidate): void {
    guarded(this.#report, () => this.#add(candidate))();
  }

  /** Ignore what still comes. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  #add(candidate: IceCandidate): void {
    if (this.#ended) return;
    const remote = this.#remote;
    if (remote === undefined) {
      throw new TransportError(
        "ICE_CANDIDATE_ERROR",
        "candidate refused: there is no remote description yet",
      );
    }
    const line = checkedCandidate(candidate, remote.usernameFragment);
    if (line === undefined) return;
    if (++this.#count > MAX_CANDIDATES) {
      throw new TransportError("ICE_CANDIDATE_ERROR", `candidate refused: more than ${MAX_CANDIDATES}`);
    }
    if (this.#held === undefined) return this.#pass(line, remote);
    this.#held.push(line);
    this.#timer ??= setTimeout(() => this.#release(remote), HEAD_START_MS);
  }

  #pass(line: string, remote: RemoteMedia): void {
    try {
      this.#connection.addRemoteCandidate(line, remote.transportMid);
    } catch (error) {
      throw toTransportError(error, "ICE_CANDIDATE_ERROR", "candidate refused");
    }
  }

  #release(remote: RemoteMedia): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const line of held) guarded(this.#report, () => this.#pass(line, remote))();
  }
}
