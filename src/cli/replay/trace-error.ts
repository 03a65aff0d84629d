// What is wrong with a trace, and where.

/** A file that is no trace, or a broken one. `message` is one clause without the offset. */
export class TraceError extends Error {
  override readonly name = "TraceError";
  /** Where in the file the record or header begins that is broken; at most the file's length. */
  readonly byteOffset: number;

  constructor(byteOffset: number, message: string) {
    super(message);
    this.byteOffset = byteOffset;
  }
}
