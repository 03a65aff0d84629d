// Loads what runs pipelines, once, when a program first wants one: all others pay nothing for it.
type Code = typeof import("./pipeline-parts.ts");

let code: Promise<Code> | undefined;

/** Load the code; later calls share what earlier ones have loaded, a failure is tried again. */
export function loadPipelines(): Promise<Code> {
  code ??= import("./pipeline-parts.ts").catch((error: unknown) => {
    code = undefined;
    throw error;
  });
  return code;
}
