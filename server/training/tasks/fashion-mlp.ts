import { mnistMlp } from "./mnist-mlp.ts";
import type { Task } from "./task.ts";

/** Clothes instead of digits, everything else as in mnist-mlp. */
export const fashionMlp: Task = {
  ...mnistMlp,
  name: "fashion-mlp",
  title: "Clothes with dense layers",
  defaultPreset: "fashion",
  datasets: "fashion-mnist, fashion-mnist:<folder> or idx:<folder>",
  accepts: (dataset) => /^(fashion-mnist$|fashion-mnist:|idx:)/.test(dataset),
};
