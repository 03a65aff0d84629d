import { createNodeClock } from "../../src/platform/node/node-clock.ts";
import { startNodePipelineWorker } from "../../src/platform/node/pipeline-worker.ts";
import { workerContract } from "./worker-contract.ts";

workerContract("Node", createNodeClock(), startNodePipelineWorker);
