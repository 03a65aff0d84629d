// One peer's audio on its way to the loudspeaker: a ring with a small, adaptive fill. Pure: time is counted in
// rendered frames. It never lets the signal jump: every break is bridged from the last value that was played.

/** Bridge over a break, s: short enough not to be heard as a fade, long enough not to click. */
const BRIDGE_S = 0.003;
/** Time a change of gain takes, s. */
const GAIN_RAMP_S = 0.02;
/** What an underrun adds to the target, s: half a packet of 20 ms. */
const TARGET_STEP_S = 0.01;
/** Largest target, s. Whoever delivers worse than this hears gaps instead of an ever longer delay. */
const MAX_TARGET_S = 0.2;
/** How much the target falls after a window without underrun, s. */
const TARGET_DECAY_S = 0.001;
/** Window over which the least fill is taken, s. */
const WINDOW_S = 2;
/** Least fill above the target that is cut off, s: below it, cutting would disturb more than it gains. */
const TRIM_MARGIN_S = 0.02;
/** Data that stays away for longer was not late: the peer paused, and the target need not grow. */
const PAUSE_S = 0.5;
/** What the ring holds beyond the largest target, s: the largest block a decoder hands out is 120 ms. */
const HEADROOM_S = 0.3;

/** Counters of one peer's playout. Times in ms of audio. */
export interface PlayoutStreamStats {
  /** Audio waiting now. */
  fillMs: number;
  /** Fill at which playing starts; grows with underruns. */
  targetMs: number;
  /** Audio played. */
  playedMs: number;
  /** How often nothing was left to play. */
  underruns: number;
  /** Audio cut off because too much was waiting. */
  droppedMs: number;
}

/** A stereo ring of one peer at the rate of the output. */
export class PlayoutStream {
  readonly #rate: number;
  readonly #baseTarget: number;
  readonly #capacity: number;
  readonly #left: Float32Array;
  readonly #right: Float32Array;
  readonly #bridge: number;
  #target: number;
  /** Frames ever written and read; their difference is the fill. */
  #written = 0;
  #read = 0;
  #playing = false;
  #everPlayed = false;
  #gain = 1;
  #gainTarget = 1;
  /** Last values played, from which a break is bridged, and how far the bridge has come. */
  #lastLeft = 0;
  #lastRight = 0;
  #fromLeft = 0;
  #fromRight = 0;
  #bridged: number;
  #dryFrames = 0;
  #windowFrames = 0;
  #windowLeast = Infinity;
  #playedFrames = 0;
  #underruns = 0;
  #droppedFrames = 0;
  /** Position of the next output frame between input frames, where the rates differ. */
  #phase = 0;
  #history: Float32Array = new Float32Array(6);

  /** @param rate of the output, Hz @param targetMs least fill to play from, 0 to 200 */
  constructor(rate: number, targetMs: number) {
    this.#rate = rate;
    this.#baseTarget = Math.min(Math.round((targetMs / 1000) * rate), this.#frames(MAX_TARGET_S));
    this.#target = this.#baseTarget;
    this.#capacity = this.#frames(MAX_TARGET_S + HEADROOM_S);
    this.#left = new Float32Array(this.#capacity);
    this.#right = new Float32Array(this.#capacity);
    this.#bridge = this.#frames(BRIDGE_S);
    this.#bridged = this.#bridge;
  }

  /** Linear gain from now on, reached without a step. */
  setGain(gain: number): void {
    this.#gainTarget = gain;
  }

