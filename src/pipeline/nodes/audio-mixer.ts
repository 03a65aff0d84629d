// The node that mixes a conference: sound of several peers in, for every peer the sound of all others out, or one mix of
// all. Works when something comes in; sets no timer.
import { TransportError } from "../../errors/errors.ts";
import { checkAudioData } from "../../media/audio-data.ts";
import type { AudioData, TransportData } from "../../runtime/data.ts";
import type { Emit, NodeContext, NodeFactory, PipelineNode } from "../node.ts";
import { MixerGrid } from "./mixer-grid.ts";
import type { MixerBlock } from "./mixer-grid.ts";
import { clampedMixes, softMixes } from "./mixer-mixes.ts";
import type { Mixes } from "./mixer-mixes.ts";

/** Row of what belongs to no peer: all hear it. */
const NOBODY = "";
const MAX_FRAME_MS = 120; // RFC 6716 section 2.1.4
/** Refused inputs that are remembered, so that each is told once. */
const MAX_REFUSED = 64;

/** Parameters of `AudioMixer`. */
export type AudioMixerParams = {
  mode: "nMinus1" | "all";
  /** Hz, of inputs and outputs. */
  sampleRate: number;
  frameMs: number;
  maxInputs: number;
  waitMs: number;
  softClip: boolean;
};

class AudioMixerNode implements PipelineNode {
  readonly #context: NodeContext<AudioMixerParams>;
  readonly #grid: MixerGrid;
  #mixes: Mixes | undefined;
  readonly #refused = new Set<string>();
  #refusedFrames = 0;
  /** Blocks that have left. */
  #sequence = 0;

