// Calls of the program that a pipeline waits for: outputs and errors that are handed over. A call that throws disturbs
// nobody, and one that never comes back holds up nobody once the pipeline is aborted.

/** See the header. */
export class ProgramCallbacks {
  /** Of everybody who waits. */
  readonly #waiting = new Set<() => void>();
  #released = false;

  /**
   * Call the program.
   *
   * @param failed told what it threw or rejected with
   * @returns what to wait for until it has come back; undefined when it has
   */
  call(callback: () => void | Promise<void>, failed: (error: unknown) => void): Promise<void> | undefined {
    let result;
    try {
      result = callback();
    } catch (error) {
      failed(error);
      return undefined;
    }
    if (typeof (result as Promise<void> | undefined)?.then !== "function") return undefined;
    return this.#settled(Promise.resolve(result).catch(failed));
  }

  /** Wait for no call any more. */
  release(): void {
    this.#released = true;
    for (const resolve of [...this.#waiting]) resolve();
  }

  #settled(call: Promise<void>): Promise<void> | undefined {
    if (this.#released) return undefined;
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        resolve();
      };
      this.#waiting.add(done);
      call.then(done, done);
    });
  }
}
