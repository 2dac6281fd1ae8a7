// Which version of the package this is: its manifest says so.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { home } from './home.ts';

export const ownVersion = (
  JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { version: string }
).version;
