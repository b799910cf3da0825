/** Saves what the page has made as a file. */
export function download(name: string, content: string | Blob, type: string): void {
  const blob = content instanceof Blob ? content : new Blob([content], { type });
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken the blob by the next turn.
  setTimeout(() => URL.revokeObjectURL(url), 0);
}

/** "edge-loss-step-412.svg" */
export function fileName(session: string, panel: string, step: number, extension: string): string {
  const words = `${session} ${panel} step ${Math.max(0, step)}`.toLowerCase();
  return `${words.replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "")}.${extension}`;
}
