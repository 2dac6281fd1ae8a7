// `suture completion`: what a shell needs to complete a line of ours; the words come from the commands themselves.
//
// The shells hand over the words of the line up to the cursor and ask `suture words`, so that what is offered
// follows the files that the line names.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { parse } from '../../grammar/index.ts';
import { allItems } from '../spec.ts';
import { readText } from './files.ts';
import { home } from './home.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** What may stand at the end of a line. */
export interface Completion {
  readonly words: readonly string[];
  /** File names may stand there too; the shell knows them best. */
  readonly files: boolean;
}

/** `line`: the words behind `suture`, the last of them as far as it is typed. */
export function complete(program: Command, line: readonly string[]): Completion {
  const typed = line[line.length - 1] ?? '';
  const before = line.slice(0, -1);
  const known = program.createHelp().visibleCommands(program);
  const command = known.find((c) => c.name() === before[0]);
  if (!command)
    return {
      words: matching(typed, typed.startsWith('-') ? flags(program) : known.map((c) => c.name())),
      files: false,
    };
  const last = before[before.length - 1] ?? '';
  const option = command.options.find((o) => o.long === last || o.short === last);
  if (option && (option.required || option.optional)) {
    const words =
      option.argChoices ??
      (option.long === '--scenario'
        ? scenarios(before)
        : option.long === '--from'
          ? examples()
          : undefined);
    return { words: matching(typed, words ?? []), files: words === undefined };
  }
  if (typed.startsWith('-')) return { words: matching(typed, flags(command)), files: false };
  const [argument] = command.registeredArguments;
  return {
    words: matching(typed, argument?.argChoices ?? []),
    files: argument !== undefined && argument.argChoices === undefined,
  };
}

const matching = (typed: string, words: readonly string[]): readonly string[] =>
  words.filter((w) => w.startsWith(typed));

const flags = (command: Command): readonly string[] => [
  ...command.options.flatMap((o) => (o.hidden ? [] : [o.long ?? o.short ?? ''])),
  '--help',
];

/** The names of the scenarios in the files of the line, each once. */
function scenarios(line: readonly string[]): readonly string[] {
  const names = line
    .filter((w) => w.endsWith('.suture'))
    .flatMap((file) => {
      try {
        const { file: tree } = parse(readText(file));
        return tree
          ? allItems(tree.items).flatMap((i) => (i.kind === 'scenario' ? [i.name.text] : []))
          : [];
      } catch {
        // A file that cannot be read is said when the command runs.
        return [];
      }
    });
  return [...new Set(names)];
}

const examples = (): readonly string[] =>
  readdirSync(join(home, 'examples'))
    .filter((f) => f.endsWith('.suture'))
    .map((f) => f.slice(0, -'.suture'.length));

/** One word a line; a first line `files` where the shell adds its own. */
export const wordsText = ({ words, files }: Completion): string =>
  [...(files ? ['files'] : ['words']), ...words].map((w) => `${w}\n`).join('');

export const scripts: Readonly<Record<Shell, string>> = {
  bash: `# suture completion bash > /etc/bash_completion.d/suture, or: source <(suture completion bash)
_suture() {
  local line word quote=
  local -a typed
  COMPREPLY=()
  # The words stand here as they were typed: without their quotes they are what the command would be given.
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
    case $word in
      [\\"\\']*) quote=\${word:0:1}; word=\${word:1}; word=\${word%"$quote"} ;;
      *) quote=; word=\${word//\\\\/} ;;
    esac
    typed+=("$word")
  done
  mapfile -t line < <(suture words -- "\${typed[@]}" 2>/dev/null)
  for word in "\${line[@]:1}"; do
    # Between quotes a name of several words stands as it is; else each blank is escaped.
    [ -n "$quote" ] || word=$(printf '%q' "$word")
    COMPREPLY+=("$word")
  done
  if [ "\${line[0]}" = files ]; then
    compopt -o filenames 2>/dev/null
    mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}")
  fi
}
complete -F _suture suture
`,
  zsh: `#compdef suture
# suture completion zsh > a file _suture in a folder of $fpath
_suture() {
  local -a line
  line=("\${(@f)$(suture words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  local kind=\${line[1]}
  shift line
  (( \${#line} )) && compadd -- "\${line[@]}"
  [[ $kind == files ]] && _files
}
compdef _suture suture
`,
  fish: `# suture completion fish > ~/.config/fish/completions/suture.fish
function __suture_words
  set -l line (commandline -opc) (commandline -ct)
  suture words -- $line[2..-1] 2>/dev/null | tail -n +2
end
function __suture_files
  set -l line (commandline -opc) (commandline -ct)
  test (suture words -- $line[2..-1] 2>/dev/null | head -n 1) = files
end
complete -c suture -f
complete -c suture -a '(__suture_words)'
complete -c suture -n __suture_files -F
`,
};
