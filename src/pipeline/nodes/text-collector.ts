// The node that collects text that comes in bits, as a language model gives it, up to the ends of sentences. Pure.
import type { TextData, TransportData } from "../../runtime/data.ts";
import type { Emit, NodeContext, NodeFactory, PipelineNode } from "../node.ts";
import { StreamStates } from "./stream-states.ts";

/** A longer text without boundaries goes out as it is: nothing grows for ever. */
const MAX_LENGTH = 16_384;

/** Parameters of `TextCollector`. */
export type TextCollectorParams = {
  boundaries: string;
  minLength: number;
  flushToken: string;
};

interface Collected {
  text: string;
  /** What brought the last of it. */
  last: (TransportData & { data: TextData }) | undefined;
  /** Of the input with which it began. */
  timestampUs: number | undefined;
}

class TextCollectorNode implements PipelineNode {
  readonly #params: TextCollectorParams;
  readonly #boundaries: ReadonlySet<string>;
  readonly #streams = new StreamStates<Collected>(() => ({
    text: "",
    last: undefined,
    timestampUs: undefined,
  }));

  constructor({ params }: NodeContext<TextCollectorParams>) {
    this.#params = params;
    this.#boundaries = new Set(params.boundaries);
  }

  process(input: TransportData, emit: Emit): void {
    const { data } = input;
    if (data.type !== "text") return;
    const collected = this.#streams.of(input, data.channel);
    if (collected.text === "") collected.timestampUs = data.timestampUs;
    collected.text += data.text;
    collected.last = { ...input, data };
    this.#takeFlushed(collected, emit);
    this.#takeSentences(collected, emit);
    if (collected.text.length > MAX_LENGTH) this.#take(collected, collected.text.length, emit);
  }

  flush(emit: Emit): void {
    for (const collected of this.#streams.all()) this.#take(collected, collected.text.length, emit);
  }

  #takeFlushed(collected: Collected, emit: Emit): void {
    const { flushToken } = this.#params;
    if (flushToken === "") return;
    for (let at = collected.text.indexOf(flushToken); at >= 0; at = collected.text.indexOf(flushToken)) {
      const rest = collected.text.slice(at + flushToken.length);
      collected.text = collected.text.slice(0, at);
      this.#takeSentences(collected, emit);
      this.#take(collected, collected.text.length, emit);
      collected.text = rest;
    }
  }

  #takeSentences(collected: Collected, emit: Emit): void {
    for (let end = this.#endOf(collected.text); end > 0; end = this.#endOf(collected.text)) {
      this.#take(collected, end, emit);
    }
  }

  /** Where the first sentence that is long enough ends, behind all its boundaries; 0 when there is none. */
  #endOf(text: string): number {
    const limit = text.length - begunToken(text, this.#params.flushToken);
    let said = false;
    let isOver = false;
    let at = 0;
    let length = 0;
    let spaces = 0;
    for (const character of text.slice(0, limit)) {
      const isBoundary = this.#boundaries.has(character);
      if (isOver && !isBoundary) return at;
      at += character.length;
      const isSpace = character.trim() === "";
      if (isSpace) spaces += length > 0 ? 1 : 0;
      else {
        length += spaces + 1;
        spaces = 0;
        said ||= !isBoundary;
      }
      isOver = isBoundary && said && length >= this.#params.minLength;
    }
    return isOver ? at : 0;
  }

  #take(collected: Collected, end: number, emit: Emit): void {
    const { last, timestampUs } = collected;
    const text = collected.text.slice(0, end).trim();
    collected.text = collected.text.slice(end);
    collected.timestampUs = last?.data.timestampUs;
    if (text === "" || last === undefined) return;
    const data: TextData = { ...last.data, text };
    if (timestampUs !== undefined) data.timestampUs = timestampUs;
    void emit({ ...last, data });
  }
}

/**
 * Takes text in bits and gives whole sentences, per peer, stream and channel, without the space around them. Times are
 * those of the first bit of a sentence, everything else is of the last.
 */
export const textCollectorNode: NodeFactory<TextCollectorParams> = {
  type: "TextCollector",
  description:
    "Collects bits of text into sentences, per stream and channel; what is left goes out at the end. A text without boundaries goes out when it has more than 16384 characters.",
  schema: {
    type: "object",
    properties: {
      boundaries: {
        description: "Characters that end a sentence, several of them in a row as one.",
        type: "string",
        default: ".!?;\n",
      },
      minLength: {
        description: "A sentence with fewer characters, without the space around it, waits for the next one.",
        type: "integer",
        minimum: 1,
        default: 3,
      },
      flushToken: {
        description: "Ends what is collected, however short; it is no part of the text. Empty: none.",
        type: "string",
        default: "<|text_end|>",
      },
    },
  },
  accepts: ["text"],
  emits: ["text"],
  create: (context) => new TextCollectorNode(context),
};

/** Length of the end of a text that may be the beginning of a token. */
function begunToken(text: string, token: string): number {
  for (let length = Math.min(token.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(token.slice(0, length))) return length;
  }
  return 0;
}
