// Who is speaking: presence of speech per peer over its own background, compared among peers. Pure: frames and their
// times come in, changes go out; keeps numbers, no samples.
import { TransportError } from "../errors/errors.ts";
import { powerDb, powerOf, SILENCE_DB } from "./audio-level.ts";

/** Presence follows speech with this time constant: 150 ms of a cough reach 0.45, 180 ms of speech 0.51. */
const PRESENCE_MS = 250;
/** Whoever becomes the speaker has been present for so much: some 175 ms without a break. */
const SPEAKING = 0.5;
/** And so many times as present as the speaker so far: 275 ms after one stopped and another began. */
const LEAD = 2;
/** Two who talk at once are told apart by their loudness over this time constant, */
const LOUDNESS_MS = 1000;
/** and by so much, dB, so that it takes twice as much to change back. */
const LOUDER_DB = 10;
/** A frame stands for no more than this (RFC 6716 section 2.1.4); a peer whose frames stay away is silent. */
const FRAME_MS = 120;
const FIRST_FRAME_MS = 20;
const DEFAULT_SILENCE_MS = 2000;

/** Background is followed up at this rate, as in time scaling, */
const RISE_DB_PER_SECOND = 3;
/** and down at this one: within a pause between words, but not within a lost frame. */
const FALL_DB_PER_SECOND = 60;
/** Below this, dBFS, there is no room around a microphone: a lost or muted frame, which tells nothing of it. */
const NO_ROOM_DB = -90;
const QUIETEST_BACKGROUND_DB = -66;
/** A held note, or music, is nobody's background. */
const LOUDEST_BACKGROUND_DB = -36;
/** Of a peer that has just come: low, so that its first word counts. */
const FIRST_BACKGROUND_DB = -54;
/** Speech begins so far above the background, dB, and is certain so much further above. */
const MARGIN_DB = 6;
const CERTAIN_DB = 6;
const LOUDEST_DB = 40;

/** Settings of an {@link ActiveSpeakerDetector}. */
export interface ActiveSpeakerOptions {
  /** After so long a silence of everybody nobody is the speaker, 500 to 60000 ms. Default 2000. */
  silenceMs?: number;
}

/** Another speaker. */
export interface ActiveSpeakerChange {
  /** Null when nobody speaks any more. */
  readonly peerId: string | null;
  readonly previousPeerId: string | null;
}

interface Member {
  atMs: number;
  backgroundDb: number;
  /** Share of the last quarter of a second in which it spoke, 0 to 1. */
  presence: number;
  /** Level above the background over the last second, dB. */
  loudnessDb: number;
}

/**
 * Tells the dominant speaker of a conference. As in I. Volfin and I. Cohen, "Dominant speaker identification for
 * multipoint videoconferencing" (Computer Speech and Language 27, 2013), a peer's activity is judged against its own
 * background and over a short and a long time, and another peer takes over only when it is well ahead; the scores are
 * exponential means in place of likelihood ratios over subbands, since all that comes in is a level.
 *
 * Who talks alone becomes the speaker within 500 ms (160 to 400 in 900 seeded turns); noises below 150 ms change nothing;
 * among several who talk at once the speaker stays, unless another is 10 dB louder over a second.
 */
export class ActiveSpeakerDetector {
  readonly #silenceMs: number;
  readonly #members = new Map<string, Member>();
  #speaker: string | null = null;
  #lastSpeechMs = -Infinity;
  #nowMs = -Infinity;

  /** @throws TransportError `INVALID_CONFIG` */
  constructor({ silenceMs = DEFAULT_SILENCE_MS }: ActiveSpeakerOptions = {}) {
    if (!(silenceMs >= 500 && silenceMs <= 60_000)) {
      throw new TransportError("INVALID_CONFIG", `silenceMs must be 500 to 60000, got ${silenceMs}`);
    }
    this.#silenceMs = silenceMs;
  }

  /** The peer who speaks; between words and for `silenceMs` it stays. */
  get speaker(): string | null {
    return this.#speaker;
  }

  /**
   * Take notice of a frame; a peer nobody has heard of yet is added.
   *
   * @param frame its samples, or their RMS in dBFS; what is no number is silence
   * @param nowMs local monotonic ms of any peer's frame; one that goes backwards stands still
   * @returns the change, if this frame makes one
   * @throws TransportError `INVALID_DATA` when `nowMs` is no finite number
   */
  hear(peerId: string, frame: Float32Array | number, nowMs: number): ActiveSpeakerChange | undefined {
    this.#goTo(nowMs);
    const levelDb = typeof frame === "number" ? frame : powerDb(powerOf(frame));
    const member = this.#member(peerId);
    this.#listen(member, levelDb > SILENCE_DB ? Math.min(levelDb, 0) : SILENCE_DB);
    return this.#takeOver(peerId, member) ?? this.#fallSilent();
  }

