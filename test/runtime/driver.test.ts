import { describe, expect, it } from "vitest";
import { Driver } from "../../src/runtime/driver.ts";
import type { Machine } from "../../src/runtime/machine.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

type Input = { type: "say"; words: string[] } | { type: "wake"; atMs: number };

/** Repeats what it is told and says `tick` at its deadline. */
class Parrot implements Machine<Input, string> {
  deadlineMs = Infinity;
  readonly handledAtMs: number[] = [];
  readonly #outputs: string[] = [];

  handle(input: Input | { readonly type: "timeout" }, nowMs: number): void {
    this.handledAtMs.push(nowMs);
    if (input.type === "say") this.#outputs.push(...input.words);
    if (input.type === "wake") this.deadlineMs = input.atMs;
    if (input.type === "timeout") {
      this.deadlineMs = Infinity;
      this.#outputs.push("tick");
    }
  }

  poll(): string | undefined {
    return this.#outputs.shift();
  }
}

function setUp(effect?: (output: string, driver: Driver<Input, string>) => void) {
  const clock = new VirtualClock();
  const machine = new Parrot();
  const said: string[] = [];
  const driver: Driver<Input, string> = new Driver<Input, string>(machine, clock, (output) => {
    said.push(output);
    effect?.(output, driver);
  });
  return { clock, machine, said, driver };
}

describe("Driver", () => {
  it("hands every output to the effect, in order, at the time of the clock", () => {
    const { clock, machine, said, driver } = setUp();
    clock.advance(40);
    driver.handle({ type: "say", words: ["a", "b"] });
    driver.handle({ type: "say", words: ["c"] });
    expect(said).toEqual(["a", "b", "c"]);
    expect(machine.handledAtMs).toEqual([40, 40]);
  });

  it("lets inputs from inside an effect wait until all outputs are out", () => {
    const { said, driver } = setUp((output, self) => {
      if (output === "a") self.handle({ type: "say", words: ["c"] });
    });
    driver.handle({ type: "say", words: ["a", "b"] });
    expect(said).toEqual(["a", "b", "c"]);
  });

  it("fires at the deadline, once", () => {
    const { clock, said, driver } = setUp();
    driver.handle({ type: "wake", atMs: 100 });
    clock.advance(99);
    expect(said).toEqual([]);
    clock.advance(1);
    expect(said).toEqual(["tick"]);
    clock.advance(1_000);
    expect(said).toEqual(["tick"]);
    expect(clock.pending).toBe(0);
  });

  it("keeps one timer however often the deadline moves", () => {
    const { clock, said, driver } = setUp();
    for (const atMs of [500, 100, 300]) driver.handle({ type: "wake", atMs });
    expect(clock.pending).toBe(1);
    clock.advance(299);
    expect(said).toEqual([]);
    clock.advance(1);
    expect(said).toEqual(["tick"]);
  });

  it("drops its timer when the deadline goes away", () => {
    const { clock, driver } = setUp();
    driver.handle({ type: "wake", atMs: 100 });
    driver.handle({ type: "wake", atMs: Infinity });
    expect(clock.pending).toBe(0);
  });

  it("obeys a deadline that the machine has from the start", () => {
    const clock = new VirtualClock();
    const machine = new Parrot();
    machine.deadlineMs = 10;
    const said: string[] = [];
    new Driver<Input, string>(machine, clock, (output) => said.push(output));
    clock.advance(10);
    expect(said).toEqual(["tick"]);
  });

  it("ignores everything after close and leaves no timer", () => {
    const { clock, said, driver } = setUp();
    driver.handle({ type: "wake", atMs: 100 });
    driver.close();
    driver.close();
    expect(clock.pending).toBe(0);
    driver.handle({ type: "say", words: ["late"] });
    clock.advance(200);
    expect(said).toEqual([]);
  });

  it("drops waiting inputs and sets no timer when an effect closes it", () => {
    const { clock, said, driver } = setUp((_, self) => {
      self.handle({ type: "say", words: ["never"] });
      self.close();
    });
    driver.handle({ type: "wake", atMs: 100 });
    driver.handle({ type: "say", words: ["last"] });
    expect(said).toEqual(["last"]);
    expect(clock.pending).toBe(0);
  });

  it("handles everything before it lets the exception of an effect out", () => {
    const { clock, said, driver } = setUp((output, self) => {
      if (output !== "bad") return;
      self.handle({ type: "wake", atMs: 100 });
      throw new Error("effect failed");
    });
    expect(() => driver.handle({ type: "say", words: ["bad", "good"] })).toThrow("effect failed");
    expect(said).toEqual(["bad", "good"]);
    clock.advance(100);
    expect(said).toEqual(["bad", "good", "tick"]);
    driver.handle({ type: "say", words: ["more"] });
    expect(said.at(-1)).toBe("more");
  });
});
