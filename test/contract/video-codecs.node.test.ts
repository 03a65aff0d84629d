// The contract of video codecs, kept by libvpx in a worker of Node.
import { createNodeVideoCodecs } from "../../src/platform/node/video/node-video-codecs.ts";
import { describeVideoCodecs } from "./video-codecs-contract.ts";

describeVideoCodecs("Node", () => Promise.resolve(createNodeVideoCodecs()));
