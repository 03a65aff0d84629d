// Two links of one page, joined without signaling. Records what each of them reports.
import { createBrowserPlatform } from "../../../src/platform/browser/browser-platform.ts";
import type {
  AudioLinkOptions,
  ChannelOptions,
  ChannelPort,
  EncodedAudioFrame,
  IceCandidate,
  LinkState,
  PeerLink,
  PeerLinkOptions,
  Platform,
  SentAudioMark,
  TrackAudioPort,
} from "../../../src/platform/platform.ts";

export const AUDIO: AudioLinkOptions = {
  ssrc: 1,
  cname: "test",
  channels: 1,
  fec: true,
  dtx: false,
  bitrateKbps: 64,
};

export const DATA: ChannelOptions = { label: "data", id: 102, ordered: true };

/** One end and everything it has reported. */
export class End {
  readonly link: PeerLink;
  readonly states: LinkState[] = [];
  readonly candidates: IceCandidate[] = [];
  readonly frames: EncodedAudioFrame[] = [];
  readonly marks: SentAudioMark[] = [];
  readonly faults: unknown[] = [];
  readonly foreign: ChannelPort[] = [];
  #onCandidate: ((candidate: IceCandidate) => void) | undefined;
  #watchers: (() => void)[] = [];

  constructor(name: string, platform: Platform, options: Partial<PeerLinkOptions> = {}) {
    this.link = platform.openPeerLink(
      { name, iceServers: [], iceTransportPolicy: "all", audio: AUDIO, channels: [DATA], ...options },
      {
        candidate: (candidate) => {
          this.candidates.push(candidate);
          this.#onCandidate?.(candidate);
          this.#changed();
        },
        state: (state) => this.#note(this.states, state),
        frame: (frame) => this.#note(this.frames, frame),
        sent: (mark) => this.#note(this.marks, mark),
        channel: (port) => this.#note(this.foreign, port),
        fault: (error) => this.#note(this.faults, error),
        rtp: () => undefined,
        rtcp: () => undefined,
      },
    );
  }

  get audio(): TrackAudioPort {
    return this.link.audio as TrackAudioPort;
  }

  get channel(): ChannelPort {
    return this.link.channels.get(DATA.label) as ChannelPort;
  }

  /** Resolves when `condition` holds; looked at after every event of this end. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#watchers.push(() => {
        if (condition()) resolve();
      });
    });
  }

  /** Hand candidates to `other`: those there are, and those to come. */
  trickleTo(other: End): void {
    this.#onCandidate = (candidate) => void other.link.addCandidate(candidate);
    for (const candidate of this.candidates) this.#onCandidate(candidate);
  }

  #note<T>(list: T[], value: T): void {
    list.push(value);
    this.#changed();
  }

  #changed(): void {
    for (const watch of this.#watchers) watch();
  }
}

/** Two ends on one platform, `a` offering. */
export function makePair(
  options: Partial<PeerLinkOptions> = {},
  answererOptions: Partial<PeerLinkOptions> = options,
): { a: End; b: End } {
  const platform = createBrowserPlatform();
  return { a: new End("a->b", platform, options), b: new End("b->a", platform, answererOptions) };
}

/** Exchange descriptions and candidates; resolves when both are connected. */
export async function connect(a: End, b: End): Promise<{ offer: string; answer: string }> {
  const offer = await a.link.createOffer();
  const answer = await b.link.createAnswer(offer);
  await a.link.acceptAnswer(answer);
  a.trickleTo(b);
  b.trickleTo(a);
  await Promise.all([a, b].map((end) => end.until(() => end.link.state === "connected")));
  return { offer, answer };
}

/** Close both. */
export async function closePair(a: End, b: End): Promise<void> {
  await Promise.all([a.link.close(), b.link.close()]);
}

/** One block of a 440 Hz sine, 20 ms at 48 kHz; `index` counts blocks. */
export function sineBlock(index: number, channels = 1): Float32Array {
  const block = new Float32Array(960 * channels);
  for (let at = 0; at < block.length; at++) {
    const frame = index * 960 + Math.floor(at / channels);
    // The second channel is inverted, or the encoder would find the signal to be mono.
    const sign = at % channels === 1 ? -1 : 1;
    block[at] = sign * 0.3 * Math.sin((2 * Math.PI * 440 * frame) / 48_000);
  }
  return block;
}

/** What was written when. */
export interface Written {
  atMs: number;
  timestampUs: number;
}

/** How to write: what, and how many channels it has. */
export interface Writing {
  block?: (index: number) => Float32Array;
  channels?: number;
}

/** Write blocks in real time, 20 ms apart, stamped with the time of writing, until `done` says so. */
function write(end: End, done: (count: number) => boolean, { block, channels = 1 }: Writing): Promise<void> {
  const startMs = performance.now();
  let count = 0;
  return new Promise((resolve) => {
    const step = (): void => {
      while (!done(count) && performance.now() >= startMs + count * 20) {
        const timestampUs = Math.round((performance.timeOrigin + performance.now()) * 1000);
        end.audio.write(block?.(count) ?? sineBlock(count, channels), channels, timestampUs);
        count++;
      }
      if (done(count)) resolve();
      else setTimeout(step, 1);
    };
    step();
  });
}

/** Write `count` blocks. */
export function writeBlocks(end: End, count: number, writing: Writing = {}): Promise<void> {
  return write(end, (written) => written === count, writing);
}

/**
 * Write until `other` has got `frames` more frames that hold audio. A connection that has just come up loses a
 * block or two of the first ones, on a busy machine more.
 */
export function writeUntilHeard(end: End, other: End, frames = 1, writing: Writing = {}): Promise<void> {
  const enough = audible(other).length + frames;
  return write(end, () => audible(other).length >= enough, writing);
}

/** Frames that hold audio. */
export function audible(end: End): EncodedAudioFrame[] {
  return end.frames.filter(({ payload }) => payload.length > 0);
}
