// One suite, two runtimes: *.node.test.ts runs in Node only, *.browser.test.ts in Chromium only, the rest in both.
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { CHROMIUM_ARGS, CHROMIUM_PATH, CHROMIUM_PERMISSIONS, ISOLATION_HEADERS } from "./test/chromium.ts";
import { kernelTwin } from "./test/twin-plugin.ts";

/** Whole calls in virtual time take seconds of work, and several times as long on a busy machine. */
const testTimeout = 20_000;

/** Tests of conferences in several processes, and of how exactly clocks of different processes agree. */
const ALONE = [
  "test/soak/**/*.test.ts",
  "test/cli/demo*.node.test.ts",
  "test/interop/{mixed-room,sync-channel}.node.test.ts",
  "test/examples/runnable.node.test.ts",
];

export default defineConfig({
  test: {
    coverage: {
      provider: "v8",
      // Kernels are measured through their portable twin: the same source, run as JavaScript.
      include: ["src/**/*.ts", "assembly/**/*.ts"],
      // The entry of the kernels is a list of exports, memory.ts is replaced by memory.portable.ts, and what uses SIMD
      // cannot run as JavaScript.
      exclude: [
        "**/generated/**",
        "**/*.d.ts",
        "assembly/{index,memory,mix-minus,pcm,pixel-order,pixels,pixels-index,plane-blur,plane-mix,plane-scale,time-scale}.ts",
      ],
      reporter: ["text-summary", "json-summary", "html"],
      reportsDirectory: "coverage",
      thresholds: { lines: 90 },
    },
    projects: [
      {
        plugins: [kernelTwin()],
        test: {
          name: "node",
          testTimeout,
          environment: "node",
          pool: "forks",
          maxWorkers: 2,
          // What runs in Chromium too neither blocks nor loads anything native: a process for each file took as long as the tests.
          isolate: false,
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.{node,browser}.test.ts", ...ALONE],
        },
      },
      {
        plugins: [kernelTwin()],
        test: {
          name: "native",
          testTimeout,
          environment: "node",
          // The native addon may be loaded in one JavaScript environment per process: files get processes, never threads.
          pool: "forks",
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          include: ["test/**/*.node.test.ts"],
          exclude: ALONE,
        },
      },
      {
        plugins: [kernelTwin()],
        server: { headers: ISOLATION_HEADERS },
        // Named, not discovered: a dependency found while tests run makes vite reload the page under them.
        optimizeDeps: {
          noDiscovery: true,
          include: ["libopus-wasm", "valibot", "yaml", "@cfworker/json-schema"],
        },
        test: {
          name: "chromium",
          testTimeout,
          maxWorkers: 2,
          // After the others: side by side they would ask for twice the cores.
          sequence: { groupOrder: 2 },
          include: ["test/**/*.test.ts"],
          exclude: [
            "test/**/*.node.test.ts",
            // Programs for Node: they drive a browser, a server or a process of their own.
            "test/{interop,cli,signaling-server,examples}/**",
            "test/platform/node/**",
            // Whole rooms in virtual time: the engine of both is the same, and so is what comes out.
            "test/scenarios/**",
          ],
          browser: {
            enabled: true,
            headless: true,
            // One page for all files of a worker: a fresh one for each took as long as the tests themselves.
            isolate: false,
            screenshotFailures: false,
            api: { host: "127.0.0.1" },
            provider: playwright({
              launchOptions: { executablePath: CHROMIUM_PATH, args: CHROMIUM_ARGS },
              contextOptions: { permissions: CHROMIUM_PERMISSIONS },
            }),
            instances: [{ browser: "chromium" }],
          },
        },
      },
      {
        test: {
          name: "alone",
          testTimeout,
          environment: "node",
          // Last and one by one: whole conferences want most of two cores, and what is beside them would be measured.
          pool: "forks",
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
          // They run in real time on a machine that others may share: what fails twice is a fault.
          retry: 1,
          include: ALONE,
        },
      },
    ],
  },
});
