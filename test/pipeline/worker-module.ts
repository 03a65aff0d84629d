// A module of a program whose node runs in a worker, as an address that both runtimes load: text says what it does.
import type { NodeFactory } from "../../src/pipeline/node.ts";

const SOURCE = `
let made;
export default {
  type: "Worker",
  description: "For tests.",
  schema: { type: "object", properties: { word: { type: "string", default: "-", description: "Any." } } },
  accepts: ["text", "video"],
  emits: ["text", "video", "json"],
  thread: "worker",
  create({ nodeId, nodeType, sessionId, params, nowMs, log }) {
    let count = 0;
    let kept;
    const say = (input, text, emit) => emit({ ...input, data: { type: "text", text } });
    const works = {
      where: (input, emit) => say(input, globalThis.isTestThread === true ? "here" : "there", emit),
      context: (input, emit) => say(input, [nodeId, nodeType, sessionId, params.word].join(), emit),
      now: (input, emit) => say(input, String(nowMs()), emit),
      count: (input, emit) => say(input, String(++count), emit),
      log: (input, emit) => { log.warn("from the node", { count }); return say(input, "logged", emit); },
      code: () => { throw Object.assign(new TypeError("no file"), { code: "ENOENT" }); },
      garbage: (input, emit) => { emit({ data: {} }); },
      uncloneable: (input, emit) => { emit({ ...input, metadata: { f: () => 1 } }); },
      twice: (input, emit) => {
        made ??= new Uint8Array(4).fill(7);
        emit({ ...input, data: { type: "video", data: made, width: 2, height: 2, format: "GRAY8" } });
      },
      wait: (input, emit, signal) => new Promise((_, reject) => {
        signal.addEventListener("abort", () => { say(input, "late", emit); reject(new Error("given up")); });
      }),
      hang: () => new Promise(() => {}),
      die: () => new Promise(() => { setTimeout(() => { throw new Error("worker test: this error is meant to be"); }); }),
      many: async (input, emit) => {
        for (let n = 0; n < 100; n++) await say(input, String(n), emit);
      },
      flood: (input, emit) => { for (let n = 0; n < 100; n++) say(input, String(n), emit); },
      keep: async (input, emit) => { await emit(kept); },
    };
    return {
      init() { if (params.word === "broken") throw new RangeError("no model"); },
      process(input, emit, signal) {
        if (input.data.type !== "video") return works[input.data.text](input, emit, signal);
        kept = input;
        const data = input.data.data.map((value) => 255 - value);
        return emit(input).then(() => emit({ ...input, data: { ...input.data, data } }));
      },
      flush: (emit) => emit({ data: { type: "text", text: "flushed " + count }, metadata: {} }),
      close() { if (params.word === "close") throw new Error("not closed"); },
    };
  },
};
`;

/** Where the module is. */
export const MODULE_URL = `data:text/javascript,${encodeURIComponent(SOURCE)}`;

/** The factory of `Worker`, as a program registers it. */
export async function workerFactory(): Promise<NodeFactory> {
  const loaded = (await import(/* @vite-ignore */ MODULE_URL)) as { default: NodeFactory };
  return { ...loaded.default, module: MODULE_URL };
}
