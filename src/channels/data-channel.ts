// The data channels of one peer: sends and receives messages, runtime data and control actions over ports that a
// link or a foreign peer supplies. Opens no connection itself.
import { TransportError, toTransportError } from "../errors/errors.ts";
import type { ErrorCode } from "../errors/codes.ts";
import type { ChannelOptions, ChannelPort } from "../platform/platform.ts";
import type { DataChannelMessage, JsonObject, JsonValue, RuntimeData } from "../runtime/data.ts";
import type { Clock } from "../runtime/time.ts";
import { channelStatistics, noTraffic } from "./channel-statistics.ts";
import type { ChannelStatistics, Counts } from "./channel-statistics.ts";
import { encodeControlMessage } from "./control-actions.ts";
import type { ControlMessage } from "./control-actions.ts";
import { encodeHello, parseControl } from "./control.ts";
import type { HelloFields } from "./control.ts";
import {
  classOf,
  decodeMessageFragment,
  encodeMessageFragment,
  FRAME_KINDS,
  HEADER_BYTES,
  MessageIds,
  payloadLimit,
} from "./framing.ts";
import { decodeLegacy, decodeMessage, encodeData, encodeMessage, isLegacy } from "./messages.ts";
import type { DataEnvelope, Decoded, EncodedMessage } from "./messages.ts";
import { encodeVideoSignal } from "./video-signals.ts";
import type { VideoSignal } from "./video-signals.ts";

/** The labels this library gives a meaning to. */
export type ChannelLabel = "control" | "data";

/** The channel of control actions, opened by both sides under the same id. */
export const CONTROL_CHANNEL: ChannelOptions = { label: "control", id: 100, ordered: true };

/** The channel of messages and runtime data; `unreliable` is unordered and never retransmits. */
export function dataChannelOptions(mode: "reliable" | "unreliable"): ChannelOptions {
  const channel = { label: "data", id: 102 };
  return mode === "reliable"
    ? { ...channel, ordered: true }
    : { ...channel, ordered: false, maxRetransmits: 0 };
}

/** Most bytes that may wait in a channel before sends are refused. */
export const MAX_BUFFERED_BYTES = 32 * 1024 * 1024;

/** Ms from the opening of `control` until the other side must have said hello. */
export const HELLO_TIMEOUT_MS = 5_000;

/** Ports of one label: ours, and those a foreign peer opens in-band; one would do, a few forgive reopening. */
const MAX_PORTS = 4;

/** Why a control action was dropped: a reply that nobody waits for, or a request beyond those under work. */
export type ControlRefusal = "stray-reply" | "surplus-request";

/** Where a {@link PeerChannels} reports to. Exceptions of these functions are contained and become faults. */
export interface PeerChannelsOptions {
  /** The remote peer, named in errors. */
  peerId: string;
  clock: Clock;
  /** What we tell the other side about ourselves. */
  hello: HelloFields;
  onHello(hello: HelloFields): void;
  /** A word about the connection for video; never before `onHello`. */
  onVideoSignal(signal: VideoSignal): void;
  /** A word of the other program; never before `onHello`. @returns why it was dropped, to be counted */
  onControl(message: ControlMessage): ControlRefusal | undefined;
  onMessage(message: DataChannelMessage): void;
  onData(data: RuntimeData, envelope: DataEnvelope): void;
  /** Something was dropped or failed; the channels live on. */
  onFault(error: TransportError): void;
  /** A channel has opened. */
  onOpen?(label: ChannelLabel): void;
  /** A channel has closed that we did not close; the other side is probably leaving. */
  onClosed?(label: ChannelLabel): void;
}

interface Lane {
  /** In the order they were attached; the last open one sends. */
  ports: ChannelPort[];
  readonly ids: MessageIds;
  readonly counts: Counts;
}

/** See the header. */
export class PeerChannels {
  /** Resolves when {@link ready} becomes true; rejects with `DATA_CHANNEL_ERROR` when closed before. */
  readonly whenReady: Promise<void>;
  readonly #options: PeerChannelsOptions;
  readonly #lanes = new Map<ChannelLabel, Lane>();
  readonly #dropped = new Map<string, number>();
  #remoteHello: HelloFields | undefined;
  #cancelHelloTimer: (() => void) | undefined;
  #resolveReady: () => void = () => undefined;
  #rejectReady: (error: TransportError) => void = () => undefined;
  #closed = false;

  constructor(options: PeerChannelsOptions) {
    this.#options = options;
    this.whenReady = new Promise((resolve, reject) => {
      this.#resolveReady = resolve;
      this.#rejectReady = reject;
    });
    this.whenReady.catch(() => undefined); // nobody is obliged to wait for it
  }

  /** Every attached channel is open: sends do not fail for want of a channel. */
  get open(): boolean {
    return this.#lanes.size > 0 && [...this.#lanes.keys()].every((label) => this.#port(label) !== undefined);
  }

  /** `control` is open and the other side has said hello. Messages and data do not wait for this. */
  get ready(): boolean {
    return this.#remoteHello !== undefined && this.#port("control") !== undefined;
  }

