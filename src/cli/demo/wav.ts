// WAV files as bytes: parse what other tools write, build what other tools read. Touches no file system.

/** `WAVE_FORMAT_*` tags (RFC 2361; the extensible form is Microsoft's). */
const FORMAT_PCM = 1;
const FORMAT_FLOAT = 3;
const FORMAT_EXTENSIBLE = 0xfffe;

const MIN_SAMPLE_RATE = 8_000;
const MAX_SAMPLE_RATE = 192_000;

/** Size of the header that {@link wavHeader} builds, in bytes. */
export const WAV_HEADER_BYTES = 44;

/** A parsed file: samples of all channels averaged to one, in [-1, 1] unless a float file exceeds it. */
export interface Wav {
  sampleRate: number;
  samples: Float32Array;
}

interface Format {
  tag: number;
  channels: number;
  sampleRate: number;
  bits: number;
}

/**
 * Read a RIFF/WAVE file: integer PCM of 8, 16, 24 or 32 bits, float of 32 or 64 bits, plain or extensible, any
 * number of channels. A data chunk cut short, or of unknown length as streaming writers leave it, is read as far
 * as it goes; non-finite samples become silence.
 *
 * @param maxSeconds what comes after is left out
 * @throws Error that says what is wrong with the file
 */
export function parseWav(bytes: Uint8Array, maxSeconds = Infinity): Wav {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || tagAt(view, 0) !== "RIFF" || tagAt(view, 8) !== "WAVE") {
    throw new Error("not a WAV file (no RIFF/WAVE header)");
  }
  let format: Format | undefined;
  for (let offset = 12; offset + 8 <= bytes.length;) {
    const tag = tagAt(view, offset);
    const size = view.getUint32(offset + 4, true);
    const body = offset + 8;
    if (tag === "fmt ") format = parseFormat(view, body, size);
    if (tag === "data") {
      if (format === undefined) throw new Error("not a valid WAV file (data before the format chunk)");
      const length = Math.min(size, bytes.length - body);
      return parseData(new DataView(bytes.buffer, bytes.byteOffset + body, length), format, maxSeconds);
    }
    // Chunks are padded to even lengths.
    offset = body + size + (size & 1);
  }
  throw new Error("not a valid WAV file (no data chunk)");
}

function tagAt(view: DataView, offset: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(offset + i)));
}

function parseFormat(view: DataView, body: number, size: number): Format {
  if (size < 16 || body + size > view.byteLength) {
    throw new Error("not a valid WAV file (format chunk too short)");
  }
  let tag = view.getUint16(body, true);
  // The sub-format of the extensible form is a GUID that begins with the plain tag.
  if (tag === FORMAT_EXTENSIBLE && size >= 40) tag = view.getUint16(body + 24, true);
  const format = {
    tag,
    channels: view.getUint16(body + 2, true),
    sampleRate: view.getUint32(body + 4, true),
    bits: view.getUint16(body + 14, true),
  };
  if (format.channels < 1) throw new Error("not a valid WAV file (no channels)");
  if (format.sampleRate < MIN_SAMPLE_RATE || format.sampleRate > MAX_SAMPLE_RATE) {
    throw new Error(
      `sample rate ${format.sampleRate} Hz is outside ${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE} Hz`,
    );
  }
  return format;
}

function parseData(data: DataView, format: Format, maxSeconds: number): Wav {
  const read = sampleReader(data, format);
  const width = format.bits / 8;
  const frameBytes = width * format.channels;
  const frames = Math.min(Math.floor(data.byteLength / frameBytes), maxSeconds * format.sampleRate);
  if (frames < 1) throw new Error("the WAV file holds no samples");
  const samples = new Float32Array(frames);
  for (let frame = 0; frame < frames; frame++) {
    let sum = 0;
    for (let channel = 0; channel < format.channels; channel++) {
      sum += read(frame * frameBytes + channel * width);
    }
    const sample = sum / format.channels;
    samples[frame] = Number.isFinite(sample) ? sample : 0;
  }
  return { sampleRate: format.sampleRate, samples };
}

/** How to read the sample at a byte offset, scaled to [-1, 1). */
function sampleReader(data: DataView, { tag, bits }: Format): (offset: number) => number {
  if (tag === FORMAT_FLOAT && bits === 32) return (offset) => data.getFloat32(offset, true);
  if (tag === FORMAT_FLOAT && bits === 64) return (offset) => data.getFloat64(offset, true);
  if (tag === FORMAT_PCM && bits === 8) return (offset) => (data.getUint8(offset) - 128) / 128;
  if (tag === FORMAT_PCM && bits === 16) return (offset) => data.getInt16(offset, true) / 0x8000;
  if (tag === FORMAT_PCM && bits === 24) {
    return (offset) => (data.getInt8(offset + 2) * 0x10000 + data.getUint16(offset, true)) / 0x800000;
  }
  if (tag === FORMAT_PCM && bits === 32) return (offset) => data.getInt32(offset, true) / 0x80000000;
  const known = "PCM of 8, 16, 24 or 32 bits and float of 32 or 64 bits are understood";
  throw new Error(`WAV format ${tag} with ${bits} bits is not supported; ${known}`);
}

/**
 * The header of a 16-bit PCM file.
 *
 * @param dataBytes length of the samples that follow, at most 4 GiB less the header
 */
export function wavHeader(dataBytes: number, sampleRate: number, channels = 1): Uint8Array {
  const header = new Uint8Array(WAV_HEADER_BYTES);
  const view = new DataView(header.buffer);
  const tag = (offset: number, text: string): void => {
    for (let i = 0; i < text.length; i++) header[offset + i] = text.charCodeAt(i);
  };
  tag(0, "RIFF");
  view.setUint32(4, WAV_HEADER_BYTES - 8 + dataBytes, true);
  tag(8, "WAVE");
  tag(12, "fmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, FORMAT_PCM, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * 2 * channels, true);
  view.setUint16(32, 2 * channels, true);
  view.setUint16(34, 16, true);
  tag(36, "data");
  view.setUint32(40, dataBytes, true);
  return header;
}

/** Samples in [-1, 1] as 16-bit integers; louder ones are clipped. */
export function toPcm16(samples: Float32Array): Int16Array<ArrayBuffer> {
  const pcm = new Int16Array(samples.length);
  for (let i = 0; i < samples.length; i++) {
    pcm[i] = Math.max(-0x8000, Math.min(0x7fff, Math.round((samples[i] as number) * 0x8000)));
  }
  return pcm;
}

/** 16-bit integers as samples in [-1, 1). */
export function fromPcm16(pcm: Int16Array): Float32Array {
  const samples = new Float32Array(pcm.length);
  for (let i = 0; i < pcm.length; i++) samples[i] = (pcm[i] as number) / 0x8000;
  return samples;
}
