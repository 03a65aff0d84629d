// Two peer links of one process, their signaling between them, and everything they report, written down.
import { TransportError } from "../../src/errors/errors.ts";
import type {
  ChannelPort,
  EncodedAudioFrame,
  IceCandidate,
  LinkState,
  PeerLink,
  PeerLinkOptions,
  Platform,
  SentAudioMark,
} from "../../src/platform/platform.ts";
import type { EncodedVideoFrame, SentVideoMark } from "../../src/platform/video-link.ts";

/** How the suite reaches a platform. */
export interface LinkFixture {
  left: Platform;
  right: Platform;
  /** Where time is virtual: let some of it pass. Real time passes by itself. */
  advance?: (ms: number) => void | Promise<void>;
  /** Called when a test has ended. */
  dispose?: () => void | Promise<void>;
}

/** Longest wait for anything, in ms; a healthy pair needs a few dozen. */
const PATIENCE_MS = 8_000;

/** One link and what it has reported so far. */
export class RecordedLink {
  readonly link: PeerLink;
  readonly states: LinkState[] = [];
  readonly candidates: IceCandidate[] = [];
  readonly rtp: Uint8Array[] = [];
  readonly rtcp: Uint8Array[] = [];
  readonly frames: EncodedAudioFrame[] = [];
  readonly marks: SentAudioMark[] = [];
  readonly pictures: EncodedVideoFrame[] = [];
  readonly videoMarks: SentVideoMark[] = [];
  readonly inband: ChannelPort[] = [];
  readonly faults: unknown[] = [];
  readonly arrivals: number[] = [];
  /** Set to pass candidates on; until then they wait in `candidates`. */
  onCandidate: ((candidate: IceCandidate) => void) | undefined;

  constructor(platform: Platform, options: PeerLinkOptions) {
    this.link = platform.openPeerLink(options, {
      candidate: (candidate) => {
        this.candidates.push(candidate);
        this.onCandidate?.(candidate);
      },
      state: (state) => this.states.push(state),
      rtp: (packet, arrivalMs) => {
        this.rtp.push(packet);
        this.arrivals.push(arrivalMs);
      },
      rtcp: (packet) => this.rtcp.push(packet),
      frame: (frame) => this.frames.push(frame),
      sent: (mark) => this.marks.push(mark),
      videoFrame: (frame) => this.pictures.push(frame),
      sentVideo: (mark) => this.videoMarks.push(mark),
      channel: (channel) => this.inband.push(channel),
      fault: (error) => this.faults.push(error),
    });
  }

  /** Pass all candidates, past and future, to the other side. */
  trickleTo(other: RecordedLink): void {
    this.onCandidate = (candidate) => void other.link.addCandidate(candidate);
    for (const candidate of this.candidates) this.onCandidate(candidate);
  }

  channel(label: string): ChannelPort {
    const port = this.link.channels.get(label);
    if (port === undefined) throw new Error(`no channel ${label}`);
    return port;
  }
}

/** What a channel has reported to a listener of this kind. */
export class RecordedChannel {
  readonly messages: (Uint8Array | string)[] = [];
  opened = 0;
  closed = 0;

  constructor(port: ChannelPort) {
    port.listen({
      open: () => this.opened++,
      close: () => this.closed++,
      message: (message) => this.messages.push(message),
    });
  }
}

/** Wait until `condition` holds; fails with `what` in the message. */
export async function until(fixture: LinkFixture, what: string, condition: () => boolean): Promise<void> {
  const deadlineMs = fixture.left.clock.now() + PATIENCE_MS;
  while (!condition()) {
    if (fixture.left.clock.now() > deadlineMs) throw new Error(`timed out waiting until ${what}`);
    await pass(fixture, 5);
  }
}

/** Let `ms` of the platform's time pass. */
export async function pass(fixture: LinkFixture, ms: number): Promise<void> {
  if (fixture.advance !== undefined) await fixture.advance(ms);
  else await new Promise((resolve) => setTimeout(resolve, ms));
}

/** Offer, answer and trickle, as a signaling server would carry them. */
export async function negotiate(offerer: RecordedLink, answerer: RecordedLink): Promise<void> {
  const offer = await offerer.link.createOffer();
  const answer = await answerer.link.createAnswer(offer);
  await offerer.link.acceptAnswer(answer);
  offerer.trickleTo(answerer);
  answerer.trickleTo(offerer);
}

/** Negotiate and wait until both sides are connected and their declared channels open. */
export async function connect(fixture: LinkFixture, a: RecordedLink, b: RecordedLink): Promise<void> {
  await negotiate(a, b);
  await until(fixture, "both links are connected with open channels", () =>
    [a, b].every(
      ({ link }) =>
        link.state === "connected" && [...link.channels.values()].every((channel) => channel.open),
    ),
  );
}

/** The code of what a call throws, or how it misbehaves. */
export function codeOf(call: () => void): string {
  try {
    call();
  } catch (error) {
    return error instanceof TransportError ? error.code : `not a TransportError: ${String(error)}`;
  }
  return "returned";
}
