// The bins of a spectrum: log₁₀ of the loss on [−5, 0], and one more at each end for what lies outside.
export const LOWEST = -5, BINS = 200, PER_DECADE = 40;
