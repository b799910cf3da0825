/** Does anything grow? Training with every stream on one thread, and what is held after each thousandth of it. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { backend as activeBackend, memory } from "@tensorflow/tfjs-core";
import { lastValueFrom, tap } from "rxjs";
import { openBackend } from "../server/backends/select.ts";
import { pipeline } from "../server/pipeline.ts";
import { createModes, streams } from "../server/streams/index.ts";
import { createBlueprint } from "../server/training/blueprint.ts";
import { openRun } from "../server/training/open-run.ts";
import { resolveSettings } from "../server/training/resolve.ts";
import { createTraining } from "../server/training/train.ts";

interface Held {
  readonly step: number;
  readonly tensors: number;
  readonly tensorBytes: number;
  /** Of wasm's memory, which never shrinks. */
  readonly heapBytes: number;
  /** Of the process, after a collection. */
  readonly rssBytes: number;
}

export interface Soak {
  readonly samples: number;
  readonly channels: number;
  readonly held: readonly Held[];
  /** A thousand steps, by least squares over the second half. */
  readonly growth: Omit<Held, "step">;
}

const LOOK_EVERY = 500;
const MEASURED_EVERY = 100;

/** Adam on minibatches, so that every stream there is applies. */
export async function soak(steps: number): Promise<Soak> {
  const backend = await openBackend("wasm", { allowNative: false });
  const resolved = resolveSettings({
    preset: "spirals",
    trainSize: 256,
    probeSize: 100,
    hidden: [16],
    optimizer: "adam",
    learningRate: 0.005,
    batchSize: 32,
    steps,
  });
  if (!resolved.ok) throw new Error(resolved.problems.join("; "));
  const run = openRun(await createBlueprint(resolved.config), backend);
  const all = streams.filter((stream) => stream.applies(run));
  const left = streams.filter((stream) => !all.includes(stream)).map(({ descriptor }) => descriptor.name);
  if (left.length > 0) console.log(`soak: without ${left.join(", ")}, which do not apply`);
  const modes = createModes();
  const everyOf = () => MEASURED_EVERY;
  const { steps$ } = createTraining(run);
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const held: Held[] = [];
  const channels = new Set<string>();
  let samples = 0;
  let looked = -1;
  const watched$ = steps$.pipe(
    tap(({ step }) => {
      // Of the step before: nothing of this one has been measured yet.
      if (step % LOOK_EVERY !== 0 || step === looked) return;
      looked = step;
      collect();
      const { numTensors, numBytes } = memory();
      held.push({
        step,
        tensors: numTensors,
        tensorBytes: numBytes,
        heapBytes: heapBytes(),
        rssBytes: process.memoryUsage().rss,
      });
    }),
  );
  await lastValueFrom(
    pipeline(watched$, all, ({ scheduleKey }) => ({
      run,
      every: scheduleKey === null ? 1 : MEASURED_EVERY,
      modes,
      everyOf,
    })).pipe(
      tap(({ channel, value }) => {
        if (channel === "run/status") throw new Error(JSON.stringify(value));
        samples++;
        channels.add(channel);
      }),
    ),
  );
  run.dispose();
  const half = held.slice(held.length >> 1);
  const growth = {
    tensors: slope(half, ({ tensors }) => tensors),
    tensorBytes: slope(half, ({ tensorBytes }) => tensorBytes),
    heapBytes: slope(half, (each) => each.heapBytes),
    rssBytes: slope(half, ({ rssBytes }) => rssBytes),
  };
  const result = { samples, channels: channels.size, held, growth };
  print(result);
  return result;
}

function heapBytes(): number {
  const { wasm } = activeBackend() as unknown as { readonly wasm: { readonly HEAPU8: Uint8Array } };
  return wasm.HEAPU8.length;
}

/** In a thousand steps. */
function slope(held: readonly Held[], of: (held: Held) => number): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [held.map(({ step }) => step / 1000), held.map(of)];
  const [meanX, meanY] = [mean(x), mean(y)];
  const above = x.reduce((sum, value, i) => sum + (value - meanX) * ((y[i] as number) - meanY), 0);
  return above / x.reduce((sum, value) => sum + (value - meanX) ** 2, 0);
}

function print({ samples, channels, held, growth }: Soak): void {
  const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(2);
  console.log(`\n${samples} samples of ${channels} channels\n`);
  console.log("  step  tensors  tensors MiB  wasm heap MiB   RSS MiB");
  const line = (name: string, { tensors, tensorBytes, heapBytes: heap, rssBytes }: Omit<Held, "step">) =>
    console.log(
      name.padStart(6),
      tensors.toFixed(0).padStart(8),
      mebibytes(tensorBytes).padStart(12),
      mebibytes(heap).padStart(14),
      mebibytes(rssBytes).padStart(9),
    );
  for (const each of held) line(String(each.step), each);
  console.log("grown in 1,000 steps, over the second half:");
  line("", growth);
}
