// The first process's end of a process of peers: starts it, says what to do, and notices when it dies. Whatever becomes
// of it, nothing here waits for ever.
import { fork } from "node:child_process";
import type { ChildProcess, StdioOptions } from "node:child_process";
import type { FromPeers, HostReport, Recorded, ToPeers, Word } from "./ipc-messages.ts";
import type { RunPlan } from "./lineup.ts";
import type { HostEvents } from "./peer-host.ts";

/** Where the build puts the program of such a process, beside the command. */
const PROGRAM = new URL("./demo-peers.js", import.meta.url);
/**
 * V8 counts the memory of frames as old from their first collection on, and takes it for growth: with its usual limit it
 * goes through the whole heap some times a second. Peers that share a thread with many others feel that.
 */
const OLD_SPACE = "--initial-old-space-size=256";
/** Loading, and making what all peers say, on a busy machine. */
const READY_LIMIT_MS = 30_000;
/** A transport starts or fails in 20 s. */
const START_LIMIT_MS = 25_000;
/** A process that does not answer in this time is left out of a report. */
const REPORT_LIMIT_MS = 2_000;
/** After this a process that should end is ended. */
const STOP_LIMIT_MS = 10_000;

/** See the header. */
export class ChildHost {
  readonly peerIds: readonly string[];
  readonly #child: ChildProcess;
  readonly #events: HostEvents;
  /** By what is waited for; called with the answer, or with the fault that there will be none. */
  readonly #waiting = new Map<
    string,
    { answer: (message: FromPeers) => void; fail: (fault: string) => void }
  >();
  readonly #ended: Promise<void>;
  #reports = 0;
  #fault: string | undefined;
  /** Whether its end is news: it got ready, and nobody has told it to end. */
  #running = false;

  /** Starts the process. */
  constructor(peerIds: readonly string[], events: HostEvents) {
    this.peerIds = peerIds;
    this.#events = events;
    const execArgv = [...process.execArgv, OLD_SPACE];
    const stdio: StdioOptions = ["ignore", "ignore", "inherit", "ipc"];
    this.#child = fork(PROGRAM, { serialization: "advanced", stdio, execArgv });
    this.#child.on("message", (message) => this.#take(message as FromPeers));
    this.#ended = new Promise((resolve) => {
      this.#child.once("error", (error) => {
        this.#end(`the process of ${namesOf(peerIds)} could not be started: ${error.message}`);
        resolve();
      });
      this.#child.once("exit", (code, signal) => {
        const how = signal === null ? `exit code ${code}` : signal;
        this.#end(`the process of ${namesOf(peerIds)} has ended (${how})`);
        resolve();
      });
    });
  }

  /** Hand over the plan. @throws Error when the process does not get ready */
  async open(plan: RunPlan, processes: number): Promise<void> {
    await this.#ask({ type: "plan", plan, own: this.peerIds, processes }, "ready", READY_LIMIT_MS);
    this.#running = true;
  }

  /** A peer joins. @throws Error when it cannot */
  async start(peerId: string): Promise<void> {
    const answer = await this.#ask({ type: "start", peerId }, `started ${peerId}`, START_LIMIT_MS);
    if (answer.type === "started" && answer.fault !== undefined)
      throw new Error(`${peerId}: ${answer.fault}`);
  }

  /** What it has measured; undefined when it does not say. */
  async report(live: boolean): Promise<HostReport | undefined> {
    const id = ++this.#reports;
    const message = { type: "report", id, live } as const;
    const answer = await this.#ask(message, `report ${id}`, REPORT_LIMIT_MS).catch(() => undefined);
    return answer?.type === "report" ? answer.report : undefined;
  }

  /** Pass on what others said. */
  hear(word: Word): void {
    this.#send(word);
  }

  /** End it. Never rejects. @param samples length of its recordings @returns what it has recorded */
  async stop(samples: number): Promise<Recorded | undefined> {
    this.#running = false;
    const answer = await this.#ask({ type: "stop", samples }, "stopped", STOP_LIMIT_MS).catch(
      () => undefined,
    );
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), answer === undefined ? 0 : STOP_LIMIT_MS);
    await this.#ended;
    clearTimeout(timer);
    return answer?.type === "stopped" ? answer.recorded : undefined;
  }

  #take(message: FromPeers): void {
    switch (message.type) {
      case "connected":
        return this.#events.connected(message.from, message.to);
      case "trouble":
        return this.#events.trouble(message.text);
      case "sent":
      case "shown":
      case "lags":
        return this.#events.word(message);
      case "started":
        return this.#answer(`started ${message.peerId}`, message);
      case "report":
        return this.#answer(`report ${message.id}`, message);
      default:
        return this.#answer(message.type, message);
    }
  }

  #ask(message: ToPeers, wanted: string, limitMs: number): Promise<FromPeers> {
    return new Promise((resolve, reject) => {
      if (this.#fault !== undefined) return reject(new Error(this.#fault));
      const timer = setTimeout(() => fail(`the process of ${namesOf(this.peerIds)} hangs`), limitMs);
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wanted);
      };
      const fail = (fault: string): void => {
        done();
        reject(new Error(fault));
      };
      const answer = (answered: FromPeers): void => {
        done();
        resolve(answered);
      };
      this.#waiting.set(wanted, { answer, fail });
      this.#send(message);
    });
  }

  #answer(wanted: string, message: FromPeers): void {
    this.#waiting.get(wanted)?.answer(message);
  }

  #send(message: ToPeers): void {
    // A process that has gone is noticed by its exit; what was meant for it is of no use any more.
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  #end(fault: string): void {
    if (this.#fault !== undefined) return;
    this.#fault = fault;
    for (const { fail } of [...this.#waiting.values()]) fail(fault);
    if (this.#running) this.#events.trouble(fault);
  }
}

function namesOf(peerIds: readonly string[]): string {
  return new Intl.ListFormat("en").format(peerIds);
}
