// What mends a scenario that is violated though it should hold, as fixes that an editor offers beside the verdict.

import type { Fix } from '../../grammar/index.ts';
import type { Compiled, Scenario } from '../compile.ts';
import type { Bounds } from '../explorer/index.ts';
import { additionText } from '../minimize/additions.ts';
import { Mending } from '../minimize/mend.ts';
import type { How } from '../verify.ts';

/** The search for single additions; whoever has it advances it, and stops it when it takes too long. */
export const mending = (
  compiled: Compiled,
  scenario: Scenario,
  bounds: Bounds,
  how: How = {},
): Mending => new Mending(compiled, [scenario], bounds, 1, how);

/** What it found: with each of them the scenario holds. Others of the file may be about what was missing. */
export const mendingFixes = (compiled: Compiled, search: Mending): readonly Fix[] =>
  search.results().flatMap((r) =>
    r.mends.flatMap((m) =>
      m.edits
        ? [
            {
              title: m.additions.map((a) => additionText(compiled.text, a)).join(' and '),
              edits: m.edits,
            },
          ]
        : [],
    ),
  );
