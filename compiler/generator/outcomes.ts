// What a step of generated code answers besides 0 and a property: a bound was hit, or only the interpreter can say.

/** Outcomes above all properties: a bound of the machine was hit; the step is not in the generated code. */
export const outcomeOfLimit = 1000;
export const outcomeOutside = 1001;

/** Answers of `enabled` and `apply`: only the interpreter can say. */
export const unsaid = -1;
/** Answer of `apply`: the step is done, and only the interpreter can say what the spec's own properties see. */
export const unjudged = -2;
