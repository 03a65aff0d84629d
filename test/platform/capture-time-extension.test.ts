import { describe, expect, it } from "vitest";
import {
  CAPTURE_TIME_URI,
  captureTimeIdOf,
  captureTimeLine,
} from "../../src/platform/capture-time-extension.ts";
import { SeededRandom } from "../../src/testing/random.ts";

const LEVEL_URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

describe("the id of abs-capture-time in a section", () => {
  it.each([
    ["alone", [`3 ${CAPTURE_TIME_URI}`], 3],
    ["among others", [`1 ${LEVEL_URI}`, `14 ${CAPTURE_TIME_URI}`, "2 urn:x"], 14],
    ["with its direction", [`5/sendrecv ${CAPTURE_TIME_URI}`], 5],
    ["with attributes", [`5 ${CAPTURE_TIME_URI} some thing`], 5],
    ["beside something malformed", ["x y", "3", `3/both urn:x`, `3 ${CAPTURE_TIME_URI}`], 3],
  ])("is found %s", (_, extmaps, id) => {
    expect(captureTimeIdOf(extmaps)).toBe(id);
  });

  it.each([
    ["is not mapped", [`1 ${LEVEL_URI}`]],
    ["is mapped one way", [`3/sendonly ${CAPTURE_TIME_URI}`]],
    ["is mapped the other way", [`3/recvonly ${CAPTURE_TIME_URI}`]],
    ["is switched off", [`3/inactive ${CAPTURE_TIME_URI}`]],
    ["needs the two-byte form", [`15 ${CAPTURE_TIME_URI}`]],
    ["has an id beyond any form", [`4096 ${CAPTURE_TIME_URI}`]],
    ["shares its id", [`3 ${CAPTURE_TIME_URI}`, `3 ${LEVEL_URI}`]],
    ["has an id of zero", [`0 ${CAPTURE_TIME_URI}`]],
    ["has an id with more than digits", [`3x ${CAPTURE_TIME_URI}`, `-3 ${CAPTURE_TIME_URI}`]],
    ["is only like it", [`3 ${CAPTURE_TIME_URI}2`, `4 x${CAPTURE_TIME_URI}`]],
    ["has no id", [CAPTURE_TIME_URI, ` ${CAPTURE_TIME_URI}`]],
  ])("is 0 when the extension %s", (_, extmaps) => {
    expect(captureTimeIdOf(extmaps)).toBe(0);
  });

  it("is one that can be written, whatever the lines hold", () => {
    const seed = 31;
    const random = new SeededRandom(seed);
    const pieces = [
      "0",
      "3",
      "14",
      "15",
      "99999",
      "/",
      "sendrecv",
      "recvonly",
      " ",
      CAPTURE_TIME_URI,
      "",
      "é",
    ];
    for (let round = 0; round < 3000; round++) {
      const extmaps = Array.from({ length: random.integer(0, 3) }, () =>
        Array.from({ length: random.integer(0, 5) }, () => pieces[random.integer(0, pieces.length - 1)]).join(
          "",
        ),
      );
      const id = captureTimeIdOf(extmaps);
      if (id === 0) continue;
      expect(captureTimeLine(id), `seed ${seed}, round ${round}`).toMatch(
        /^a=extmap:([1-9]|1[0-4]) http:\/\/www\.webrtc\.org\/experiments\/rtp-hdrext\/abs-capture-time$/,
      );
    }
  });
});
