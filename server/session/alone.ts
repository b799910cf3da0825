/** Whoever changes a folder of recordings now: puts one in, gives it another title, deletes it. Each waits for the one before. */
const turns = new Map<string, Promise<void>>();

/** Nobody else of this process changes the folder meanwhile. Not reentrant. */
export async function alone<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const done = (turns.get(folder) ?? Promise.resolve()).then(work);
  const turn = done.then(
    () => undefined,
    () => undefined,
  );
  turns.set(folder, turn);
  try {
    return await done;
  } finally {
    if (turns.get(folder) === turn) turns.delete(folder);
  }
}
