// A network with nothing but loopback: where the system allows it, a command runs in a namespace of its own, so that no
// browser finds another address of this host.
import { spawnSync } from "node:child_process";

/**
 * @returns {{ command: string[], how: string } | undefined} the command that runs another one with loopback as its only
 *   network, and in words how; undefined where the system does not allow it
 */
export function isolation() {
  const path = `PATH=${process.env.PATH}:/usr/sbin:/sbin`;
  const script = ["sh", "-c", 'ip link set lo up && exec "$@"', "sh"];
  for (const flags of [["-n"], ["-U", "-r", "-n"]]) {
    const [name, ...args] = ["unshare", ...flags, "env", path, ...script];
    if (spawnSync(name, [...args, "true"], { stdio: "ignore" }).status !== 0) continue;
    return { command: [name, ...args], how: `unshare ${flags.join(" ")}` };
  }
  return undefined;
}
