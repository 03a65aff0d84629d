// The contract of peer links, kept by the browser platform: two connections of one page.
import { createBrowserPlatform } from "../../src/platform/browser/browser-platform.ts";
import type { LinkFixture } from "./link-pair.ts";
import { describePeerLink } from "./peer-link-contract.ts";
import { describeVideoLink } from "./video-link-contract.ts";
import { describeWrittenPictures } from "./written-pictures-contract.ts";

const NAME = "the browser platform";

await createBrowserPlatform().loadVideoCodecs?.();

const makeFixture = (): LinkFixture => {
  const platform = createBrowserPlatform();
  return { left: platform, right: platform };
};

describePeerLink(NAME, makeFixture, { audioLevel: "track" });
describeVideoLink(NAME, makeFixture, { videoLevel: "track" });
describeWrittenPictures(NAME, makeFixture);
