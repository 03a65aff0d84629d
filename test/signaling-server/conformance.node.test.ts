// The conformance table on real sockets.
import { describeConformance } from "./conformance.ts";
import { socketWorld } from "./socket-world.ts";

describeConformance("a server on real sockets", (options) => socketWorld(options));
