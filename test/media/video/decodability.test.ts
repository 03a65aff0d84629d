// Which frames may be decoded after which have been.
import { describe, expect, it } from "vitest";
import { Decodability } from "../../../src/media/video/decodability.ts";

/** A frame: `K` a keyframe, else how far back its references lie; `lost` packets before it. */
interface Step {
  id?: number;
  bits?: 7 | 15;
  back?: readonly number[];
  key?: true;
  lost?: number;
}

/** Hand out what may be, drop the rest. @returns which were handed out */
function judge(steps: readonly Step[], decodability = new Decodability()): boolean[] {
  return steps.map(({ id, bits = 15, back, key = false, lost = 0 }) => {
    const frame = { pictureId: id, pictureIdBits: id === undefined ? undefined : bits, references: back };
    const allowed = decodability.allows(frame, key, lost);
    decodability.pass(frame, key, lost, allowed);
    return allowed;
  });
}

const key = true;
const yes = true;
const no = false;

describe("frames may be decoded", () => {
  it.each<[string, Step[], boolean[]]>([
    ["from the first keyframe on", [{}, { key }, {}, {}], [no, yes, yes, yes]],
    [
      "up to a gap, and from the next keyframe on",
      [{ key }, { lost: 1 }, {}, { key }, {}],
      [yes, no, no, yes, yes],
    ],
    [
      "if only packets without a frame were lost",
      [
        { key, id: 7 },
        { id: 8, lost: 3 },
      ],
      [yes, yes],
    ],
    ["up to a frame nobody missed packets of", [{ key, id: 7 }, { id: 9 }, { id: 10 }], [yes, no, no]],
    ["over the wrap of the ids", [{ key, id: 32_767 }, { id: 0 }, { id: 1 }], [yes, yes, yes]],
    [
      "over the wrap of short ids",
      [
        { key, id: 127, bits: 7 },
        { id: 0, bits: 7 },
      ],
      [yes, yes],
    ],
    [
      "not when ids may have gone round",
      [
        { key, id: 1, bits: 7 },
        { id: 2, bits: 7, lost: 127 },
      ],
      [yes, no],
    ],
    ["not when ids change their width", [{ key, id: 1, bits: 7 }, { id: 2 }], [yes, no]],
    ["not when ids cease", [{ key, id: 1 }, {}], [yes, no]],
    [
      "not with references to nowhere",
      [
        { key, id: 1 },
        { id: 2, back: [0] },
      ],
      [yes, no],
    ],
    [
      "without references, once a keyframe was",
      [
        { id: 1, back: [] },
        { key, id: 2 },
        { id: 9, back: [] },
      ],
      [no, yes, yes],
    ],
  ])("%s", (_when, steps, expected) => {
    expect(judge(steps)).toEqual(expected);
  });

  it("although an upper layer is missing that they do not refer to", () => {
    const steps: Step[] = [
      { key, id: 0, back: [] },
      { id: 2, back: [2], lost: 1 },
      { id: 3, back: [1] },
      { id: 4, back: [4] },
      { id: 6, back: [1], lost: 1 },
      { id: 7, back: [1] },
      { id: 8, back: [4] },
    ];
    expect(judge(steps)).toEqual([yes, yes, yes, yes, no, no, yes]);
  });

  it("only from a keyframe on after the decoder has failed", () => {
    const decodability = new Decodability();
    judge([{ key, id: 1 }, { id: 2 }], decodability);
    decodability.fail();
    expect(judge([{ id: 3 }, { id: 4, back: [] }, { id: 5, key }, { id: 6 }], decodability)).toEqual([
      no,
      no,
      yes,
      yes,
    ]);
  });
});
