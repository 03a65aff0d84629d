// All that a browser needs for video, in one place, for it is loaded apart: most pages have none.
import type { PeerLinkEvents, PeerLinkOptions } from "../platform.ts";
import { checkVideoLink } from "../video-description.ts";
import type { ReceiveHub } from "./receive-hub.ts";
import { VideoMedia } from "./video-media.ts";

export { openBrowserVideoCodecs } from "./video-codecs.ts";

/** Opens the video of a link. @throws TransportError `INVALID_DATA` for options that do not go together */
export type OpenVideo = (
  options: PeerLinkOptions,
  hub: ReceiveHub,
  events: Pick<PeerLinkEvents, "videoFrame" | "sentVideo" | "fault">,
) => VideoMedia | undefined;

/** See {@link OpenVideo}. */
export const openVideo: OpenVideo = (options, hub, events) => {
  checkVideoLink(options);
  const { name, video } = options;
  return video && new VideoMedia(name, video, hub, events);
};
