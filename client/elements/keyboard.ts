/** The keys, in one table: what they do, and what the help says. */

/** Moves in time, and what of it is shown. */
export type NavigationKey =
  | { readonly kind: "move"; readonly steps: number }
  | { readonly kind: "measured"; readonly direction: -1 | 1 }
  | { readonly kind: "first" | "live" | "freeze-or-play" | "range-from" | "range-to" | "range-all" }
  | { readonly kind: "zoom"; readonly factor: number };

export type KeyAction = NavigationKey | { readonly kind: "help" };

interface Binding {
  readonly keys: readonly string[];
  readonly shift: boolean;
  readonly action: KeyAction;
}

export interface KeyHelp {
  readonly keys: readonly string[];
  readonly does: string;
}

const BINDINGS: readonly Binding[] = [
  { keys: ["ArrowLeft"], shift: false, action: { kind: "move", steps: -1 } },
  { keys: ["ArrowRight"], shift: false, action: { kind: "move", steps: 1 } },
  { keys: ["ArrowLeft"], shift: true, action: { kind: "measured", direction: -1 } },
  { keys: ["ArrowRight"], shift: true, action: { kind: "measured", direction: 1 } },
  { keys: ["Home"], shift: false, action: { kind: "first" } },
  { keys: ["l", "L", "End"], shift: false, action: { kind: "live" } },
  { keys: [" "], shift: false, action: { kind: "freeze-or-play" } },
  { keys: ["["], shift: false, action: { kind: "range-from" } },
  { keys: ["]"], shift: false, action: { kind: "range-to" } },
  { keys: ["0", "Backspace"], shift: false, action: { kind: "range-all" } },
  { keys: ["+", "="], shift: false, action: { kind: "zoom", factor: 0.5 } },
  { keys: ["-", "_"], shift: false, action: { kind: "zoom", factor: 2 } },
  { keys: ["?"], shift: false, action: { kind: "help" } },
];

export const KEY_HELP: readonly KeyHelp[] = [
  { keys: ["←", "→"], does: "One step back, one step on" },
  { keys: ["Shift ←", "Shift →"], does: "To the previous, the next measurement of the Hessian" },
  { keys: ["Home"], does: "To the first step" },
  { keys: ["L", "End"], does: "Follow the newest step" },
  { keys: ["Space"], does: "Freeze while live; play or pause a replay" },
  { keys: ["[", "]"], does: "Begin, end the range of steps at the cursor" },
  { keys: ["+", "−"], does: "Zoom about the cursor" },
  { keys: ["0"], does: "Show all steps" },
  { keys: ["?"], does: "This help" },
];

/** Where keys are what is typed or chosen. The slider is not among them: it moves as the keys move the cursor. */
const TYPING = "input:not([type=range]), select, textarea";
/** Space presses them. */
const PRESSED = "button, summary, a";

/** null where the key belongs to somebody else: a field, a button, a dialog, the browser. */
export function keyAction(event: KeyboardEvent): KeyAction | null {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return null;
  const target = event.composedPath()[0];
  if (target instanceof HTMLElement) {
    if (target.matches(TYPING) || target.isContentEditable) return null;
    if (event.key === " " && target.closest(PRESSED) !== null) return null;
    if (event.composedPath().some((above) => above instanceof HTMLDialogElement)) return null;
  }
  // "?" and "+" are typed with shift on many keyboards.
  const exact = BINDINGS.find(({ keys, shift }) => keys.includes(event.key) && shift === event.shiftKey);
  return (
    (exact ?? BINDINGS.find(({ keys }) => event.key.length === 1 && keys.includes(event.key)))?.action ?? null
  );
}
