// Who may come in: origins of browsers, keys of registrations, and the question put to the authenticate hook.
// Decides nothing by itself that a program's hook should decide.

/** What the authenticate hook is asked. */
export interface AuthQuestion {
  /** As sent by the client; never logged. */
  readonly token: string | undefined;
  readonly peerId: string;
  readonly room: string;
  /** The `Origin` header, which browsers always send and other clients need not. */
  readonly origin: string | undefined;
}

/** How the hook answered; `failed` when it threw or did not answer with a boolean. */
export type AuthVerdict = "allowed" | "refused" | "failed";

/** Bits of a session key: nobody guesses another peer's registration. */
const SESSION_KEY_BYTES = 16;

/**
 * Whether a page of this origin may connect. Clients that are no browsers send none: they are free to lie about it,
 * so leaving it out is not held against them.
 *
 * @param allowed origins such as `https://example.org`; undefined allows all
 */
export function originAllowed(origin: string | undefined, allowed: readonly string[] | undefined): boolean {
  return allowed === undefined || origin === undefined || allowed.includes(origin.toLowerCase());
}

/** A fresh session key: 128 random bits in hexadecimal. */
export function newSessionKey(randomBytes: (length: number) => Uint8Array): string {
  return Array.from(randomBytes(SESSION_KEY_BYTES), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whether two keys are equal, in a time that does not tell how far they agree. */
export function sameKey(expected: string, given: string | undefined): boolean {
  if (given === undefined || given.length !== expected.length) return false;
  let difference = 0;
  for (let index = 0; index < expected.length; index++) {
    difference |= expected.charCodeAt(index) ^ given.charCodeAt(index);
  }
  return difference === 0;
}
