import { describe, expect, it } from "vitest";
import { TransportError } from "../../src/errors/errors.ts";
import { abortError, limited } from "../../src/runtime/call.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

function setUp() {
  const clock = new VirtualClock();
  const abort = new AbortController();
  let resolve: (value: string) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const work = new Promise<string>((ok, fail) => {
    resolve = ok;
    reject = fail;
  });
  let cancelled = 0;
  const onCancel = (): void => void cancelled++;
  const call = (timeoutMs = 1_000, timeoutError?: () => TransportError): Promise<string> =>
    limited(work, clock, "connectPeer", { signal: abort.signal, timeoutMs }, onCancel, timeoutError);
  return { clock, abort, call, resolve, reject, cancelled: () => cancelled };
}

describe("limited", () => {
  it("settles as the work does and leaves no timer", async () => {
    const good = setUp();
    const result = good.call();
    good.resolve("done");
    await expect(result).resolves.toBe("done");
    expect(good.clock.pending).toBe(0);
    expect(good.cancelled()).toBe(0);

    const bad = setUp();
    const failure = new Error("no route");
    const failing = bad.call();
    bad.reject(failure);
    await expect(failing).rejects.toBe(failure);
    expect(bad.clock.pending).toBe(0);
  });

  it("rejects with OPERATION_TIMEOUT when time is up, and cancels once", async () => {
    const { clock, call, cancelled } = setUp();
    const result = call(250);
    clock.advance(249);
    expect(cancelled()).toBe(0);
    clock.advance(1);
    await expect(result).rejects.toMatchObject({ code: "OPERATION_TIMEOUT", retryable: true });
    await expect(result).rejects.toThrow("connectPeer took longer than 250 ms");
    expect(cancelled()).toBe(1);
  });

  it("rejects with the timeout error of the caller's choice", async () => {
    const { clock, call } = setUp();
    const result = call(10, () => new TransportError("NAT_TRAVERSAL_FAILED", "no path"));
    clock.advance(10);
    await expect(result).rejects.toMatchObject({ code: "NAT_TRAVERSAL_FAILED" });
  });

  it("waits without limit for an infinite timeout", async () => {
    const { clock, call, resolve } = setUp();
    const result = call(Infinity);
    expect(clock.pending).toBe(0);
    resolve("late");
    await expect(result).resolves.toBe("late");
  });

  it("rejects with ABORTED and the signal's reason as cause", async () => {
    const { clock, abort, call, cancelled } = setUp();
    const result = call();
    abort.abort("changed my mind");
    await expect(result).rejects.toMatchObject({ code: "ABORTED", cause: "changed my mind" });
    expect(cancelled()).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it("does not begin to wait when the signal has fired already", async () => {
    const { clock, abort, call, reject, cancelled } = setUp();
    abort.abort();
    await expect(call()).rejects.toMatchObject({ code: "ABORTED" });
    expect(clock.pending).toBe(0);
    expect(cancelled()).toBe(1);
    reject(new Error("nobody must hear of this"));
  });

  it("takes no notice of what the work does after the caller has gone", async () => {
    const { clock, abort, call, reject, cancelled } = setUp();
    const result = call(100);
    clock.advance(100);
    await expect(result).rejects.toMatchObject({ code: "OPERATION_TIMEOUT" });
    abort.abort();
    reject(new Error("nobody must hear of this"));
    await clock.run(0);
    expect(cancelled()).toBe(1);
  });

  it("settles even when the cancellation throws", async () => {
    const clock = new VirtualClock();
    const never = new Promise<never>(() => undefined);
    const result = limited(never, clock, "stop", { timeoutMs: 5 }, () => {
      throw new Error("cancel failed");
    });
    expect(() => clock.advance(5)).toThrow("cancel failed");
    await expect(result).rejects.toMatchObject({ code: "OPERATION_TIMEOUT" });
  });
});

describe("abortError", () => {
  it("names the operation", () => {
    const abort = new AbortController();
    abort.abort();
    expect(abortError(abort.signal, "start").message).toBe("start was aborted by the caller");
  });
});
