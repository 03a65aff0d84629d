// What the demo measures of one sender's video at one receiver: which of the pictures arrived, how late and how well.
// Goes by the codes in the pictures. Pure and bounded; time is ms of the run.
import { percentile, round } from "../numbers.ts";
import { FRAME_NUMBERS } from "./picture-code.ts";

/** Pictures of a sender that are remembered: 17 s at 60 a second. */
const MAX_SENT = 1024;
/** A picture that has not been seen so long after it was sent is dropped. */
const GRACE_MS = 2_000;
/** Pictures that came before it was heard that they were sent; of pages that is told over a socket. */
const MAX_EARLY = 256;
/** Newest values kept for medians and percentiles: minutes of pictures. */
const MAX_LATENCIES = 4096;
const MAX_PSNRS = 1024;
/** Lip sync settles: what counts is how it is of late, over some ten seconds. */
const MAX_AV_OFFSETS = 256;

/** One directed pair, as in the JSON report. */
export interface VideoRow {
  from: string;
  /** Pictures sent from the first one on that was seen, or all when none was: those that arrived and those that did not. */
  frames: number;
  /** Pictures that arrived, each counted once. */
  decoded: number;
  /** Pictures that were never seen. */
  dropped: number;
  keyframes: number;
  /** From capture to reception; null until a picture has been recognized. */
  latencyMsP95: number | null;
  /** Median; null until a picture has been compared. */
  psnrDb: number | null;
  /** Median of late: > 0 when pictures are ahead of the sound; null until it is known. */
  avOffsetMs: number | null;
}

/** A picture that a receiver has got. */
export interface ReceivedPicture {
  /** What its code says; undefined when that cannot be read. */
  frameNumber: number | undefined;
  receivedMs: number;
  isKeyframe: boolean;
  /** Against what was sent; undefined when it was not compared. */
  psnrDb: number | undefined;
  /** > 0 when it is ahead of the sound; undefined without sound. */
  avOffsetMs: number | undefined;
}

/** When the pictures of one sender were captured and sent: the newest of them, for all who receive them. */
export class SentPictures {
  readonly #numbers = new Int32Array(MAX_SENT);
  readonly #sentMs = new Float64Array(MAX_SENT);
  readonly #captureMs = new Float64Array(MAX_SENT);
  /** Of those remembered: the place of each in the order in which they were sent. */
  readonly #places = new Map<number, number>();
  #end = 0;

  /** Place of the oldest one remembered, and that after the newest; places count from 0. */
  get start(): number {
    return Math.max(0, this.#end - MAX_SENT);
  }

  get end(): number {
    return this.#end;
  }

  /** Note a picture, in the order of sending. @param frameNumber as in its code; wraps after 2^24 */
  sent(frameNumber: number, sentMs: number, captureMs: number): void {
    const slot = this.#end % MAX_SENT;
    const number = frameNumber % FRAME_NUMBERS;
    const forgotten = this.#numbers[slot] as number;
    if (this.#end >= MAX_SENT && this.#places.get(forgotten) === this.#end - MAX_SENT) {
      this.#places.delete(forgotten);
    }
    this.#numbers[slot] = number;
    this.#sentMs[slot] = sentMs;
    this.#captureMs[slot] = captureMs;
    this.#places.set(number, this.#end);
    this.#end++;
  }

  /** Place of a picture; undefined when it is not remembered. */
  placeOf(frameNumber: number): number | undefined {
    return this.#places.get(frameNumber);
  }

  /** When the picture at a remembered place was handed to the transport. */
  sentMsAt(place: number): number {
    return this.#sentMs[place % MAX_SENT] as number;
  }

  /** When it was captured. */
  captureMsAt(place: number): number {
    return this.#captureMs[place % MAX_SENT] as number;
  }
}

/** Follows the pictures of one sender to one receiver. */
export class VideoJudge {
  readonly #from: string;
  readonly #sent: SentPictures;
  readonly #beginMs: number;
  /** By place, modulo what is remembered: the place of a picture that was seen. */
  readonly #seen = new Float64Array(MAX_SENT).fill(-1);
  readonly #latenciesMs = new Newest(MAX_LATENCIES);
  readonly #psnrsDb = new Newest(MAX_PSNRS);
  readonly #avOffsetsMs = new Newest(MAX_AV_OFFSETS);
  /** Oldest first. */
  readonly #early: ReceivedPicture[] = [];
  /** Place of the first one that was seen, and of the next to be judged. */
  #first: number | undefined;
  #firstSentMs = 0;
  #next: number;
  #recognized = 0;
  #unseen = 0;
  #unreadable = 0;
  #unknown = 0;
  #keyframes = 0;

