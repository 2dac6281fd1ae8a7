// A search that is still running whenever somebody looks: an example's protocol with more CPUs and more interrupts.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeLink } from '../../compiler/index.ts';

const example = join(import.meta.dirname, '../../examples/int3-emulate.suture');
const protocol = readFileSync(example, 'utf8').replace(/^scenario [\s\S]*$/m, '');
const settings = 'cpus 4; patches 2; irq timer 2; nmi watchdog 2';

export const name = 'four CPUs';
/** What comes behind the page's address. */
export const link = `#${await encodeLink({ source: `${protocol}scenario "${name}" { ${settings} } expect holds\n` })}`;
