// Loads what sends and receives video, when a transport with video starts: all others pay nothing for it.
import type { WebRtcTransportConfig } from "../config/config.ts";
import { describeError } from "../errors/errors.ts";
import type { VideoParts } from "../peer/video-link.ts";
import type { Platform } from "../platform/platform.ts";
import type { VideoCodecName } from "../platform/video-codecs.ts";
import type { Emitter } from "../runtime/emitter.ts";
import type { ScopedLogger } from "../runtime/logger.ts";
import type { TransportEvents } from "./events.ts";
import type { PictureReaders } from "./picture-readers.ts";
import type { VideoRoom } from "./video-room.ts";

/** What {@link loadVideo} needs. */
export interface LoadVideoOptions {
  platform: Platform;
  config: WebRtcTransportConfig;
  readers: PictureReaders;
  emitter: Emitter<TransportEvents>;
  log: ScopedLogger;
}

/** Video while a transport runs. */
export interface LoadedVideo {
  readonly room: VideoRoom;
  readonly parts: VideoParts;
}

type Code = typeof import("./video-parts.ts");

let code: Promise<Code> | undefined;

/** Load the code alone; later calls share what earlier ones have loaded, a failure is tried again. */
export function loadVideoCode(): Promise<Code> {
  code ??= import("./video-parts.ts").catch((error: unknown) => {
    code = undefined;
    throw error;
  });
  return code;
}

/**
 * Load code and codecs.
 *
 * @returns undefined, with a warning that says why, where there can be no video: peers are told that we have none
 */
export async function loadVideo(options: LoadVideoOptions): Promise<LoadedVideo | undefined> {
  const { platform, config, readers, emitter, log } = options;
  const lack = (message: string): undefined => {
    log.warn(message);
    emitter.emit("warning", { message });
    return undefined;
  };
  if (platform.loadVideoCodecs === undefined) return lack("there is no video: this runtime has no codecs");
  try {
    const [{ VideoLink, OutgoingVideo, VideoRoom }, codecs] = await Promise.all([
      loadVideoCode(),
      platform.loadVideoCodecs(),
    ]);
    // Browsers encode by themselves what they can decode.
    const encodes = platform.name === "browser" ? codecs.decodes : codecs.encodes;
    const usable = config.video.codecs.filter((name) => codecs.decodes.has(name) && encodes.has(name));
    if (usable.length === 0) {
      codecs.close();
      return lack(`there is no video: this runtime has none of ${config.video.codecs.join(", ")}`);
    }
    tellMissing(config.video.codecs, usable, log);
    const { clock } = platform;
    const { minBitrateKbps } = config.video;
    const outgoing = new OutgoingVideo({
      clock,
      video: config.video,
      adaptive: config.adaptiveBitrate,
      loadCodecs: () => Promise.resolve(codecs),
      random: () => new DataView(Uint8Array.from(platform.randomBytes(4)).buffer).getUint32(0),
      emitter,
    });
    const room = new VideoRoom({ clock, codecs, outgoing, minBitrateKbps, readers, emitter });
    const openLink: VideoParts["openLink"] = (link) => new VideoLink(link);
    return { room, parts: { codecs: usable, openLink, listener: room } };
  } catch (error) {
    return lack(`there is no video: ${describeError(error)}`);
  }
}

function tellMissing(
  wanted: readonly VideoCodecName[],
  usable: readonly VideoCodecName[],
  log: ScopedLogger,
): void {
  const missing = wanted.filter((name) => !usable.includes(name));
  if (missing.length > 0) log.info("codecs of video that this runtime lacks", { missing });
}
