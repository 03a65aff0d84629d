// Decoded audio on its way from an engine in a worker, as records: frames of the live path and aligned blocks.
// Little-endian; reads no clock.
import type { AudioQuality } from "../../runtime/data.ts";
import type { AlignedBlock, AlignedPeerBlock } from "../../sync/aligned-blocks.ts";
import { takeSamples } from "../../runtime/sample-buffers.ts";
import type { LiveAudioFrame } from "./engine.ts";
import type { RecordSink, RecordSource } from "../../runtime/records.ts";

const KIND_FRAME = 1;
const KIND_BLOCK = 2;

// Offsets in the body of a frame.
const STREAM = 0;
/** Samples of all channels. */
const COUNT = 4;
const SAMPLE_RATE = 8;
const CHANNELS = 12;
const RTP_TIMESTAMP = 16;
const TIMELINE_EPOCH = 20;
const RTP_TICKS = 24;
const WALL_CLOCK = 32;
/** NaN: unknown. */
const WALL_CLOCK_ERROR = 40;
const CONFIDENCE = 48;
const DRIFT = 56;
const RECEIVED_AT = 64;
const BUFFER_DELAY = 72;
const QUALITY = 80;
const SAMPLES = 88;

// Offsets in the body of a block: the samples of each peer and their masks follow the facts, which are JSON.
const READER = 0;
/** UTF-16 units of the facts. */
const FACTS_LENGTH = 4;
/** Samples of all channels, the same for each peer. */
const BLOCK_COUNT = 8;
const MASK_LENGTH = 12;
const FACTS = 16;

const QUALITIES: readonly AudioQuality[] = ["received", "fec", "plc", "cng", "silence"];

/** What of a live frame travels; the rest follows from its stream. */
export type FrameContent = Omit<LiveAudioFrame, "kind" | "peerId" | "streamId">;

/** Who takes what was read; samples and masks are copies of their own. */
export interface SoundTaker {
  frame(stream: number, frame: FrameContent): void;
  block(reader: number, block: AlignedBlock): void;
}

/** A block without its samples. */
type BlockFacts = Omit<AlignedBlock, "peers"> & { peers: Omit<AlignedPeerBlock, "samples" | "mask">[] };

/** Write a frame of the live path. @returns false when there was no room */
export function writeFrame(sink: RecordSink, stream: number, frame: FrameContent): boolean {
  const { samples } = frame;
  const at = sink.reserve(KIND_FRAME, SAMPLES + 4 * samples.length);
  if (at < 0) return false;
  const { view, floats } = sink.memory;
  view.setInt32(at + STREAM, stream, true);
  view.setInt32(at + COUNT, samples.length, true);
  view.setInt32(at + SAMPLE_RATE, frame.sampleRate, true);
  view.setInt32(at + CHANNELS, frame.channels, true);
  view.setUint32(at + RTP_TIMESTAMP, frame.rtpTimestamp, true);
  view.setInt32(at + TIMELINE_EPOCH, frame.timelineEpoch, true);
  view.setFloat64(at + RTP_TICKS, frame.rtpTicks, true);
  view.setFloat64(at + WALL_CLOCK, frame.wallClockTimestampUs, true);
  view.setFloat64(at + WALL_CLOCK_ERROR, frame.wallClockErrorUs ?? Number.NaN, true);
  view.setFloat64(at + CONFIDENCE, frame.syncConfidence, true);
  view.setFloat64(at + DRIFT, frame.clockDriftPpm, true);
  view.setFloat64(at + RECEIVED_AT, frame.receivedAt, true);
  view.setFloat64(at + BUFFER_DELAY, frame.bufferDelayMs, true);
  view.setInt32(at + QUALITY, QUALITIES.indexOf(frame.quality), true);
  floats.set(samples, (at + SAMPLES) >> 2);
  sink.commit();
  return true;
}