  constructor(context: NodeContext<AudioMixerParams>) {
    const { sampleRate, frameMs, waitMs, maxInputs } = context.params;
    this.#context = context;
    this.#grid = new MixerGrid({
      sampleRate,
      blockSamples: (frameMs * sampleRate) / 1000,
      waitMs,
      maxInputs,
    });
  }

  /** Without memory for it the pipeline does not begin. */
  init(): void {
    this.#open();
  }

  process({ data, metadata }: TransportData, emit: Emit): void {
    if (data.type !== "audio") return;
    this.#check(data);
    const { samples, timestampUs, streamId = "default" } = data;
    const rowId = metadata.source_peer ?? NOBODY;
    const inputId = JSON.stringify([rowId, streamId]);
    if (!this.#grid.admits(inputId, timestampUs)) {
      this.#refuse(inputId, rowId, streamId);
      return;
    }
    this.#refused.delete(inputId);
    for (const block of this.#grid.push({ inputId, rowId, samples, timestampUs })) this.#emit(block, emit);
  }

  flush(emit: Emit): void {
    for (const block of this.#grid.flush()) this.#emit(block, emit);
  }

  close(): void {
    this.#mixes?.close();
    const { lateSamples } = this.#grid;
    this.#context.log.debug("audio mixer closed", { lateSamples, refusedFrames: this.#refusedFrames });
  }

  #open(): Mixes {
    const { softClip, sampleRate, frameMs } = this.#context.params;
    return (this.#mixes ??= softClip ? softMixes(sampleRate, frameMs) : clampedMixes());
  }

  #emit(block: MixerBlock, emit: Emit): void {
    const { mode, sampleRate } = this.#context.params;
    const sequence = this.#sequence++;
    const sound = (samples: Float32Array): AudioData => ({
      type: "audio",
      samples,
      sampleRate,
      channels: 1,
      timestampUs: block.timestampUs,
    });
    const mixes = this.#open();
    if (mode === "all") {
      void emit({ data: sound(mixes.all(block)), sequence, metadata: {} });
      return;
    }
    for (const { samples, listeners } of mixes.minusOne(block)) {
      // One object for all who hear the same: whoever encodes it does so once.
      const data = sound(samples);
      for (const peerId of listeners) {
        if (peerId === NOBODY || block.rows.size < 2) continue;
        void emit({ data, sequence, metadata: { target_peer: peerId } });
      }
    }
  }

  #check(data: AudioData): void {
    const { sampleRate, channels } = data;
    const { sampleRate: wanted } = this.#context.params;
    if (sampleRate !== wanted || channels !== 1) {
      throw this.#fault(
        `audio must have ${wanted} Hz and 1 channel, got ${sampleRate} Hz and ${channels}`,
        "Set auto_negotiate in the manifest's metadata, or put a Resample node before the mixer.",
      );
    }
    checkAudioData(data);
    const most = (MAX_FRAME_MS * wanted) / 1000;
    if (data.samples.length >= 1 && data.samples.length <= most) return;
    throw this.#fault(
      `audio.samples must be 1 to ${most} (${MAX_FRAME_MS} ms), got ${data.samples.length}`,
      "Put an AudioChunker node before the mixer.",
    );
  }

  #refuse(inputId: string, peerId: string, streamId: string): void {
    this.#refusedFrames++;
    if (this.#refused.has(inputId)) return;
    if (this.#refused.size >= MAX_REFUSED) this.#refused.delete(this.#refused.values().next().value ?? "");
    this.#refused.add(inputId);
    const { nodeId, params } = this.#context;
    throw new TransportError(
      "LIMIT_EXCEEDED",
      `the mixer has maxInputs (${params.maxInputs}) already; what follows of stream ${streamId} of ` +
        `${peerId === NOBODY ? "no peer" : peerId} is dropped`,
      { nodeId, suggestion: "Raise maxInputs (at most 16)." },
    );
  }

  #fault(message: string, suggestion: string): TransportError {
    return new TransportError("INVALID_DATA", message, { nodeId: this.#context.nodeId, suggestion });
  }
}

/**
 * Mixes the sound of peers by capture time. An input is a stream of a peer (`source_peer`); sound of no peer is heard by
 * all. Outputs carry `target_peer` (mode nMinus1), one object of data for all whose mix is the same.
 */
export const audioMixerNode: NodeFactory<AudioMixerParams> = {
  type: "AudioMixer",
  description:
    "Mixes the audio of several peers, cut at common instants of capture: for every peer one mix without itself, or one of all.",
  schema: {
    type: "object",
    properties: {
      mode: {
        description:
          "nMinus1: for every peer heard within the last 2 s a mix without itself, target_peer set, as long as there is anybody else; all: one mix of all.",
        type: "string",
        enum: ["nMinus1", "all"],
        default: "nMinus1",
      },
      sampleRate: {
        description: "Of the inputs and of the mixes, Hz.",
        type: "integer",
        minimum: 8000,
        maximum: 48_000,
        default: 48_000,
      },
      frameMs: {
        description: "Length of the mixes, ms; a whole number of samples.",
        type: "integer",
        minimum: 10,
        maximum: 100,
        default: 20,
      },
      maxInputs: {
        description: "Streams that are mixed; a further one is refused.",
        type: "integer",
        minimum: 1,
        maximum: 16,
        default: 10,
      },
      waitMs: {
        description:
          "How long a mix waits for a peer beyond the time by which it is usually behind the others (300 ms at most), ms of capture time.",
        type: "number",
        minimum: 0,
        maximum: 500,
        default: 20,
      },
      softClip: {
        description:
          "true: sums above -3 dBFS are bent to stay within full scale, and who stays below -60 dBFS for a second is left out; false: plain sums, cut off at full scale.",
        type: "boolean",
        default: true,
      },
    },
  },
  accepts: ["audio"],
  emits: ["audio"],
  needs: ({ sampleRate }) => ({ audio: { sampleRate, channels: 1 } }),
  check: ({ sampleRate, frameMs }) =>
    Number.isInteger((sampleRate * frameMs) / 1000)
      ? {}
      : { frameMs: `a whole number of samples at ${sampleRate} Hz` },
  create: (context) => new AudioMixerNode(context),
};
