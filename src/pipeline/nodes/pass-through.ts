// The node that hands on what it gets.
import { KINDS } from "../node.ts";
import type { NodeFactory } from "../node.ts";

/** Parameters of `PassThrough`: none. */
export type PassThroughParams = Record<never, never>;

/** Hands on every input as it is. */
export const passThroughNode: NodeFactory<PassThroughParams> = {
  type: "PassThrough",
  description: "Hands on every input as it is.",
  schema: { type: "object", properties: {} },
  accepts: KINDS,
  emits: KINDS,
  create: () => ({
    process(input, emit) {
      void emit(input);
    },
  }),
};
