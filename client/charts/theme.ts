/** The colours of the page's theme, as a canvas can use them. */

/** Each is the custom property of theme.css of that name; the value is what an unstyled page shows. */
const FALLBACK = {
  "series-1": "#1c6cad",
  "series-2": "#c9590a",
  "series-3": "#25966a",
  "series-4": "#c579a8",
  "series-5": "#dc7903",
  "series-6": "#1a9ae0",
  threshold: "#b3261e",
  ink: "#191b1d",
  "ink-2": "#43484d",
  "ink-3": "#63696f",
  grid: "#eeeeea",
  axis: "#63696f",
  surface: "#ffffff",
  sunken: "#f1f1ee",
  line: "#e4e4df",
  "line-strong": "#c9c9c2",
  cursor: "#191b1d",
  accent: "#0b62a8",
  bad: "#b3261e",
  warn: "#855000",
} as const;

export type ColourName = keyof typeof FALLBACK;

/** Those of lines, in the order in which they are taken. */
export const SERIES_COLOURS = [
  "series-1",
  "series-2",
  "series-3",
  "series-4",
  "series-5",
  "series-6",
] as const satisfies readonly ColourName[];

const NAMES = Object.keys(FALLBACK) as ColourName[];

const listeners = new Set<() => void>();
let watching = false;

/** Without the registration getComputedStyle returns the text "light-dark(…)", and a canvas silently paints black. */
function register(): void {
  if (watching) return;
  watching = true;
  for (const name of NAMES) {
    try {
      CSS.registerProperty({
        name: `--${name}`,
        syntax: "<color>",
        inherits: true,
        initialValue: FALLBACK[name],
      });
    } catch {
      // A second copy of this module, on a page that embeds two, has registered it.
    }
  }
  for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
    matchMedia(query).addEventListener("change", themeChanged);
  }
}

/** Call after changing `color-scheme` by hand: charts read their colours again and repaint. */
export function themeChanged(): void {
  for (const listener of listeners) listener();
}

export function onThemeChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export interface Theme {
  readonly colour: Readonly<Record<ColourName, string>>;
  readonly fontFamily: string;
}

/** The colours in force at an element, as rgb() that any canvas or SVG file understands. */
export function readTheme(element: Element): Theme {
  register();
  const style = getComputedStyle(element);
  const colour = Object.fromEntries(
    NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim() || FALLBACK[name]]),
  ) as Record<ColourName, string>;
  return { colour, fontFamily: style.fontFamily || "system-ui, sans-serif" };
}
