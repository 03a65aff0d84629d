// The contract of peer links, kept by the browser platform: two connections of one page.
import { createBrowserPlatform } from "../../src/platform/browser/browser-platform.ts";
import { describePeerLink } from "./peer-link-contract.ts";

describePeerLink(
  "the browser platform",
  () => {
    const platform = createBrowserPlatform();
    return { left: platform, right: platform };
  },
  { audioLevel: "track" },
);