  /**
   * Let time pass without a frame.
   * @returns the change, if silence has lasted long enough for one
   * @throws TransportError `INVALID_DATA` when `nowMs` is no finite number
   */
  advance(nowMs: number): ActiveSpeakerChange | undefined {
    this.#goTo(nowMs);
    return this.#fallSilent();
  }

  /** Forget a peer; when it was the speaker, nobody is until another has spoken long enough. */
  remove(peerId: string): ActiveSpeakerChange | undefined {
    this.#members.delete(peerId);
    return this.#speaker === peerId ? this.#change(null) : undefined;
  }

  #member(peerId: string): Member {
    const known = this.#members.get(peerId);
    if (known !== undefined) return known;
    const atMs = this.#nowMs - FIRST_FRAME_MS;
    const member = { atMs, backgroundDb: FIRST_BACKGROUND_DB, presence: 0, loudnessDb: 0 };
    this.#members.set(peerId, member);
    return member;
  }

  #listen(member: Member, levelDb: number): void {
    this.#fade(member, FRAME_MS);
    const spanMs = this.#nowMs - member.atMs;
    member.atMs = this.#nowMs;
    followBackground(member, levelDb, spanMs / 1000);
    const aboveDb = Math.min(LOUDEST_DB, levelDb - member.backgroundDb);
    const speech = Math.min(1, Math.max(0, (aboveDb - MARGIN_DB) / CERTAIN_DB));
    if (speech > 0.5) this.#lastSpeechMs = this.#nowMs;
    member.presence = towards(member.presence, speech, spanMs / PRESENCE_MS);
    member.loudnessDb = towards(member.loudnessDb, speech * aboveDb, spanMs / LOUDNESS_MS);
  }

  /** Time of a member's that no frame stands for, but for the last `spareMs`, was silence. */
  #fade(member: Member, spareMs: number): void {
    const silentMs = this.#nowMs - member.atMs - spareMs;
    if (!(silentMs > 0)) return;
    member.presence = towards(member.presence, 0, silentMs / PRESENCE_MS);
    member.loudnessDb = towards(member.loudnessDb, 0, silentMs / LOUDNESS_MS);
    member.atMs += silentMs;
  }

  /** Nobody's presence grows but that of the peer just heard, so only it can take over. */
  #takeOver(peerId: string, member: Member): ActiveSpeakerChange | undefined {
    if (peerId === this.#speaker || member.presence < SPEAKING) return undefined;
    const speaker = this.#speaker === null ? undefined : this.#members.get(this.#speaker);
    if (speaker !== undefined) {
      this.#fade(speaker, FRAME_MS);
      const isAhead =
        member.presence > LEAD * speaker.presence || member.loudnessDb > speaker.loudnessDb + LOUDER_DB;
      if (!isAhead) return undefined;
    }
    return this.#change(peerId);
  }

  #fallSilent(): ActiveSpeakerChange | undefined {
    const isSilent = this.#nowMs - this.#lastSpeechMs >= this.#silenceMs;
    return isSilent && this.#speaker !== null ? this.#change(null) : undefined;
  }

  #change(peerId: string | null): ActiveSpeakerChange {
    const previousPeerId = this.#speaker;
    this.#speaker = peerId;
    return { peerId, previousPeerId };
  }

  #goTo(nowMs: number): void {
    if (!Number.isFinite(nowMs)) {
      throw new TransportError("INVALID_DATA", `nowMs must be a finite number, got ${nowMs}`);
    }
    this.#nowMs = Math.max(this.#nowMs, nowMs);
  }
}

function followBackground(member: Member, levelDb: number, seconds: number): void {
  if (levelDb < NO_ROOM_DB) return;
  const { backgroundDb } = member;
  const followed =
    levelDb < backgroundDb
      ? Math.max(levelDb, backgroundDb - FALL_DB_PER_SECOND * seconds)
      : Math.min(levelDb, backgroundDb + RISE_DB_PER_SECOND * seconds);
  member.backgroundDb = Math.min(LOUDEST_BACKGROUND_DB, Math.max(QUIETEST_BACKGROUND_DB, followed));
}

/** An exponential mean after `spans` time constants of `value`. */
function towards(mean: number, value: number, spans: number): number {
  return value + (mean - value) * Math.exp(-spans);
}
