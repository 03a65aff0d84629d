// The node that watches how streams keep time: jitter and drift of arrivals against capture times, sound ahead of the
// picture. Reads the clock it is given; sets no timer.
import type { JsonData, JsonValue, TransportData } from "../../runtime/data.ts";
import type { Emit, NodeContext, NodeFactory, PipelineNode } from "../node.ts";
import { captureMsOf } from "./recent-delays.ts";
import { StreamStates } from "./stream-states.ts";
import { TimingTrack } from "./timing-track.ts";

/** Parameters of `TimingDrift`. */
export type TimingDriftParams = {
  jitterMs: number;
  driftMsPerS: number;
  emitMs: number;
  leadMs: number;
};

interface Medium {
  readonly track: TimingTrack;
  /** Since the last report. */
  frames: number;
  stepped: boolean;
  /** When the last report was due; of the first frame before it. */
  sinceMs: number;
  /** Of the last frame: what comes with a report about it. */
  envelope: (TransportData & { data: JsonData }) | undefined;
}

interface Stream {
  readonly audio: Medium;
  readonly video: Medium;
}

class TimingDriftNode implements PipelineNode {
  readonly #context: NodeContext<TimingDriftParams>;
  readonly #streams = new StreamStates<Stream>(() => ({ audio: newMedium(), video: newMedium() }));

  constructor(context: NodeContext<TimingDriftParams>) {
    this.#context = context;
  }

  process(input: TransportData, emit: Emit): void {
    const { data } = input;
    if (data.type !== "audio" && data.type !== "video") return;
    const nowMs = this.#context.nowMs();
    const stream = this.#streams.of(input);
    const medium = stream[data.type];
    if (!medium.track.observe(captureMsOf(data, this.#context.nodeId), nowMs)) medium.stepped = true;
    medium.frames++;
    const { streamId, timestampUs = 0 } = data;
    const place: JsonData = { type: "json", value: null, ...(streamId && { streamId }), timestampUs };
    medium.envelope = { ...input, data: place };
    if (medium.sinceMs === -Infinity) medium.sinceMs = nowMs;
    if (nowMs - medium.sinceMs >= this.#context.params.emitMs) this.#report(stream, medium, nowMs, emit);
  }

  flush(emit: Emit): void {
    const nowMs = this.#context.nowMs();
    for (const stream of this.#streams.all()) {
      for (const medium of [stream.audio, stream.video]) {
        if (medium.frames > 0) this.#report(stream, medium, nowMs, emit);
      }
    }
  }

  #report(stream: Stream, medium: Medium, nowMs: number, emit: Emit): void {
    const { envelope, frames, stepped, track } = medium;
    medium.sinceMs = nowMs;
    medium.frames = 0;
    medium.stepped = false;
    if (envelope === undefined) return;
    const { jitterMs, driftMsPerS, leadMs } = this.#context.params;
    const drift = track.driftMsPerS;
    const lead = leadOf(stream, nowMs);
    const flags: string[] = [];
    if (track.jitterMs > jitterMs) flags.push("jitter");
    if (drift !== undefined && Math.abs(drift) > driftMsPerS) flags.push("drift");
    if (lead !== undefined && lead > leadMs) flags.push("lead");
    if (stepped) flags.push("step");
    const value: JsonValue = {
      stream_id: envelope.data.streamId ?? "default",
      kind: medium === stream.audio ? "audio" : "video",
      frames,
      jitter_ms: rounded(track.jitterMs),
      drift_ms_per_s: rounded(drift),
      lead_ms: rounded(lead),
      flags,
      health: flags.length === 0 ? "good" : "poor",
    };
    void emit({ ...envelope, data: { ...envelope.data, value } });
  }
}

/**
 * Reports for each audio and video stream, every `emitMs` as its frames come, and at the end:
 * `{stream_id, kind, frames, jitter_ms, drift_ms_per_s, lead_ms, flags, health}`. Frames need a `timestampUs`, else
 * `INVALID_DATA`. Media end here.
 */
export const timingDriftNode: NodeFactory<TimingDriftParams> = {
  type: "TimingDrift",
  description:
    "Reports how each audio and video stream keeps time against its capture times: jitter, drift, audio ahead of video; flags says which of jitter, drift, lead is beyond its limit, or step for capture times that jumped by over 1 s.",
  schema: {
    type: "object",
    properties: {
      jitterMs: {
        description:
          "Largest good jitter_ms: the mean change of the delay from capture to arrival between frames (RFC 3550 section 6.4.1), ms.",
        type: "number",
        minimum: 0,
        default: 50,
      },
      driftMsPerS: {
        description:
          "Largest good drift_ms_per_s, either way: by how much the delay grows in a second, > 0 when frames come ever later, over 5 s; null in the first 2 s.",
        type: "number",
        minimum: 0,
        default: 5,
      },
      emitMs: {
        description: "Between reports of a stream, ms; they come with its frames.",
        type: "number",
        minimum: 100,
        default: 1000,
      },
      leadMs: {
        description:
          "Largest good lead_ms: how much earlier audio comes than video of the same peer and stream id captured at the same instant, ms; null without either.",
        type: "number",
        minimum: 0,
        default: 100,
      },
    },
  },
  accepts: ["audio", "video"],
  emits: ["json"],
  create: (context) => new TimingDriftNode(context),
};

function newMedium(): Medium {
  return { track: new TimingTrack(), frames: 0, stepped: false, sinceMs: -Infinity, envelope: undefined };
}

function leadOf({ audio, video }: Stream, nowMs: number): number | undefined {
  const audioDelay = audio.track.delays.median(nowMs);
  const videoDelay = video.track.delays.median(nowMs);
  return audioDelay === undefined || videoDelay === undefined ? undefined : videoDelay - audioDelay;
}

function rounded(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms * 10) / 10;
}
