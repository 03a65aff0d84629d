// Vite plugin for tests: `virtual:kernel-twin` is the kernels' own source run as JavaScript, with memory.portable.ts in
// the place of memory.ts.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const ASSEMBLY = fileURLToPath(new URL("../assembly", import.meta.url));
const TWIN = "virtual:kernel-twin";
const RESOLVED_TWIN = `\0${TWIN}`;

/** What a bundler of vite's family wants of the plugin. */
interface TwinPlugin {
  name: string;
  enforce: "pre";
  resolveId(source: string, importer: string | undefined): string | undefined;
  load(id: string): string | undefined;
}

/** Serves the twin to tests that import {@link TWIN}; everything else passes by untouched. */
export function kernelTwin(): TwinPlugin {
  return {
    name: "kernel-twin",
    enforce: "pre",
    resolveId(source, importer) {
      if (source === TWIN) return RESOLVED_TWIN;
      const fromKernel = importer !== undefined && dirname(importer) === ASSEMBLY;
      return fromKernel && source === "./memory" ? `${ASSEMBLY}/memory.portable.ts` : undefined;
    },
    load(id) {
      if (id !== RESOLVED_TWIN) return undefined;
      return `export * as twin from ${JSON.stringify(`${ASSEMBLY}/index.ts`)};`;
    },
  };
}
