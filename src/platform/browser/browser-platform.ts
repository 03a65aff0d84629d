// The platform of a page: its clock, WebSocket and RTCPeerConnection behind the port. Holds the one receiving
// worker that all links of the page share.
import { TransportError } from "../../errors/errors.ts";
import type { Platform } from "../platform.ts";
import { browserClock } from "./clock.ts";
import { startBrowserMediaWorker } from "./media-worker.ts";
import { BrowserPeerLink } from "./peer-link.ts";
import type { OpenVideo } from "./browser-video.ts";
import { startBrowserPipelineWorker } from "./pipeline-worker.ts";
import { ReceiveHub } from "./receive-hub.ts";
import { openBrowserSocket } from "./socket.ts";
import type { PixelConversion } from "./video-picture.ts";

/** Where the platform finds its worker. */
export interface BrowserPlatformOptions {
  /**
   * Address of `dist/worker.js`, same origin as the page: for pages whose Content-Security-Policy forbids the
   * inlined `blob:` worker.
   */
  workerUrl?: string;
  /** Called at the first picture whose pixels are not I420; without it such pictures are faults. */
  loadConversion?: () => Promise<PixelConversion>;
}

/** `crypto.getRandomValues` gives no more at once (W3C Web Cryptography, section 10.1.1). */
const MAX_RANDOM_BYTES = 65_536;

/** Undefined until the page has first asked for the codecs of video. */
let openVideo: OpenVideo | undefined;

/**
 * The browser as a {@link Platform}. Links receive encoded frames (RTCRtpScriptTransform) and send tracks: samples
 * through MediaStreamTrackGenerator where the browser has it (Chromium), else only tracks given to `useTrack`,
 * e.g. the microphone; `write` then reports one `NOT_SUPPORTED` fault. Pictures go through the same, elsewhere through a
 * canvas. Links with video can be opened once the codecs have been loaded.
 */
export function createBrowserPlatform(options: BrowserPlatformOptions = {}): Platform {
  const hub = new ReceiveHub(options.workerUrl);
  return {
    name: "browser",
    clock: browserClock,
    canBind: false,
    randomBytes,
    openSocket: openBrowserSocket,
    openPeerLink: (linkOptions, events) => new BrowserPeerLink(linkOptions, events, hub, openVideo),
    startMediaWorker: startBrowserMediaWorker,
    startPipelineWorker: startBrowserPipelineWorker,
    loadVideoCodecs: async () => {
      const video = await import("./browser-video.ts");
      openVideo = video.openVideo;
      return video.openBrowserVideoCodecs({ loadConversion: options.loadConversion ?? noConversion });
    },
  };
}

function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += MAX_RANDOM_BYTES) {
    crypto.getRandomValues(bytes.subarray(at, at + MAX_RANDOM_BYTES));
  }
  return bytes;
}

function noConversion(): Promise<never> {
  return Promise.reject(new TransportError("NOT_SUPPORTED", "pictures of this decoder are not I420"));
}
