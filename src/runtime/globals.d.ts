// The few globals the platform-free core asks of the world. The root tsconfig leaves this file out: there the
// DOM and Node types declare the same names.

interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

declare class AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}

declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}

declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(bytes: ArrayBufferView | ArrayBuffer): string;
}

declare class URL {
  constructor(url: string);
  readonly protocol: string;
  readonly hostname: string;
  readonly username: string;
  readonly password: string;
  readonly hash: string;
  readonly href: string;
}

declare function atob(base64: string): string;
declare class Blob {
  constructor(parts: Uint8Array[]);
  stream(): { pipeThrough(transform: DecompressionStream): object };
}
declare class DecompressionStream {
  constructor(format: "gzip");
}
declare class Response {
  constructor(body: object);
  text(): Promise<string>;
}
declare function queueMicrotask(callback: () => void): void;

declare const console: {
  debug(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
};

declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean });
    readonly buffer: ArrayBuffer | SharedArrayBuffer;
    grow(pages: number): number;
  }
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
    readonly exports: Record<string, unknown>;
  }
}