  /**
   * @param sent of the sender; what is in it already does not count
   * @param beginMs a call begins for so long after the first picture that is seen, ms: what is not seen of the pictures
   *   sent meanwhile is no loss
   */
  constructor(from: string, sent: SentPictures, beginMs = 0) {
    this.#from = from;
    this.#beginMs = beginMs;
    this.#sent = sent;
    this.#next = sent.end;
  }

  /** Pictures whose code could not be read. They are counted as decoded. */
  get unreadable(): number {
    return this.#unreadable;
  }

  /** Pictures with a code of which nobody has told that it was sent, or not of late. They are not counted as decoded. */
  get unknown(): number {
    return this.#unknown;
  }

  /** Note a picture that has been decoded. Repetitions of a picture do not count. */
  received(picture: ReceivedPicture): void {
    const { frameNumber, receivedMs, isKeyframe, psnrDb, avOffsetMs } = picture;
    if (isKeyframe) this.#keyframes++;
    if (avOffsetMs !== undefined) this.#avOffsetsMs.add(avOffsetMs);
    if (psnrDb !== undefined) this.#psnrsDb.add(psnrDb);
    if (frameNumber === undefined) this.#unreadable++;
    else if (!this.#recognize(picture)) this.#early.push(picture);
    this.#settle(receivedMs);
  }

  /** The figures so far. */
  row(nowMs: number): VideoRow {
    this.#settle(nowMs);
    // One that cannot be read is one of those that were not seen, whichever.
    const dropped = Math.max(0, this.#unseen - this.#unreadable);
    const decoded = this.#recognized + this.#unreadable;
    return {
      from: this.#from,
      frames: decoded + dropped,
      decoded,
      dropped,
      keyframes: this.#keyframes,
      latencyMsP95: rounded(percentile(this.#latenciesMs.values, 0.95), 1),
      psnrDb: rounded(percentile(this.#psnrsDb.values, 0.5), 2),
      avOffsetMs: rounded(percentile(this.#avOffsetsMs.values, 0.5), 1),
    };
  }

  /** Find a picture among those sent. @returns false when it is not among them yet */
  #recognize({ frameNumber, receivedMs }: ReceivedPicture): boolean {
    const place = frameNumber === undefined ? undefined : this.#sent.placeOf(frameNumber);
    if (place === undefined) return false;
    // What was sent before the first one that is seen is how a call begins, and no loss.
    if (this.#first === undefined) {
      this.#first = place;
      this.#firstSentMs = this.#sent.sentMsAt(place);
      this.#next = place;
      this.#unseen = 0;
    }
    if (this.#seen[place % MAX_SENT] === place) return true;
    this.#seen[place % MAX_SENT] = place;
    this.#recognized++;
    if (place < this.#next && this.#counts(place)) this.#unseen--;
    this.#latenciesMs.add(receivedMs - this.#sent.captureMsAt(place));
    return true;
  }

  /** Whether a picture that is not seen is missed. Before any has been seen all are, for it may stay so. */
  #counts(place: number): boolean {
    if (this.#first === undefined) return true;
    return this.#sent.sentMsAt(place) >= this.#firstSentMs + this.#beginMs;
  }

  /** Count what is overdue. */
  #settle(nowMs: number): void {
    while (this.#early.length > 0) {
      const oldest = this.#early[0] as ReceivedPicture;
      if (!this.#recognize(oldest)) {
        if (this.#early.length <= MAX_EARLY && nowMs - oldest.receivedMs < GRACE_MS) break;
        this.#unknown++;
      }
      this.#early.shift();
    }
    // Pictures are forgotten only where nobody has asked for many seconds: then nothing of them has come.
    if (this.#next < this.#sent.start) {
      this.#unseen += this.#sent.start - this.#next;
      this.#next = this.#sent.start;
    }
    while (this.#next < this.#sent.end && nowMs - this.#sent.sentMsAt(this.#next) >= GRACE_MS) {
      if (this.#seen[this.#next % MAX_SENT] !== this.#next && this.#counts(this.#next)) this.#unseen++;
      this.#next++;
    }
  }
}

/** The newest of many values, in no order. */
class Newest {
  readonly #capacity: number;
  readonly values: number[] = [];
  #added = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(value: number): void {
    this.values[this.#added % this.#capacity] = value;
    this.#added++;
  }
}

function rounded(value: number | null, digits: number): number | null {
  return value === null ? null : round(value, digits);
}
