// The contract of peer links, kept by the simulated platform in virtual time.
import { SimulatedNetwork } from "../../src/testing/simulated-platform.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import type { LinkFixture } from "./link-pair.ts";
import { describePeerLink } from "./peer-link-contract.ts";
import { describeVideoLink } from "./video-link-contract.ts";

const NAME = "the simulated platform";

const makeFixture = (): LinkFixture => {
  const clock = new VirtualClock();
  const network = new SimulatedNetwork({ clock, seed: "contract" });
  return {
    left: network.platform("left"),
    right: network.platform("right"),
    advance: (ms) => clock.run(ms),
  };
};

describePeerLink(NAME, makeFixture, { audioLevel: "packet" });
describeVideoLink(NAME, makeFixture, { videoLevel: "packet" });
