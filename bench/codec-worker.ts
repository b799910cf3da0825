/** Codes whole groups of θ, each from its keyframe on. */
import { parentPort, workerData } from "node:worker_threads";
import { WeightEncoder } from "../server/recording/weight-codec.ts";

export interface CodecOrder {
  readonly group: number;
  /** Which of the shared θ, one after the other. */
  readonly places: readonly number[];
}

export interface CodecReply {
  readonly group: number;
  readonly messages: readonly Uint8Array<ArrayBuffer>[];
}

const { shared, parameterCount } = workerData as {
  readonly shared: SharedArrayBuffer;
  readonly parameterCount: number;
};
parentPort?.on("message", ({ group, places }: CodecOrder) => {
  const encoder = new WeightEncoder(parameterCount, places.length);
  const messages = places.map((place) =>
    encoder.encode(
      new Float32Array(shared, 4 * parameterCount * place, parameterCount) as unknown as Float32Array,
    ),
  ) as Uint8Array<ArrayBuffer>[];
  parentPort?.postMessage(
    { group, messages } satisfies CodecReply,
    messages.map(({ buffer }) => buffer),
  );
});
