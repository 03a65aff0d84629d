import { afterEach, expect, it, vi } from "vitest";
import type { TransportError } from "../../../src/errors/errors.ts";
import { ReceiveHub } from "../../../src/platform/browser/receive-hub.ts";

const connections: RTCPeerConnection[] = [];

function receiver(): RTCRtpReceiver {
  const connection = new RTCPeerConnection();
  connections.push(connection);
  return connection.addTransceiver("audio").receiver;
}

function faultOf(hub: ReceiveHub): Promise<TransportError> {
  return new Promise((resolve) => {
    hub.attach(receiver(), { frame: () => undefined, fault: resolve });
  });
}

const SILENT = { frame: () => undefined, fault: () => undefined };

afterEach(() => {
  vi.unstubAllGlobals();
  for (const connection of connections.splice(0)) connection.close();
});

it("runs one worker for all receivers, as long as there is one", () => {
  const hub = new ReceiveHub();
  expect(hub.active).toBe(false);
  const detachFirst = hub.attach(receiver(), SILENT);
  const detachSecond = hub.attach(receiver(), SILENT);
  detachFirst();
  detachFirst();
  expect(hub.active).toBe(true);
  detachSecond();
  expect(hub.active).toBe(false);
  const detachThird = hub.attach(receiver(), SILENT);
  expect(hub.active).toBe(true);
  detachThird();
});

it("tells what to do when the worker's script cannot be loaded", async () => {
  const fault = await faultOf(new ReceiveHub("/missing/worker.js"));
  expect(fault.code).toBe("NOT_SUPPORTED");
  expect(fault.suggestion).toContain("dist/worker.js");
});

it("reports a browser without encoded transforms in a later turn", async () => {
  vi.stubGlobal("RTCRtpScriptTransform", undefined);
  const fault = await faultOf(new ReceiveHub());
  expect(fault.code).toBe("NOT_SUPPORTED");
});

it("says nothing to a receiver that was given up meanwhile", async () => {
  vi.stubGlobal("RTCRtpScriptTransform", undefined);
  const faults: unknown[] = [];
  const detach = new ReceiveHub().attach(receiver(), { ...SILENT, fault: (error) => faults.push(error) });
  detach();
  await Promise.resolve();
  expect(faults).toEqual([]);
});
