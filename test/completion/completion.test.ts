// What is offered at the end of a line, and that real shells offer it.

import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Folder } from '../cli/command.ts';

const folder = new Folder();
folder.write(
  'two.suture',
  'protocol p "x"\nscenario "an NMI in the shadow" { }\nscenario "other" { }\n',
);
const words = async (...line: string[]): Promise<string[]> =>
  (await folder.run(['words', '--', ...line])).out.split('\n').slice(0, -1);

describe('words', () => {
  test.each<[string[], string[]]>([
    [['ver'], ['words', 'verify']],
    [['nothing'], ['words']],
    [
      ['verify', '--sc'],
      ['words', '--scenario'],
    ],
    [
      ['verify', 'two.suture', '--scenario', ''],
      ['words', 'an NMI in the shadow', 'other'],
    ],
    [
      ['verify', 'two.suture', '--scenario', 'an N'],
      ['words', 'an NMI in the shadow'],
    ],
    [['verify', 'absent.suture', '--scenario', ''], ['words']],
    [
      ['emit', 'two.suture', '--syntax', ''],
      ['words', 'intel', 'att'],
    ],
    [['emit', 'two.suture', '--output', ''], ['files']],
    [['emit', ''], ['files']],
    [
      ['new', 'x', '--from', 'one'],
      ['words', 'one-stub'],
    ],
    [
      ['completion', ''],
      ['words', 'bash', 'zsh', 'fish'],
    ],
  ])('%j', async (line, offered) => {
    expect(await words(...line)).toEqual(offered);
  });
  test('all commands, the hidden one apart', async () => {
    const offered = await words('');
    expect(offered).toContain('replay');
    expect(offered).not.toContain('--words');
    expect(offered.slice(1)).not.toContain('words');
  });
});

const entry = resolve(import.meta.dirname, '../../compiler/cli/suture.js');
/** In a shell where `suture` is the command under test. */
const inShell = (shell: string, text: string): string => {
  folder.write('bin/suture', `#!/bin/sh\nexec '${process.execPath}' '${entry}' "$@"\n`);
  spawnSync('chmod', ['+x', join(folder.path, 'bin/suture')]);
  const run = spawnSync(shell, ['-c', text], {
    cwd: folder.path,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${join(folder.path, 'bin')}:${process.env.PATH}` },
  });
  expect(run.stderr).toBe('');
  return run.stdout;
};

test('bash', () => {
  const offered = (line: readonly string[]): string =>
    inShell(
      'bash',
      `source <(suture completion bash)
COMP_WORDS=(suture ${line.map((w) => `'${w.replaceAll("'", "'\\''")}'`).join(' ')}); COMP_CWORD=${line.length}
_suture; printf '%s\\n' "\${COMPREPLY[@]}"`,
    );
  expect(offered(['ver'])).toBe('verify\n');
  expect(offered(['verify', 'two.suture', '--scenario', 'an'])).toBe(
    'an\\ NMI\\ in\\ the\\ shadow\n',
  );
  expect(offered(['check', 'tw'])).toBe('two.suture\n');
  // As they are typed: begun with a quote, or with an escaped blank.
  for (const begun of ['"an N', "'an N"])
    expect(offered(['verify', 'two.suture', '--scenario', begun])).toBe('an NMI in the shadow\n');
  expect(offered(['verify', "'two.suture'", '--scenario', 'an\\ N'])).toBe(
    'an\\ NMI\\ in\\ the\\ shadow\n',
  );
});

test('fish', () => {
  const offered = (line: string): string =>
    inShell('fish', `suture completion fish | source; complete -C '${line}'`);
  expect(offered('suture ver')).toBe('verify\n');
  expect(offered('suture verify two.suture --scenario an')).toContain('an NMI in the shadow');
  expect(offered('suture check tw')).toContain('two.suture');
});
test('zsh', () => {
  // What it hands to `compadd`; the line editor itself needs a terminal.
  expect(
    inShell(
      'zsh',
      `compdef() { }; _files() { print files }; compadd() { shift; print -l -- "$@" }
source <(suture completion zsh)
words=(suture verify two.suture --scenario an); CURRENT=5; _suture
words=(suture check tw); CURRENT=3; _suture`,
    ),
  ).toBe('an NMI in the shadow\nfiles\n');
});