  /**
   * Append samples; of more than two channels the first two are played. When the ring is full the oldest go.
   * @param samples interleaved @param sampleRate Hz
   */
  push(samples: Float32Array, channels: number, sampleRate: number): void {
    const frames = Math.floor(samples.length / channels);
    const right = channels > 1 ? 1 : 0;
    if (sampleRate !== this.#rate) return this.#pushResampled(samples, frames, channels, right, sampleRate);
    for (let frame = 0; frame < frames; frame++) {
      const at = frame * channels;
      this.#append(samples[at] ?? 0, samples[at + right] ?? 0);
    }
  }

  /** Add the next frames to both outputs, which have the same length. */
  render(left: Float32Array, right: Float32Array): void {
    if (!this.#playing) this.#tryToStart(left.length);
    else this.#trim(left.length);
    const gainStep = 1 / this.#frames(GAIN_RAMP_S);
    for (let frame = 0; frame < left.length; frame++) {
      if (this.#playing && this.#read === this.#written) this.#runDry();
      const index = this.#read % this.#capacity;
      const share = this.#bridged < this.#bridge ? (this.#bridged++ + 1) / (this.#bridge + 1) : 1;
      const nextLeft = this.#playing ? (this.#left[index] ?? 0) : 0;
      const nextRight = this.#playing ? (this.#right[index] ?? 0) : 0;
      this.#lastLeft = nextLeft * share + this.#fromLeft * (1 - share);
      this.#lastRight = nextRight * share + this.#fromRight * (1 - share);
      if (this.#playing) {
        this.#read++;
        this.#playedFrames++;
      }
      const missing = this.#gainTarget - this.#gain;
      this.#gain += Math.abs(missing) <= gainStep ? missing : Math.sign(missing) * gainStep;
      left[frame] = (left[frame] ?? 0) + this.#lastLeft * this.#gain;
      right[frame] = (right[frame] ?? 0) + this.#lastRight * this.#gain;
    }
  }

  /** A snapshot. */
  stats(): PlayoutStreamStats {
    const ms = (frames: number): number => (frames * 1000) / this.#rate;
    return {
      fillMs: ms(this.#written - this.#read),
      targetMs: ms(this.#target),
      playedMs: ms(this.#playedFrames),
      underruns: this.#underruns,
      droppedMs: ms(this.#droppedFrames),
    };
  }

  #tryToStart(frames: number): void {
    this.#dryFrames += frames;
    if (this.#written === this.#read || this.#written - this.#read < this.#target) return;
    this.#playing = true;
    this.#startBridge();
    if (this.#everPlayed && this.#dryFrames <= this.#frames(PAUSE_S)) {
      const grown = this.#target + this.#frames(TARGET_STEP_S);
      this.#target = Math.min(grown, this.#frames(MAX_TARGET_S));
    }
    this.#everPlayed = true;
    this.#windowFrames = 0;
    this.#windowLeast = Infinity;
  }

  #runDry(): void {
    this.#playing = false;
    this.#dryFrames = 0;
    this.#underruns++;
    this.#startBridge();
  }

  /** Once a window: cut off what the stream has shown not to need, and let the target sink. */
  #trim(frames: number): void {
    const fill = this.#written - this.#read;
    this.#windowLeast = Math.min(this.#windowLeast, fill);
    this.#windowFrames += frames;
    if (this.#windowFrames < this.#frames(WINDOW_S)) return;
    const surplus = this.#windowLeast - this.#target;
    if (surplus > this.#frames(TRIM_MARGIN_S)) this.#drop(surplus);
    // A window begins anew when playing starts, so this one passed without an underrun.
    this.#target = Math.max(this.#baseTarget, this.#target - this.#frames(TARGET_DECAY_S));
    this.#windowFrames = 0;
    this.#windowLeast = Infinity;
  }

  #append(left: number, right: number): void {
    // Full: fall back to the target in one go rather than lose one frame of every block that comes.
    if (this.#written - this.#read === this.#capacity) this.#drop(this.#capacity - this.#target - 1);
    const index = this.#written % this.#capacity;
    this.#left[index] = left;
    this.#right[index] = right;
    this.#written++;
  }

  #drop(frames: number): void {
    this.#read += frames;
    this.#droppedFrames += frames;
    if (this.#playing) this.#startBridge();
  }

  #startBridge(): void {
    this.#fromLeft = this.#lastLeft;
    this.#fromRight = this.#lastRight;
    this.#bridged = 0;
  }

  /** Cubic interpolation (Catmull-Rom) over the input, continuous across blocks. */
  #pushResampled(samples: Float32Array, frames: number, channels: number, right: number, rate: number): void {
    const step = rate / this.#rate;
    const history = this.#history;
    // Three frames of the block before, then this block: four neighbors around every output frame.
    const value = (frame: number, channel: 0 | 1): number =>
      frame < 3
        ? (history[frame * 2 + channel] ?? 0)
        : (samples[(frame - 3) * channels + (channel === 0 ? 0 : right)] ?? 0);
    let position = this.#phase;
    for (; position < frames; position += step) {
      const at = Math.floor(position);
      const fraction = position - at;
      this.#append(
        cubic(value(at, 0), value(at + 1, 0), value(at + 2, 0), value(at + 3, 0), fraction),
        cubic(value(at, 1), value(at + 1, 1), value(at + 2, 1), value(at + 3, 1), fraction),
      );
    }
    this.#phase = position - frames;
    const next = new Float32Array(6);
    for (let frame = 0; frame < 3; frame++) {
      next[frame * 2] = value(frames + frame, 0);
      next[frame * 2 + 1] = value(frames + frame, 1);
    }
    this.#history = next;
  }

  #frames(seconds: number): number {
    return Math.round(seconds * this.#rate);
  }
}

/** The Catmull-Rom curve through b and c at `t` in [0, 1). */
function cubic(a: number, b: number, c: number, d: number, t: number): number {
  return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}
