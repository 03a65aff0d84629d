// Structured logging behind four methods. Secrets and session descriptions are never passed in.
import type { JsonObject } from "./data.ts";

/** Level from which lines are written; `silent` writes none. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** Where log lines go; `fields` always holds the local `peerId` and, where one is concerned, `remotePeerId`. */
export interface Logger {
  debug(message: string, fields: JsonObject): void;
  info(message: string, fields: JsonObject): void;
  warn(message: string, fields: JsonObject): void;
  error(message: string, fields: JsonObject): void;
}

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 };

/** The part of the platform's console that a logger needs. */
export type ConsoleLike = Record<"debug" | "info" | "warn" | "error", (...values: unknown[]) => void>;

/** A logger that writes one line of text and JSON fields to a console. */
export function consoleLogger(target: ConsoleLike): Logger {
  const line = (level: "debug" | "info" | "warn" | "error") => (message: string, fields: JsonObject) =>
    target[level](`[remotemedia] ${level} ${message} ${JSON.stringify(fields)}`);
  return { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
}

/** A logger with its own level and fixed fields; a throwing target disturbs nobody. */
export class ScopedLogger implements Logger {
  readonly #target: Logger;
  readonly #level: LogLevel;
  readonly #fields: JsonObject;

  constructor(target: Logger, level: LogLevel, fields: JsonObject) {
    this.#target = target;
    this.#level = level;
    this.#fields = fields;
  }

  /** The same logger with further fixed fields. */
  with(fields: JsonObject): ScopedLogger {
    return new ScopedLogger(this.#target, this.#level, { ...this.#fields, ...fields });
  }

  debug(message: string, fields: JsonObject = {}): void {
    this.#write("debug", message, fields);
  }

  info(message: string, fields: JsonObject = {}): void {
    this.#write("info", message, fields);
  }

  warn(message: string, fields: JsonObject = {}): void {
    this.#write("warn", message, fields);
  }

  error(message: string, fields: JsonObject = {}): void {
    this.#write("error", message, fields);
  }

  #write(level: "debug" | "info" | "warn" | "error", message: string, fields: JsonObject): void {
    if (RANK[level] < RANK[this.#level]) return;
    try {
      this.#target[level](message, { ...this.#fields, ...fields });
    } catch {
      // A logger that throws has nowhere left to be reported.
    }
  }
}
