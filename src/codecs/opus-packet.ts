// What the first bytes of an Opus packet tell (RFC 6716 section 3), without decoding it. Never throws.

/** The facts of one packet. */
export interface OpusPacketFacts {
  /** Ticks of the 48 kHz clock the packet covers: 120 to 5760, that is 2.5 to 120 ms. */
  durationTicks: number;
  stereo: boolean;
  /** Whether it also holds a low-rate copy of the packet before it (LBRR, RFC 6716 section 4.2.4). */
  hasFec: boolean;
}

/** Payloads up to this size hold no audio: the sender's encoder hears silence (DTX, RFC 6716 section 2.1.9). */
export const MAX_DTX_PAYLOAD_BYTES = 2;

/** No packet covers more than 120 ms (RFC 6716 section 3.2.5). */
const MAX_DURATION_TICKS = 5760;

/** Frame lengths of the SILK configurations 0-11, by the lower two bits; ticks at 48 kHz. */
const SILK_TICKS = [480, 960, 1920, 2880];

/** Frame lengths of the CELT configurations 16-31, by the lower two bits; ticks at 48 kHz. */
const CELT_TICKS = [120, 240, 480, 960];

/** The largest single-byte frame length; longer ones take two bytes (RFC 6716 section 3.2.1). */
const MAX_SHORT_LENGTH = 251;

/**
 * Read duration, channels and FEC of a packet. Only the layout is checked, not the audio data.
 *
 * @returns undefined when the packet breaks the layout rules seen on the way
 */
export function readOpusPacket(packet: Uint8Array): OpusPacketFacts | undefined {
  const toc = packet[0];
  if (toc === undefined) return undefined;
  const config = toc >> 3;
  const frameTicks = ticksOf(config);
  const frames = frameCount(packet, toc & 3);
  if (frames === 0 || frames * frameTicks > MAX_DURATION_TICKS) return undefined;
  const stereo = (toc & 4) !== 0;
  // CELT has no low-rate copy, and only SILK and hybrid frames begin with its flags.
  const hasFec = config < 16 && firstFrameHasFec(packet, toc & 3, frameTicks, stereo);
  return { durationTicks: frames * frameTicks, stereo, hasFec };
}

function ticksOf(config: number): number {
  if (config < 12) return SILK_TICKS[config & 3] ?? 0;
  if (config < 16) return (config & 1) === 0 ? 480 : 960;
  return CELT_TICKS[config & 3] ?? 0;
}

/** Frames in the packet by its code (RFC 6716 section 3.2); 0 when it cannot be. */
function frameCount(packet: Uint8Array, code: number): number {
  if (code === 0) return 1;
  if (code === 1) return packet.length % 2 === 1 ? 2 : 0;
  if (code === 2) return packet.length >= 2 ? 2 : 0;
  return (packet[1] ?? 0) & 0x3f;
}

function firstFrameHasFec(packet: Uint8Array, code: number, frameTicks: number, stereo: boolean): boolean {
  const start = firstFrameStart(packet, code);
  const head = start === undefined ? undefined : packet[start];
  if (head === undefined) return false;
  // The frame begins with one voice-activity bit per 20 ms and then the LBRR bit, per channel; each is coded
  // with probability 1/2, so the range coder leaves them readable in the first byte.
  const silkFrames = Math.max(1, frameTicks / 960);
  const middle = ((head >> (7 - silkFrames)) & 1) === 1;
  const side = stereo && ((head >> (6 - 2 * silkFrames)) & 1) === 1;
  return middle || side;
}

/** Where the first frame's bytes begin; undefined when it is empty or beyond the packet. */
function firstFrameStart(packet: Uint8Array, code: number): number | undefined {
  if (code < 2) return 1;
  let at = 1;
  if (code === 3) {
    const head = packet[at++] ?? 0;
    if ((head & 0x40) !== 0) {
      while (packet[at] === 255) at++;
      at++;
    }
    // Variable bitrate: every length but the last stands before the first frame.
    const lengths = (head & 0x80) !== 0 ? (head & 0x3f) - 1 : 0;
    if (lengths > 0 && packet[at] === 0) return undefined;
    for (let i = 0; i < lengths; i++) at += lengthBytes(packet, at);
    return at < packet.length ? at : undefined;
  }
  if (packet[at] === 0) return undefined;
  at += lengthBytes(packet, at);
  return at < packet.length ? at : undefined;
}

function lengthBytes(packet: Uint8Array, at: number): number {
  return (packet[at] ?? 0) > MAX_SHORT_LENGTH ? 2 : 1;
}

/** Delay of an Opus encoder: at 48 kHz 6.5 ms in its usual modes, 2.5 ms without the voice coder's share. */
const LOOKAHEAD_SAMPLES = { voip: 312, audio: 312, lowdelay: 120 } as const;

/** How far an encoder's output lags behind its input, samples at 48 kHz (RFC 6716 section 2). */
export function opusLookaheadSamples(application: "voip" | "audio" | "lowdelay"): number {
  return LOOKAHEAD_SAMPLES[application];
}
