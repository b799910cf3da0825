/** What a column or an array of one's own asks to be learned: classes or numbers. */

/** More are numbers that happen to be whole. */
export const MOST_CLASSES = 1000;

/** Float32 in 1 GiB: beyond that, data are for a training framework. */
export const MOST_VALUES = 2 ** 28;

export type TargetKind = "classes" | "numbers";
