import { describe, expect, it } from "vitest";
import { Emitter } from "../../src/runtime/emitter.ts";

interface Events {
  number: number;
  text: string;
}

function setUp() {
  const errors: [unknown, string][] = [];
  const emitter = new Emitter<Events>((error, event) => errors.push([error, event]));
  const heard: unknown[] = [];
  return { emitter, errors, heard };
}

describe("Emitter", () => {
  it("calls the listeners of an event in order of subscription", () => {
    const { emitter, heard } = setUp();
    emitter.on("number", (value) => heard.push(["first", value]));
    emitter.on("number", (value) => heard.push(["second", value]));
    emitter.on("text", (value) => heard.push(value));
    emitter.emit("number", 7);
    expect(heard).toEqual([
      ["first", 7],
      ["second", 7],
    ]);
  });

  it("does nothing when nobody listens", () => {
    expect(() => setUp().emitter.emit("number", 1)).not.toThrow();
  });

  it("D12: ends a subscription by the returned function, twice without harm", () => {
    const { emitter, heard } = setUp();
    const listener = (value: number): void => void heard.push(value);
    const off = emitter.on("number", listener);
    emitter.on("number", listener);
    off();
    off();
    emitter.emit("number", 1);
    expect(heard).toEqual([1]);
  });

  it("calls a listener of one event once, even when it causes another", () => {
    const { emitter, heard } = setUp();
    emitter.once("number", (value) => {
      heard.push(value);
      emitter.emit("number", value + 1);
    });
    emitter.emit("number", 1);
    expect(heard).toEqual([1]);
    const off = emitter.once("number", (value) => heard.push(value));
    off();
    emitter.emit("number", 3);
    expect(heard).toEqual([1]);
  });

  it("reports a throwing listener and goes on with the others", () => {
    const { emitter, errors, heard } = setUp();
    const failure = new Error("listener failed");
    emitter.on("text", () => {
      throw failure;
    });
    emitter.on("text", (value) => heard.push(value));
    emitter.emit("text", "hello");
    expect(heard).toEqual(["hello"]);
    expect(errors).toEqual([[failure, "text"]]);
  });

  it("leaves listeners that come during an event to the next one", () => {
    const { emitter, heard } = setUp();
    emitter.on("number", () => emitter.on("number", (value) => heard.push(value)));
    emitter.emit("number", 1);
    expect(heard).toEqual([]);
    emitter.emit("number", 2);
    expect(heard).toEqual([2]);
  });

  it("spares listeners that an earlier one has unsubscribed", () => {
    const { emitter, heard } = setUp();
    emitter.on("number", () => off());
    const off = emitter.on("number", (value) => heard.push(value));
    emitter.emit("number", 1);
    expect(heard).toEqual([]);
  });

  it("forgets everybody on clear, in the middle of an event too", () => {
    const { emitter, heard } = setUp();
    emitter.on("number", () => emitter.clear());
    emitter.on("number", (value) => heard.push(value));
    emitter.emit("number", 1);
    emitter.emit("number", 2);
    expect(heard).toEqual([]);
  });
});
