/** {@link Ops.rearrange} and the maxima of windows, in ONNX's operators. */
import type { Ops, Rearrangement } from "../../engine/ops.ts";
import type { GraphConstant, GraphNode } from "./graph.ts";
import { FLOAT, INT64 } from "./model-bytes.ts";

type Shape = readonly number[];

/** What a recorder notes. */
export interface Notes {
  node(op: string, operands: readonly string[], of: Shape, attributes?: GraphNode["attributes"]): string;
  constant(values: GraphConstant["values"], of: Shape): string;
  shape(name: string): Shape;
  reshape(a: string, into: Shape): string;
}

export function rearrangements({
  node,
  constant,
  shape,
  reshape,
}: Notes): Pick<Ops<string>, "rearrange" | "rearrangeBack" | "firstMaximum" | "pick" | "place"> {
  const integers = (values: Shape) => constant(BigInt64Array.from(values, BigInt), [values.length]);
  const examples = (a: string, size: number) => shape(a).reduce((all, length) => all * length, 1) / size;

  /**
   * [n, size] → [sources.length, n]: with the examples side by side an entry moves as a row of all, and blocks of them as large as the sources
   * allow. `none` is what stands where there is no source.
   */
  const rowsOf = (a: string, { size, sources }: Rearrangement, none: number): string => {
    const n = examples(a, size);
    const block = blockOf(size, sources);
    const starts = Array.from({ length: sources.length / block }, (_, i) => sources[i * block] as number);
    const rows = node("Transpose", [reshape(a, [n, size])], [size, n]);
    const blocks = reshape(rows, [size / block, block * n]);
    const padded = () =>
      node(
        "Pad",
        [blocks, integers([0, 0, 1, 0]), constant(Float32Array.of(none), [])],
        [size / block + 1, block * n],
      );
    const all = starts.every((start) => start >= 0) ? blocks : padded();
    const taken = integers(starts.map((start) => (start < 0 ? size : start) / block));
    return reshape(node("Gather", [all, taken], [starts.length, block * n], { axis: 0 }), [
      sources.length,
      n,
    ]);
  };
  const rearranged = (a: string, by: Rearrangement, none: number): string => {
    const rows = rowsOf(a, by, none);
    return node("Transpose", [rows], [...shape(rows)].reverse());
  };

  const indices = (at: string) => node("Cast", [at], shape(at), { to: INT64 });

  return {
    rearrange: (a, by) => rearranged(a, by, 0),
    /** As a gathering, too: of each place, the entries that came from it, one after the other. */
    rearrangeBack(a, { size, sources }) {
      const inverse = inverseOf(size, sources);
      const times = inverse.length / size;
      const n = examples(a, sources.length);
      const rows = rowsOf(a, { size: sources.length, sources: inverse }, 0);
      const sums =
        times === 1
          ? rows
          : node("ReduceSum", [reshape(rows, [times, size, n]), integers([0])], [size, n], { keepdims: 0 });
      return node("Transpose", [sums], [n, size]);
    },
    firstMaximum(a, by, taps) {
      const n = examples(a, by.size);
      const count = by.sources.length / taps;
      const windows = reshape(rearranged(a, by, Number.NEGATIVE_INFINITY), [n, count, taps]);
      const value = node("ReduceMax", [windows], [n, count], { axes: [2], keepdims: 0 });
      const tap = node("ArgMax", [windows], [n, count], { axis: 2, keepdims: 0, select_last_index: 0 });
      const first = integers(Array.from({ length: count }, (_, j) => j * taps));
      const place = node("Add", [tap, first], [n, count]);
      const at = node("Gather", [integers([...by.sources]), place], [n, count], { axis: 0 });
      return { value, at: node("Cast", [at], [n, count], { to: FLOAT }) };
    },
    pick(a, at) {
      const [n = 1] = shape(at);
      const flat = reshape(a, [n, examples(a, n)]);
      return node("GatherElements", [flat, indices(at)], shape(at), { axis: 1 });
    },
    place(a, at, size) {
      const [n = 1] = shape(at);
      const zeros = node("ConstantOfShape", [integers([n, size])], [n, size]);
      return node("ScatterElements", [zeros, indices(at), reshape(a, shape(at))], [n, size], {
        axis: 1,
        reduction: "add",
      });
    },
  };
}

/** The largest length in which all entries move together, whole blocks to whole blocks. */
function blockOf(size: number, sources: Int32Array): number {
  let block = divisor(size, sources.length);
  for (let to = 0; to < sources.length && block > 1; ) {
    const from = sources[to] as number;
    let length = 1;
    while (to + length < sources.length && sources[to + length] === (from < 0 ? from : from + length))
      length++;
    block = divisor(block, length);
    if (from > 0) block = divisor(block, from);
    to += length;
  }
  return block;
}

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));

/** Of each place, where its entries went: [times, size], −1 where there are fewer than `times`. */
function inverseOf(size: number, sources: Int32Array): Int32Array {
  const counts = new Int32Array(size);
  for (const source of sources) if (source >= 0) counts[source] = (counts[source] as number) + 1;
  const inverse = new Int32Array(Math.max(1, ...counts) * size).fill(-1);
  counts.fill(0);
  sources.forEach((source, j) => {
    if (source < 0) return;
    const nth = counts[source] as number;
    inverse[nth * size + source] = j;
    counts[source] = nth + 1;
  });
  return inverse;
}
