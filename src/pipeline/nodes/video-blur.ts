// The node that blurs pictures, all of them or what a stream of masks leaves. Pure; who has a function that finds what
// stays sharp takes background-blur.ts.
import { TransportError } from "../../errors/errors.ts";
import type { TransportData, VideoData } from "../../runtime/data.ts";
import type { Emit, NodeContext, NodeFactory, PipelineNode } from "../node.ts";
import { BLUR_PROPERTIES, blurAround, planeMasks } from "./masked-blur.ts";
import type { BlurMask, BlurParams, PlaneMasks } from "./masked-blur.ts";
import { checkRaw, rawPictureOf, videoWith } from "./raw-video.ts";
import { StreamStates } from "./stream-states.ts";

/** Parameters of `VideoBlur`. */
export type VideoBlurParams = BlurParams & { mask?: string };

interface Latest {
  mask: BlurMask | undefined;
  /** The mask in the size of the last picture. */
  masks: PlaneMasks | undefined;
}

class VideoBlurNode implements PipelineNode {
  readonly #params: VideoBlurParams;
  /** By peer. */
  readonly #latest = new StreamStates<Latest>(() => ({ mask: undefined, masks: undefined }));

  constructor({ params }: NodeContext<VideoBlurParams>) {
    this.#params = params;
  }

  process(input: TransportData, emit: Emit): void {
    const { data } = input;
    if (data.type !== "video") return;
    const { mask } = this.#params;
    if (mask !== undefined && (data.streamId ?? "default") === mask) {
      this.#keep(input, data);
      return;
    }
    const picture = rawPictureOf(data);
    const masks = mask === undefined ? undefined : this.#masksFor(input, data, mask);
    void emit({ ...input, data: videoWith(data, blurAround(picture, this.#params, masks)) });
  }

  #keep(input: TransportData, mask: VideoData): void {
    checkRaw(mask);
    const { data, width, height, format } = mask;
    if (format !== "GRAY8") {
      throw new TransportError("INVALID_DATA", `video.format of a mask must be GRAY8, not ${format}`);
    }
    const latest = this.#latest.of(input);
    // It outlives its turn, in which alone nobody changes it.
    latest.mask = { data: data.slice(), width, height };
    latest.masks = undefined;
  }

  #masksFor(input: TransportData, data: VideoData, mask: string): PlaneMasks | undefined {
    const latest = this.#latest.of({ ...input, data: { ...data, streamId: mask } });
    if (latest.mask === undefined) return undefined;
    const { width, height } = data;
    if (latest.masks?.width !== width || latest.masks.height !== height) {
      latest.masks = planeMasks(latest.mask, width, height);
    }
    return latest.masks;
  }
}

/**
 * Blurs pictures. With `mask`, the pictures of that stream are masks: they end here, and the latest one of a peer, lying
 * as its pictures do and scaled to their size, says what stays sharp in them. Before the first mask everything is
 * blurred. Pictures of any raw format become I420.
 *
 * It has no thread of its own: a picture of 640x360 takes half a millisecond, one of 1280x720 two, and handing it over
 * would take as long, and longer on a busy machine.
 */
export const videoBlurNode: NodeFactory<VideoBlurParams> = {
  type: "VideoBlur",
  description:
    "Blurs pictures, or what a mask leaves of them: its pictures are kept, and the latest one of a peer says what stays sharp. Before the first mask everything is blurred. Pictures of any raw format become I420.",
  schema: {
    type: "object",
    properties: {
      ...BLUR_PROPERTIES,
      mask: {
        description:
          "Stream id of GRAY8 pictures of any size that say what stays sharp: white as it was, black blurred, gray a part of both. Without it everything is blurred.",
        type: "string",
        minLength: 1,
      },
    },
  },
  accepts: ["video"],
  emits: ["video"],
  create: (context) => new VideoBlurNode(context),
};
