// The conformance table on the pure hub; the same table runs on real sockets in conformance.node.test.ts.
import { describeConformance } from "./conformance.ts";
import { HubWorld } from "./hub-world.ts";

describeConformance("the hub", (options) => Promise.resolve(new HubWorld(options)));
