/** Which channels a subscription's names and globs choose. */
import type { StreamDescriptor } from "../../shared/stream.ts";

export type ChannelChoice =
  | { readonly chosen: readonly number[] }
  | { readonly code: "unknown-channel"; readonly message: string };

/**
 * Indices into `descriptors`, ascending. `*` stands for any run of characters, the slash included (names have just one), so `*` is
 * every channel and `hessian/*` every one of the Hessian. A heavy channel is chosen only by its name.
 */
export function chooseChannels(
  descriptors: readonly StreamDescriptor[],
  wanted: readonly string[],
): ChannelChoice {
  const chosen = new Set<number>();
  for (const want of wanted) {
    const matches = want.includes("*") ? matcher(want) : null;
    const before = chosen.size;
    descriptors.forEach(({ name, heavy }, index) => {
      if (matches === null ? name === want : !heavy && matches(name)) chosen.add(index);
    });
    const isUnknown = matches === null && chosen.size === before && !descriptors.some((d) => d.name === want);
    if (isUnknown) return unknown(`no channel "${want}"`, descriptors);
  }
  if (chosen.size === 0)
    return unknown(`nothing matches ${wanted.map((w) => `"${w}"`).join(", ")}`, descriptors);
  return { chosen: [...chosen].sort((a, b) => a - b) };
}

function unknown(what: string, descriptors: readonly StreamDescriptor[]): ChannelChoice {
  const names = descriptors.map(({ name }) => name).join(", ");
  return { code: "unknown-channel", message: `channels: ${what}; this session has ${names}` };
}

/**
 * Matches piece by piece from the left, which is right for a wildcard that matches anything, and linear: a pattern comes from outside
 * and must not be able to make a regular expression backtrack.
 */
function matcher(glob: string): (name: string) => boolean {
  const pieces = glob.split("*");
  const first = pieces[0] ?? "";
  const last = pieces.at(-1) ?? "";
  const middle = pieces.slice(1, -1);
  return (name) => {
    if (!name.startsWith(first)) return false;
    let at = first.length;
    for (const piece of middle) {
      const found = name.indexOf(piece, at);
      if (found < 0) return false;
      at = found + piece.length;
    }
    return name.length - at >= last.length && name.endsWith(last);
  };
}