  /** What the other side has said of itself, once it has. */
  get remoteHello(): HelloFields | undefined {
    return this.#remoteHello;
  }

  /** Use `port` for `label` from now on; ports attached before are still listened to. */
  attach(label: ChannelLabel, port: ChannelPort): void {
    if (this.#closed) return port.close();
    const lane = this.#lanes.get(label) ?? { ports: [], ids: new MessageIds(), counts: noTraffic() };
    this.#lanes.set(label, lane);
    if (lane.ports.length >= MAX_PORTS) {
      this.#drop("surplus-channel", label);
      return port.close();
    }
    lane.ports.push(port);
    let greeted = false;
    // A port may be open already and still deliver the event it kept.
    const opened = (): void => {
      if (greeted) return;
      greeted = true;
      this.#opened(label, port);
    };
    const alreadyOpen = port.open;
    port.listen({
      open: opened,
      close: () => this.#portClosed(label, port),
      message: (message) => this.#receive(label, message),
    });
    if (alreadyOpen) opened();
  }

  /** Take a channel that the other side opened in-band, when its label means something here; else close it. */
  adopt(port: ChannelPort): void {
    if (port.label === "control" || port.label === "data") return this.attach(port.label, port);
    this.#drop("unknown-label", port.label.slice(0, 64));
    port.close();
  }

  /**
   * Send a message on `data`. Resolves when it has been handed over to the channel.
   * @throws TransportError `DATA_CHANNEL_NOT_AVAILABLE`, `INVALID_DATA`, `SERIALIZATION_ERROR`, `MESSAGE_TOO_LARGE`
   *   (`details.maxBytes`: serialized bytes that would have fitted), `SEND_BUFFER_FULL`, `DATA_CHANNEL_ERROR`
   */
  async sendMessage(message: DataChannelMessage): Promise<void> {
    this.#send("data", () => encodeMessage(message));
  }

  /** Send runtime data but audio and video on `data`; as {@link sendMessage}, also `INVALID_STREAM_ID`. */
  async sendData(data: RuntimeData, envelope: DataEnvelope = {}): Promise<void> {
    this.#send("data", () => encodeData(data, envelope));
  }

  /** Send a word about the connection for video on `control`. @throws TransportError as {@link sendMessage} */
  sendVideoSignal(signal: VideoSignal): void {
    this.#send("control", () => encodeMessage({ type: "json", payload: encodeVideoSignal(signal) }));
  }

  /** Send a word to the other program on `control`. @throws TransportError as {@link sendMessage} */
  sendControl(message: ControlMessage): void {
    this.#send("control", () => encodeMessage({ type: "json", payload: encodeControlMessage(message) }));
  }

  /** Counters as of now. */
  stats(): ChannelStatistics {
    return channelStatistics(this.#lanes, this.#dropped);
  }

  /** Close every channel; idempotent. No timer is left and nothing is reported from now on. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelHelloTimer?.();
    for (const lane of this.#lanes.values()) for (const port of lane.ports.splice(0)) port.close();
    this.#rejectReady(this.#error("DATA_CHANNEL_ERROR", "the channels were closed"));
  }

  #port(label: ChannelLabel): ChannelPort | undefined {
    return this.#lanes
      .get(label)
      ?.ports.filter((port) => port.open)
      .at(-1);
  }

  #opened(label: ChannelLabel, port: ChannelPort): void {
    if (this.#closed) return;
    if (label === "control") this.#greet(port);
    this.#contain(() => this.#options.onOpen?.(label));
  }

  // Each port is greeted: a foreign peer's own channel is another than the one we opened.
  #greet(port: ChannelPort): void {
    if (this.#remoteHello !== undefined) this.#resolveReady();
    else this.#cancelHelloTimer ??= this.#expectHello();
    try {
      const json = encodeHello(this.#options.hello);
      this.#handOver("control", port, encodeMessage({ type: "json", payload: json }));
    } catch (error) {
      this.#fault(toTransportError(error, "DATA_CHANNEL_ERROR", "sending hello"));
    }
  }

  #expectHello(): () => void {
    const { clock } = this.#options;
    return clock.setTimer(clock.now() + HELLO_TIMEOUT_MS, () => {
      this.#fault(this.#error("DATA_CHANNEL_ERROR", `no hello within ${HELLO_TIMEOUT_MS} ms`));
    });
  }

  #portClosed(label: ChannelLabel, port: ChannelPort): void {
    const lane = this.#lanes.get(label);
    if (this.#closed || lane === undefined || !lane.ports.includes(port)) return;
    lane.ports = lane.ports.filter((other) => other !== port);
    this.#contain(() => this.#options.onClosed?.(label));
  }

  #send(label: ChannelLabel, encode: () => EncodedMessage): void {
    const port = this.#port(label);
    if (port === undefined)
      throw this.#error("DATA_CHANNEL_NOT_AVAILABLE", `the '${label}' channel is not open`);
    let encoded: EncodedMessage;
    try {
      encoded = encode();
    } catch (error) {
      throw toTransportError(error, "SERIALIZATION_ERROR", "the message could not be encoded");
    }
    this.#handOver(label, port, encoded);
  }

  #handOver(label: ChannelLabel, port: ChannelPort, { kind, payload }: EncodedMessage): void {
    const bytes = payload.length;
    const maxBytes = payloadLimit(port.maxMessageSize);
    if (bytes > maxBytes) {
      const message = `the message has ${bytes} bytes when serialized, at most ${maxBytes} fit`;
      throw this.#error("MESSAGE_TOO_LARGE", message, { details: { bytes, maxBytes } });
    }
    const { bufferedAmount } = port;
    if (bufferedAmount + HEADER_BYTES + bytes > MAX_BUFFERED_BYTES) {
      const message = `${bufferedAmount} bytes are still waiting to be sent`;
      throw this.#error("SEND_BUFFER_FULL", message, { details: { bufferedAmount } });
    }
    const priority = classOf(label, bytes);
    const { ids, counts } = this.#lanes.get(label) as Lane;
    const id = ids.next(priority);
    try {
      port.send(encodeMessageFragment(kind, priority, id, payload));
    } catch (error) {
      throw this.#error("DATA_CHANNEL_ERROR", `the '${label}' channel refused the message`, { cause: error });
    }
    counts.messagesSent++;
    counts.bytesSent += bytes;
  }

  #receive(label: ChannelLabel, frame: Uint8Array | string): void {
    if (this.#closed) return;
    if (isLegacy(frame)) return this.#accept(label, frame.length, decodeLegacy(frame));
    if (typeof frame === "string") return this.#drop("text-frame", label);
    const message = decodeMessageFragment(frame);
    if (typeof message === "string") return this.#drop(message, label);
    // Receipts of a later version; without resending there is nothing to do for them.
    if (message.kind === FRAME_KINDS.ack) return this.#count("ack");
    this.#accept(label, message.payload.length, decodeMessage(message.kind, message.payload));
  }

  #accept(label: ChannelLabel, bytes: number, decoded: Decoded): void {
    if (decoded.type === "fault") return this.#drop(decoded.reason, label);
    const { counts } = this.#lanes.get(label) as Lane;
    counts.messagesReceived++;
    counts.bytesReceived += bytes;
    if (label === "control") {
      if (decoded.type === "message" && decoded.message.type === "json")
        this.#control(decoded.message.payload);
      else this.#drop("not-an-action", label);
    } else if (decoded.type === "message") {
      this.#contain(() => this.#options.onMessage(decoded.message));
    } else {
      this.#contain(() => this.#options.onData(decoded.data, decoded.envelope));
    }
  }

  #control(payload: JsonValue): void {
    const action = parseControl(payload);
    if (action.type === "hello") return this.#greeted(action.hello);
    if (action.type === "malformed") {
      this.#drop("malformed-action", `control: ${action.reason}`);
      return this.#refuse(action.requestId, "INVALID_DATA", action.reason);
    }
    if (action.type === "unknown") {
      this.#count("unknown-action");
      const message = `the peer asked for the unknown action '${action.action}'`;
      this.#fault(this.#error("NOT_SUPPORTED", message, { details: { action: action.action } }));
      return this.#refuse(action.requestId, "NOT_SUPPORTED", `there is no action '${action.action}'`);
    }
    if (this.#remoteHello === undefined) {
      const { type } = action.type === "video" ? action : action.message;
      return this.#drop("action-before-hello", `control: ${type}`);
    }
    this.#contain(() => {
      if (action.type === "video") return this.#options.onVideoSignal(action.signal);
      const refusal = this.#options.onControl(action.message);
      if (refusal !== undefined) this.#count(refusal);
    });
  }

  // Whoever waits for a reply gets one.
  #refuse(requestId: string | undefined, code: ErrorCode, message: string): void {
    if (requestId === undefined) return;
    const reply = { type: "result", ok: false, error: { code, message } } as const;
    this.#contain(() => this.sendControl({ type: "response", requestId, reply }));
  }

  #greeted(hello: HelloFields): void {
    if (this.#remoteHello !== undefined) return this.#count("repeated-hello");
    this.#remoteHello = hello;
    this.#cancelHelloTimer?.();
    this.#contain(() => this.#options.onHello(hello));
    if (this.ready) this.#resolveReady();
  }

  #drop(reason: string, where: string): void {
    this.#count(reason);
    const message = `a message was dropped (${reason}, ${where})`;
    this.#fault(this.#error("DATA_CHANNEL_ERROR", message, { details: { reason } }));
  }

  #count(reason: string): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1);
  }

  #fault(error: TransportError): void {
    if (this.#closed) return;
    try {
      this.#options.onFault(error);
    } catch {
      // Whoever should be told has failed itself; a native callback must not see the exception.
    }
  }

  #contain(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#fault(
        toTransportError(error, "INTERNAL_ERROR", "a listener failed", { peerId: this.#options.peerId }),
      );
    }
  }

  #error(
    code: ErrorCode,
    message: string,
    options: { details?: JsonObject; cause?: unknown } = {},
  ): TransportError {
    return new TransportError(code, message, { ...options, peerId: this.#options.peerId });
  }
}
