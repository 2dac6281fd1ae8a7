// Who is moved to another CPU between two steps of a statement goes on with what it meant at the first.

import { expect, test } from 'vitest';
import { mentions } from '../../compiler/footprint.ts';
import { compile, programOf } from '../../compiler/index.ts';

test('which CPU a parameter of a stub, or a variable that is added to, belongs to is asked once', () => {
  const compiled = compile(`protocol held "one value in several steps"
code {
  one:    ret
  two:    ret
  worker: nop
  place:  call one
          jmp worker
}
thread t runs worker
percpu own
stub s(v) { mov eax, v; jmp one }
patch place: call one -> call two {
  build s(cpu + 1)
  own += 1
  sync cores
  release s
}
`);
  expect(compiled.diagnostics).toEqual([]);
  const [check] = compiled.scenarios[0]?.checks ?? [];
  if (!check) throw new Error('no check');
  const { kernel } = programOf(compiled, check).program;
  const asking = kernel.filter(({ do: op }) =>
    mentions(op, (e) => e.kind === 'cpu' || e.kind === 'gsbase'),
  );
  expect(asking.map(({ do: op }) => op.kind)).toEqual(['set', 'set']);
  expect(kernel.filter(({ do: op }) => op.kind === 'build').length).toBeGreaterThan(5);
});
