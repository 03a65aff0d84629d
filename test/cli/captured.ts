// Runs a command in this process and collects what it writes.
import { vi } from "vitest";

/** @param command what takes the arguments and resolves to an exit code */
export async function captured(
  command: (args: string[]) => Promise<number>,
  args: string[],
): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += String(text);
    return true;
  });
  const code = await command(args);
  vi.restoreAllMocks();
  return { code, out, err };
}
