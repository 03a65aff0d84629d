// The node that says whether sound and picture of a peer come together. Reads the clock it is given; sets no timer.
import type { JsonValue, TransportData } from "../../runtime/data.ts";
import type { Emit, NodeContext, NodeFactory, PipelineNode } from "../node.ts";
import { captureMsOf, RecentDelays } from "./recent-delays.ts";
import { StreamStates } from "./stream-states.ts";

/** Between reports of a stream, ms. */
const LEAST_INTERVAL_MS = 1000;
/** Smaller changes of the offset are no news, ms. */
const CHANGE_MS = 2;

/** Parameters of `SyncReport`. */
export type SyncReportParams = { toleranceMs: number };

interface Stream {
  readonly audio: RecentDelays;
  readonly video: RecentDelays;
  reportedMs: number;
  offsetMs: number;
  inSync: boolean | undefined;
}

class SyncReportNode implements PipelineNode {
  readonly #context: NodeContext<SyncReportParams>;
  readonly #streams = new StreamStates<Stream>(() => ({
    audio: new RecentDelays(),
    video: new RecentDelays(),
    reportedMs: -Infinity,
    offsetMs: Number.NaN,
    inSync: undefined,
  }));

  constructor(context: NodeContext<SyncReportParams>) {
    this.#context = context;
  }

  process(input: TransportData, emit: Emit): void {
    const { data } = input;
    if (data.type !== "audio" && data.type !== "video") return;
    const nowMs = this.#context.nowMs();
    const stream = this.#streams.of(input);
    stream[data.type].observe(nowMs - captureMsOf(data, this.#context.nodeId), nowMs);
    if (nowMs - stream.reportedMs < LEAST_INTERVAL_MS) return;
    const audio = stream.audio.median(nowMs);
    const video = stream.video.median(nowMs);
    if (audio === undefined || video === undefined) return;
    const offsetMs = Math.round((video - audio) * 10) / 10;
    const inSync = Math.abs(offsetMs) <= this.#context.params.toleranceMs;
    if (inSync === stream.inSync && Math.abs(offsetMs - stream.offsetMs) < CHANGE_MS) return;
    stream.reportedMs = nowMs;
    stream.offsetMs = offsetMs;
    stream.inSync = inSync;
    const value: JsonValue = { offset_ms: offsetMs, in_sync: inSync };
    const { streamId, timestampUs } = data;
    const place = { ...(streamId && { streamId }), ...(timestampUs !== undefined && { timestampUs }) };
    void emit({ ...input, data: { type: "json", value, ...place } });
  }
}

/**
 * Reports `{offset_ms, in_sync}` for audio and video of one peer and stream id: first when three frames of either have
 * come, then when `in_sync` or the offset (by 2 ms) has changed, once a second at most. Frames need a `timestampUs`, else
 * `INVALID_DATA`. Media end here.
 */
export const syncReportNode: NodeFactory<SyncReportParams> = {
  type: "SyncReport",
  description:
    "Reports whether audio and video of a peer come together: offset_ms says how much earlier audio comes than video captured at the same instant (< 0 later; median of the last 15 frames of either). On change, once a second at most.",
  schema: {
    type: "object",
    properties: {
      toleranceMs: {
        description: "Largest offset, either way, that counts as in_sync, ms.",
        type: "number",
        minimum: 0,
        default: 20,
      },
    },
  },
  accepts: ["audio", "video"],
  emits: ["json"],
  create: (context) => new SyncReportNode(context),
};
