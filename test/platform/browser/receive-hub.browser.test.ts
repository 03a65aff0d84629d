import { afterEach, expect, it, vi } from "vitest";
import type { TransportError } from "../../../src/errors/errors.ts";
import { ReceiveHub } from "../../../src/platform/browser/receive-hub.ts";

const SILENT = { frame: () => undefined, sent: () => undefined, fault: () => undefined };

const connections: RTCPeerConnection[] = [];

function transceiver(): RTCRtpTransceiver {
  const connection = new RTCPeerConnection();
  connections.push(connection);
  return connection.addTransceiver("audio");
}

function faultOf(hub: ReceiveHub): Promise<TransportError> {
  return new Promise((resolve) => {
    hub.open({ ...SILENT, fault: resolve }).attach(transceiver());
  });
}

afterEach(() => {
  vi.unstubAllGlobals();
  for (const connection of connections.splice(0)) connection.close();
});

it("runs one worker for all links, as long as there is one", () => {
  const hub = new ReceiveHub();
  expect(hub.active).toBe(false);
  const first = hub.open(SILENT);
  const second = hub.open(SILENT);
  first.attach(transceiver());
  first.close();
  first.close();
  expect(hub.active).toBe(true);
  second.close();
  expect(hub.active).toBe(false);
  const third = hub.open(SILENT);
  expect(hub.active).toBe(true);
  third.close();
});

it("puts nothing in the way of a sender before the worker has loaded", async () => {
  const links = new ReceiveHub().open(SILENT);
  const [early, late] = [transceiver(), transceiver()];
  links.attach(early);
  await links.settled;
  links.attach(late);
  expect(early.sender.transform).toBe(null);
  expect(late.sender.transform).toBeInstanceOf(RTCRtpScriptTransform);
  links.close();
});

it("tries again for the next link when the worker could not be loaded, and tells each link once", async () => {
  const hub = new ReceiveHub("/missing/worker.js");
  for (let attempt = 0; attempt < 2; attempt++) {
    const faults: unknown[] = [];
    const links = hub.open({ ...SILENT, fault: (error) => faults.push(error) });
    await links.settled;
    expect(hub.active).toBe(false);
    expect(faults).toEqual([]);
    const { receiver, sender } = transceiver();
    links.attach({ receiver, sender });
    links.attach({ receiver, sender });
    await Promise.resolve();
    expect(faults).toMatchObject([{ code: "NOT_SUPPORTED" }]);
    expect(sender.transform).toBe(null);
  }
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

it("says nothing to a link that was given up meanwhile", async () => {
  vi.stubGlobal("RTCRtpScriptTransform", undefined);
  const faults: unknown[] = [];
  const links = new ReceiveHub().open({ ...SILENT, fault: (error) => faults.push(error) });
  links.attach(transceiver());
  links.close();
  await Promise.resolve();
  expect(faults).toEqual([]);
});
