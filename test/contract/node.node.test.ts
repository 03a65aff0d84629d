// The contract of peer links, kept by the Node platform.
import { createNodePlatform } from "../../src/platform/node/node-platform.ts";
import { describePeerLink } from "./peer-link-contract.ts";

describePeerLink(
  "the Node platform",
  () => {
    const platform = createNodePlatform();
    return { left: platform, right: platform };
  },
  { audioLevel: "packet", bindAddress: "127.0.0.1" },
);
