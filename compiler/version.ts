// The versions that documents carry: a run replays where the language and the machine model say the same.

/** Of the language's grammar and meaning. */
export const languageVersion = '0.1';
/** Of the machine model: names of actions, what they do, and the listing that digests are taken over. */
export const machineVersion = '0.1';
/** Of the shape of the JSON documents. */
export const schemaVersion = 1;
