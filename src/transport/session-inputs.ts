// Frames of peers as inputs of a pipeline: decoded audio and pictures become data with the time of their capture. Pure.
import type { AudioFrame, PictureFrame, TransportData } from "../runtime/data.ts";
import type { AlignedBlock } from "../sync/aligned-blocks.ts";

/** An input, and whose it is. */
export interface PeerInput {
  readonly peerId: string;
  readonly input: TransportData;
}

/** A frame of audio; its samples are handed over, not copied. */
export function audioInput(frame: AudioFrame): PeerInput {
  const { peerId, samples, sampleRate, channels, streamId, wallClockTimestampUs } = frame;
  const timestampUs = Math.max(0, Math.round(wallClockTimestampUs));
  const data = { type: "audio", samples, sampleRate, channels, streamId, timestampUs } as const;
  return { peerId, input: { data, metadata: {} } };
}

/** A block of all peers, as an input of each that had sound in it; samples are handed over. */
export function alignedInputs(block: AlignedBlock, sampleRate: number): PeerInput[] {
  const { captureUs, peers, missing } = block;
  const timestampUs = Math.max(0, Math.round(captureUs));
  return peers
    .filter(({ peerId }) => !missing.includes(peerId))
    .map(({ peerId, samples, mask }) => {
      const channels = samples.length / mask.length;
      const data = { type: "audio", samples, sampleRate, channels, timestampUs } as const;
      return { peerId, input: { data, metadata: {} } };
    });
}

/** A picture; its planes are put together into one fresh array. */
export function pictureInput(frame: PictureFrame): PeerInput {
  const { peerId, planes, width, height, rotation, streamId, wallClockTimestampUs } = frame;
  const [y, u, v] = planes;
  const data = new Uint8Array(y.length + u.length + v.length);
  data.set(y);
  data.set(u, y.length);
  data.set(v, y.length + u.length);
  const timestampUs = Math.max(0, Math.round(wallClockTimestampUs));
  const picture = { data, width, height, rotation, streamId, timestampUs };
  return { peerId, input: { data: { type: "video", format: "I420", ...picture }, metadata: {} } };
}
