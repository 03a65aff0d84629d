// The contract of video codecs, kept by WebCodecs.
import { openBrowserVideoCodecs } from "../../src/platform/browser/video-codecs.ts";
import { describeVideoCodecs } from "./video-codecs-contract.ts";

describeVideoCodecs("WebCodecs", () =>
  openBrowserVideoCodecs({ loadConversion: () => import("../../src/wasm/pixels.ts") }),
);
