// The contract of peer links, kept by the Node platform.
import { createNodePlatform } from "../../src/platform/node/node-platform.ts";
import type { LinkFixture } from "./link-pair.ts";
import { describePeerLink } from "./peer-link-contract.ts";
import { describeVideoLink } from "./video-link-contract.ts";

const NAME = "the Node platform";

const makeFixture = (): LinkFixture => {
  const platform = createNodePlatform();
  return { left: platform, right: platform };
};

describePeerLink(NAME, makeFixture, { audioLevel: "packet", bindAddress: "127.0.0.1" });
describeVideoLink(NAME, makeFixture, { videoLevel: "packet", bindAddress: "127.0.0.1" });
