import type { Task } from "../task.ts";
import { type Assembler, createAssembler, type OpenAssembler } from "./assembler.ts";
import { AssemblyThreads } from "./assemblyThreads.ts";
import { InTurn } from "./inTurn.ts";
import type { LoaderConfig } from "./loaderConfig.ts";

/** What assembles a task's batches: threads, or with no workers this one. Both write the same bytes. Close it in the end. */
export function openAssembler({ assembly, stores }: Task, loader: LoaderConfig): OpenAssembler {
  if (loader.workers === 0) return new InTurn(createAssembler(assembly, stores));
  return new AssemblyThreads({
    count: loader.workers,
    settings: { assembly, stores: stores.specs },
    onBadShard: (store, shard) => stores.noteBadShard(store, shard),
  });
}

/** Runs `work` with what assembles a task's batches; no thread outlives it. */
export async function withAssembler<T>(
  task: Task,
  loader: LoaderConfig,
  work: (assembler: Assembler) => Promise<T>,
): Promise<T> {
  const assembler = openAssembler(task, loader);
  try {
    return await work(assembler);
  } finally {
    await assembler.close();
  }
}
