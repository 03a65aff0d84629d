// What a baseline written for Node asks of its surroundings, as far as its pure parts need it in a page: Buffer, and
// stand-ins for the modules whose functions these parts never call.
import { Buffer } from "buffer/";

const hrtime = { bigint: (): bigint => BigInt(Math.round(performance.now() * 1e6)) };
const process = {
  hrtime,
  env: {},
  platform: "",
  version: "",
  versions: {},
  nextTick: (call: () => void) => queueMicrotask(call),
  cwd: () => "",
};

Object.assign(globalThis, { Buffer, process, global: globalThis });

export { Buffer, process };
