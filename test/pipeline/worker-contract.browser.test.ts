import { browserClock } from "../../src/platform/browser/clock.ts";
import { startBrowserPipelineWorker } from "../../src/platform/browser/pipeline-worker.ts";
import { workerContract } from "./worker-contract.ts";

workerContract("a page", browserClock, startBrowserPipelineWorker);
