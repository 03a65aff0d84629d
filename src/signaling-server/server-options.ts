// Options of the signaling server: their checks and defaults. Pure.
import { TransportError } from "../errors/errors.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import type { SignalingLimits } from "./limits.ts";

const MAX_PORT = 65_535;

/** Where to listen, checked and with defaults. */
export interface Address {
  readonly port: number;
  readonly host: string;
  /** Path of the WebSocket, always with a leading slash; undefined: every path. */
  readonly path: string | undefined;
}

/** The options that need a check. */
export interface CheckedOptions {
  port?: number | undefined;
  host?: string | undefined;
  path?: string | undefined;
  limits?: Partial<SignalingLimits> | undefined;
  allowedOrigins?: readonly string[] | undefined;
}

/** All of an options object, or `INVALID_CONFIG` with every fault in `details.issues`. */
export function checkOptions(options: CheckedOptions): { address: Address; limits: SignalingLimits } {
  const issues: { path: string; message: string }[] = [];
  const issue = (path: string, message: string): void => {
    issues.push({ path, message });
  };
  const { port = 8080, host = "127.0.0.1", path } = options;
  if (!Number.isInteger(port) || port < 0 || port > MAX_PORT) issue("port", `expected 0 to ${MAX_PORT}`);
  if (host === "") issue("host", "expected a host name or address");
  if (path !== undefined && !path.startsWith("/")) issue("path", "expected a path that begins with /");
  for (const origin of options.allowedOrigins ?? []) {
    if (!/^https?:\/\/[^/]+$/.test(origin)) {
      issue("allowedOrigins", `expected origins such as https://example.org, not ${JSON.stringify(origin)}`);
    }
  }
  const limits = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(options.limits ?? {})) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) issue(`limits.${name}`, "there is no such limit");
    else if (!(typeof value === "number" && value > 0)) issue(`limits.${name}`, "expected more than 0");
    else limits[name as keyof SignalingLimits] = value;
  }
  if (issues.length > 0) {
    const words = issues.map((fault) => `${fault.path}: ${fault.message}`).join("; ");
    throw new TransportError("INVALID_CONFIG", words, { details: { issues } });
  }
  return { address: { port, host, path }, limits };
}
