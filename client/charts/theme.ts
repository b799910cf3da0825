/** Chart colours: Okabe–Ito, as registered custom properties, so that a canvas can read what light-dark() came to. */

/** On white, orange, sky and yellow fall below 3:1: series also differ by dash and carry a direct label. */
const COLOURS = {
  "series-0": { light: "#0072b2", dark: "#56b4e9" },
  "series-1": { light: "#d55e00", dark: "#f0803c" },
  "series-2": { light: "#00805d", dark: "#2bc49a" },
  "series-3": { light: "#b3668c", dark: "#e19bc0" },
  "series-4": { light: "#c98a00", dark: "#e8b33a" },
  "series-5": { light: "#3a8fc7", dark: "#3f93d1" },
  threshold: { light: "#1d2430", dark: "#f2f4f8" },
  ghost: { light: "#8b93a1", dark: "#7d8696" },
  ink: { light: "#1d2430", dark: "#e9ecf2" },
  "ink-muted": { light: "#5b6472", dark: "#a2abba" },
  grid: { light: "#e6e9ee", dark: "#2b323d" },
  axis: { light: "#aab2be", dark: "#566072" },
  surface: { light: "#ffffff", dark: "#171c24" },
  cursor: { light: "#3c4555", dark: "#c9d1de" },
  alarm: { light: "#c22d2d", dark: "#ff7b72" },
  warning: { light: "#a86400", dark: "#f0b429" },
  accent: { light: "#0072b2", dark: "#56b4e9" },
} as const;

export type ColourName = keyof typeof COLOURS;

/** The custom property of a colour: "--thalweg-series-0". */
export function colourProperty(name: ColourName): string {
  return `--thalweg-${name}`;
}

const NAMES = Object.keys(COLOURS) as ColourName[];

/** Declarations for `:root` or `:host`: `--thalweg-ink: light-dark(#…, #…); …`. They follow `color-scheme`. */
export const chartColourDeclarations: string = NAMES.map(
  (name) => `${colourProperty(name)}: light-dark(${COLOURS[name].light}, ${COLOURS[name].dark});`,
).join("\n");

let registered = false;

/**
 * Registers the colours with syntax "<color>" and sets them on :root. Idempotent.
 *
 * Without the registration getComputedStyle returns the text "light-dark(…)", and a canvas silently paints black.
 */
export function registerChartColours(): void {
  if (registered) return;
  registered = true;
  for (const name of NAMES) {
    try {
      CSS.registerProperty({
        name: colourProperty(name),
        syntax: "<color>",
        inherits: true,
        initialValue: COLOURS[name].light,
      });
    } catch {
      // Registered before by a second copy of this module, on a page that embeds two.
    }
  }
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`:root { ${chartColourDeclarations} }`);
  // First, so that a page's own theme wins.
  document.adoptedStyleSheets = [sheet, ...document.adoptedStyleSheets];
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", themeChanged);
  matchMedia("(forced-colors: active)").addEventListener("change", themeChanged);
}

const listeners = new Set<() => void>();

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
  const style = getComputedStyle(element);
  const colour = Object.fromEntries(
    NAMES.map((name) => [name, style.getPropertyValue(colourProperty(name)).trim() || COLOURS[name].light]),
  ) as Record<ColourName, string>;
  return { colour, fontFamily: style.fontFamily || "system-ui, sans-serif" };
}
