// Which version of the package this is: its manifest says so.

import { readFileSync } from 'node:fs';

export const ownVersion = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  }
).version;
