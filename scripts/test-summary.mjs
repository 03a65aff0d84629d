// A vitest reporter that writes the counts of all projects, and every skipped test with its reason, to the file named
// by TEST_SUMMARY_PATH. scripts/test.mjs prints them last.
import { writeFileSync } from "node:fs";

/** Tests that ran count as passed or failed; a file that cannot be loaded and an unhandled error count as failed. */
export default class TestSummary {
  #running = new Set();

  onTestModuleStart(module) {
    this.#noteRunning(module, true);
  }

  onTestModuleEnd(module) {
    this.#noteRunning(module, false);
  }

  onTestRunEnd(modules, unhandledErrors) {
    const summary = { passed: 0, failed: unhandledErrors.length, skipped: [] };
    for (const module of modules) {
      summary.failed += suiteFailures(module);
      for (const test of module.children.allTests()) count(summary, module, test);
    }
    writeFileSync(process.env.TEST_SUMMARY_PATH, JSON.stringify(summary));
  }

  /** For the watchdog: the files whose tests run now. */
  #noteRunning(module, running) {
    const name = `${module.project.name} ${module.relativeModuleId}`;
    if (running) this.#running.add(name);
    else this.#running.delete(name);
    writeFileSync(`${process.env.TEST_SUMMARY_PATH}.running`, [...this.#running].join("\n"));
  }
}

function count(summary, module, test) {
  const { state, note } = test.result();
  if (state === "passed") summary.passed++;
  else if (state === "failed") summary.failed++;
  else if (isInBrokenSuite(test)) return;
  else if (state === "pending") summary.failed++;
  else {
    const { project, relativeModuleId } = module;
    const reason = note ?? "no reason given";
    summary.skipped.push({ project: project.name, file: relativeModuleId, test: test.fullName, reason });
  }
}

/** Files and describe blocks that failed outside their tests: a hook, an import, a syntax error. */
function suiteFailures(module) {
  const suites = [module, ...module.children.allSuites()];
  return suites.filter((suite) => suite.errors().length > 0).length;
}

/** Whether a test did not run because of a failure that is counted already. */
function isInBrokenSuite(test) {
  for (let suite = test.parent; suite !== undefined; suite = suite.parent) {
    if (suite.errors().length > 0) return true;
  }
  return false;
}
