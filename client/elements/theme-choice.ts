/** Light, dark, or as the system says: kept in this browser. */
import { themeChanged } from "../charts/theme.ts";

export type ThemeChoice = "system" | "light" | "dark";

const KEY = "thalweg-theme";
const ORDER: readonly ThemeChoice[] = ["system", "light", "dark"];

export function storedTheme(): ThemeChoice {
  try {
    const stored = localStorage.getItem(KEY);
    return ORDER.find((choice) => choice === stored) ?? "system";
  } catch {
    // Storage may be forbidden, as in a foreign frame.
    return "system";
  }
}

export function applyTheme(choice: ThemeChoice): void {
  if (choice === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = choice;
  try {
    localStorage.setItem(KEY, choice);
  } catch {
    // It then lasts as long as the page.
  }
  themeChanged();
}

export function nextTheme(choice: ThemeChoice): ThemeChoice {
  return ORDER[(ORDER.indexOf(choice) + 1) % ORDER.length] ?? "system";
}