/** Write an aligned block. @returns false when there was no room */
export function writeBlock(sink: RecordSink, reader: number, block: AlignedBlock): boolean {
  const { peers, ...rest } = block;
  const facts: BlockFacts = {
    ...rest,
    peers: peers.map(({ peerId, gapQuality, errorUs }) => ({ peerId, gapQuality, errorUs })),
  };
  const text = JSON.stringify(facts);
  const count = peers[0]?.samples.length ?? 0;
  const maskLength = peers[0]?.mask.length ?? 0;
  const sound = soundOffset(text.length);
  const at = sink.reserve(KIND_BLOCK, sound + peers.length * (4 * count + maskLength));
  if (at < 0) return false;
  const { view, bytes, floats } = sink.memory;
  view.setInt32(at + READER, reader, true);
  view.setInt32(at + FACTS_LENGTH, text.length, true);
  view.setInt32(at + BLOCK_COUNT, count, true);
  view.setInt32(at + MASK_LENGTH, maskLength, true);
  for (let i = 0; i < text.length; i++) view.setUint16(at + FACTS + 2 * i, text.charCodeAt(i), true);
  let mask = at + sound + 4 * count * peers.length;
  peers.forEach((peer, index) => {
    floats.set(peer.samples, (at + sound + 4 * count * index) >> 2);
    bytes.set(peer.mask, mask);
    mask += maskLength;
  });
  sink.commit();
  return true;
}

/** Hand on the next record. @returns false when there is none */
export function readSound(source: RecordSource, taker: SoundTaker): boolean {
  const at = source.next();
  if (at < 0) return false;
  const first = source.memory.view.getInt32(at, true);
  if (source.kind === KIND_FRAME) {
    const frame = readFrame(source, at);
    source.release();
    taker.frame(first, frame);
  } else {
    const block = readBlock(source, at);
    source.release();
    taker.block(first, block);
  }
  return true;
}

function readFrame({ memory: { view, floats } }: RecordSource, at: number): FrameContent {
  const samples = takeSamples(view.getInt32(at + COUNT, true));
  const begin = (at + SAMPLES) >> 2;
  samples.set(floats.subarray(begin, begin + samples.length));
  const errorUs = view.getFloat64(at + WALL_CLOCK_ERROR, true);
  return {
    samples,
    sampleRate: view.getInt32(at + SAMPLE_RATE, true),
    channels: view.getInt32(at + CHANNELS, true),
    rtpTimestamp: view.getUint32(at + RTP_TIMESTAMP, true),
    rtpTicks: view.getFloat64(at + RTP_TICKS, true),
    wallClockTimestampUs: view.getFloat64(at + WALL_CLOCK, true),
    wallClockErrorUs: Number.isNaN(errorUs) ? null : errorUs,
    timelineEpoch: view.getInt32(at + TIMELINE_EPOCH, true),
    syncConfidence: view.getFloat64(at + CONFIDENCE, true),
    clockDriftPpm: view.getFloat64(at + DRIFT, true),
    receivedAt: view.getFloat64(at + RECEIVED_AT, true),
    bufferDelayMs: view.getFloat64(at + BUFFER_DELAY, true),
    quality: QUALITIES[view.getInt32(at + QUALITY, true)] ?? "silence",
  };
}

function readBlock({ memory: { view, bytes, floats } }: RecordSource, at: number): AlignedBlock {
  const length = view.getInt32(at + FACTS_LENGTH, true);
  const count = view.getInt32(at + BLOCK_COUNT, true);
  const maskLength = view.getInt32(at + MASK_LENGTH, true);
  const begin = at + soundOffset(length);
  const facts = JSON.parse(readText(view, at + FACTS, length)) as BlockFacts;
  const masks = begin + 4 * count * facts.peers.length;
  const peers = facts.peers.map((peer, index): AlignedPeerBlock => {
    const samples = new Float32Array(count);
    const first = (begin >> 2) + count * index;
    samples.set(floats.subarray(first, first + count));
    const mask = new Uint8Array(maskLength);
    mask.set(bytes.subarray(masks + maskLength * index, masks + maskLength * (index + 1)));
    return { ...peer, samples, mask };
  });
  return { ...facts, peers };
}

/** Text decoders refuse shared memory, and names may be any UTF-16. */
function readText(view: DataView, at: number, length: number): string {
  let text = "";
  for (let i = 0; i < length; i++) text += String.fromCharCode(view.getUint16(at + 2 * i, true));
  return text;
}

function soundOffset(factsLength: number): number {
  return (FACTS + 2 * factsLength + 7) & ~7;
}
