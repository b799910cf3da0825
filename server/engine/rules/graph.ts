/** A network that is no chain, as one rule: layers in topological order, each fed by the sum of its sources. */
import type { Ops } from "../ops.ts";
import {
  addMaybe,
  type BackwardRule,
  type LinearisedRule,
  type ParameterShape,
  type Rule,
  type TangentRule,
} from "./rule.ts";

export interface GraphNode {
  readonly rule: Rule;
  /** Nodes before this one whose outputs, added up, are its input; −1 stands for the network's input. */
  readonly sources: readonly number[];
  /** Where its parameters stand among the graph's. Two nodes may share them. */
  readonly parameters: readonly number[];
}

/** @param nodes  the last one is the output. @param parameters  of all nodes, each once. */
export function graphRule(
  name: string,
  nodes: readonly GraphNode[],
  parameters: readonly ParameterShape[],
): Rule {
  const last = nodes.length - 1;
  const own = <T>(node: GraphNode, w: readonly T[]): T[] => node.parameters.map((index) => w[index] as T);
  /** Nodes that move when θ does, and, where the network's input does too, those behind it. */
  const movesWith = (inputMoves: boolean): boolean[] => {
    const moves: boolean[] = [];
    for (const { sources, parameters: theirs } of nodes) {
      moves.push(theirs.length > 0 || sources.some((from) => (from < 0 ? inputMoves : moves[from])));
    }
    return moves;
  };
  const sumOf = <T>(ops: Ops<T>, node: GraphNode, at: (index: number) => T | null): T | null =>
    node.sources.reduce<T | null>((sum, from) => addMaybe(ops, sum, at(from)), null);

  return {
    layer: name,
    parameters,
    outputShape: nodes[last]?.rule.outputShape ?? [],
    forward(ops, x, w) {
      const outputs: (typeof x)[] = [];
      for (const node of nodes) {
        const input = sumOf(ops, node, (from) => (from < 0 ? x : (outputs[from] as typeof x)));
        outputs.push(node.rule.forward(ops, input as typeof x, own(node, w)));
      }
      return outputs[last] as typeof x;
    },
    linearise(ops, x, w) {
      type T = typeof x;
      const forward: LinearisedRule<T>[] = [];
      for (const node of nodes) {
        const input = sumOf(ops, node, (from) => (from < 0 ? x : (forward[from]?.output ?? null)));
        forward.push(node.rule.linearise(ops, input as T, own(node, w)));
      }

      /** From the output to the inputs: `step` gives a node's part, which is added to what its sources have. */
      const sweep = (
        moves: readonly boolean[],
        outputBar: T | null,
        step: (index: number, bar: T | null) => { w: readonly T[]; x: T | null },
      ): { wBar: T[]; xBar: T | null } => {
        const bars: (T | null)[] = nodes.map((_, index) => (index === last ? outputBar : null));
        const wBar: (T | null)[] = parameters.map(() => null);
        let xBar: T | null = null;
        for (let index = last; index >= 0; index--) {
          if (!moves[index]) continue;
          const node = nodes[index] as GraphNode;
          const part = step(index, bars[index] as T | null);
          node.parameters.forEach((at, i) => {
            wBar[at] = addMaybe(ops, wBar[at] as T | null, part.w[i] as T);
          });
          for (const from of node.sources) {
            if (from < 0) xBar = addMaybe(ops, xBar, part.x);
            else if (moves[from]) bars[from] = addMaybe(ops, bars[from] as T | null, part.x);
          }
        }
        return { wBar: wBar as T[], xBar };
      };

      return {
        output: forward[last]?.output as T,
        backward(yBar, needsInput): BackwardRule<T> {
          const moves = movesWith(needsInput);
          const backward: BackwardRule<T>[] = new Array(nodes.length);
          const needs = (node: GraphNode) =>
            node.sources.some((from) => (from < 0 ? needsInput : moves[from] === true));
          const { wBar, xBar } = sweep(moves, yBar, (index, bar) => {
            const rule = (forward[index] as LinearisedRule<T>).backward(
              bar as T,
              needs(nodes[index] as GraphNode),
            );
            backward[index] = rule;
            return { w: rule.wBar, x: rule.xBar };
          });
          return {
            wBar,
            xBar: needsInput ? xBar : null,
            tangent(xDot, wDot): TangentRule<T> {
              const tangents: (TangentRule<T> | null)[] = [];
              nodes.forEach((node, index) => {
                const inputDot = sumOf(ops, node, (from) =>
                  from < 0 ? xDot : (tangents[from]?.yDot ?? null),
                );
                tangents.push(
                  moves[index]
                    ? (backward[index] as BackwardRule<T>).tangent(inputDot, own(node, wDot))
                    : null,
                );
              });
              return {
                yDot: tangents[last]?.yDot ?? null,
                backward(yBarDot) {
                  const result = sweep(moves, yBarDot, (index, barDot) => {
                    const { wBarDot, xBarDot } = (tangents[index] as TangentRule<T>).backward(barDot);
                    return { w: wBarDot, x: xBarDot };
                  });
                  return { wBarDot: result.wBar, xBarDot: needsInput ? result.xBar : null };
                },
              };
            },
          };
        },
      };
    },
  };
}
