// The command's arguments: which call, with which options; and the exit code, for every way it can end.

import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { kinds } from '../minimize/pieces.ts';
import { languageVersion, machineVersion } from '../version.ts';
import { check } from './check.ts';
import { complete, type Shell, scripts, shells, wordsText } from './completion.ts';
import type { EmitOptions } from './emit.ts';
import { UsageError, why } from './files.ts';
import { type FmtOptions, fmt } from './fmt.ts';
import type { MinimizeOptions } from './minimize.ts';
import type { NewOptions } from './new.ts';
import type { PlayOptions } from './play.ts';
import type { PlaygroundOptions } from './playground.ts';
import type { ReplayOptions } from './replay.ts';
import type { OpenOptions, ShareOptions } from './share.ts';
import type { TryOptions } from './try.ts';
import { formats, type VerifyOptions, verify } from './verify.ts';
import { ownVersion } from './version.ts';

/** Exit codes: 0 fine, 1 findings, 2 usage or files, 3 unfinished, 70 a bug of ours, 141 where nobody reads on. */
export async function main(argv: readonly string[]): Promise<number> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has seen enough (`| head`) ends us, as it ends who leaves SIGPIPE alone: what was not said is not fine.
    if (error.code === 'EPIPE') process.exit(141);
    process.stderr.write(`suture: standard output: ${why(error, 'written')}\n`);
    process.exit(2);
  });
  let code = 0;
  const program = commands((result) => {
    code = result;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof UsageError) {
      process.stderr.write(`suture: ${error.message}\n`);
      return 2;
    }
    process.stderr.write(bugReport(error, argv));
    return 70;
  }
}

function bugReport(error: unknown, argv: readonly string[]): string {
  const e = error instanceof Error ? error : new Error(String(error));
  const where = (e.stack ?? '')
    .split('\n')
    .filter((l) => /^\s+at /.test(l))
    .slice(0, 6)
    .map((l) => `    ${l.trim()}\n`)
    .join('');
  return [
    `suture: this is a bug of suture, not of your spec: ${e.message}\n`,
    `  Please report it, with the spec and these lines:\n`,
    `    suture ${ownVersion}, language ${languageVersion}, machine ${machineVersion}, node ${process.version}, ${process.platform} ${process.arch}\n`,
    `    suture ${argv.join(' ')}\n`,
    `    ${e.name}: ${e.message}\n`,
    where,
  ].join('');
}

const whole =
  (least: number) =>
  (text: string): number => {
    const n = Number(text.replace(/[_,]/g, ''));
    if (!Number.isSafeInteger(n) || n < least)
      throw new InvalidArgumentError(`A whole number, ${least} or more, is wanted.`);
    return n;
  };
const positive = (text: string): number => {
  const n = Number(text);
  if (!Number.isFinite(n) || n <= 0) throw new InvalidArgumentError('A number above 0 is wanted.');
  return n;
};
/** As the processor counts them: 64 bits, bits 63 to 47 equal (SDM 1, 3.3.7.1). */
const address = (text: string): number => {
  const value = /^(0x[0-9a-f_]+|[0-9_]+)$/i.test(text) ? BigInt(text.replace(/_/g, '')) : -1n;
  const signed = BigInt.asIntN(48, value);
  if (value < 0n || value >> 64n !== 0n || BigInt.asUintN(64, signed) !== value)
    throw new InvalidArgumentError('A canonical 64-bit address is wanted, as 0xffffffff81000000.');
  return Number(signed);
};
const collect = (text: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  text,
];
const collectOf =
  <T extends string>(known: readonly T[]) =>
  (text: string, before: readonly T[] | undefined): readonly T[] => {
    const found = known.find((k) => k === text);
    if (!found) throw new InvalidArgumentError(`Allowed choices are ${known.join(', ')}.`);
    return [...(before ?? []), found];
  };

/** What one command alone needs is loaded when it runs: the others start sooner. */
function commands(done: (code: number) => void): Command {
  const program = new Command('suture')
    .description(
      'Judges protocols that change machine code while other CPUs execute it: a verdict, the shortest run that breaks it, and the bytes.',
    )
    .version(
      `suture ${ownVersion}, language ${languageVersion}, machine ${machineVersion}`,
      '-V, --version',
      'versions of the package, the language and the machine model',
    )
    .exitOverride()
    .showHelpAfterError('(`suture --help` shows what there is)')
    .addHelpText('after', '\nExample:\n  suture verify examples');

  program
    .command('check')
    .description('diagnostics of specs')
    .argument('[files...]', 'specs or folders of specs; `-` is standard input')
    .option('--capabilities', 'what the language can say and this version cannot yet run')
    .addHelpText('after', '\nExample:\n  suture check examples/two-stubs.suture')
    .action((files: string[], options: { capabilities?: boolean }) => {
      done(check(files, options));
    });

  program
    .command('explain')
    .description('what a diagnostic or a property means, and what mends it')
    .argument('[name]', 'its code or name; without it all are listed')
    .addHelpText('after', '\nExample:\n  suture explain stale_stub')
    .action(async (name: string | undefined) => {
      const { explain } = await import('./explain.ts');
      done(explain(name));
    });

  program
    .command('fmt')
    .description('specs in the one layout, in place')
    .argument('<files...>', 'specs or folders of specs; `-` is standard input, to standard output')
    .option('--check', 'write nothing; name what is not formatted and exit with 1')
    .addHelpText('after', '\nExample:\n  suture fmt --check examples')
    .action((files: string[], options: FmtOptions) => {
      done(fmt(files, options));
    });

  program
    .command('verify')
    .description('every scenario of specs, in every possible interleaving')
    .argument('<files...>', 'specs or folders of specs; `-` is standard input')
    .option('--scenario <name>', 'only this scenario, with its runs; may be repeated', collect)
    .option('--full', 'every interleaving, also those that make no difference')
    .option('--max-states <n>', 'states that one check may store', whole(1))
    .option('--max-memory <mb>', 'megabytes that the searches may hold', whole(1), 4096)
    .option('--timeout <s>', 'seconds for all of it', positive)
    .addOption(
      new Option(
        '--workers <n>',
        'scenarios searched at once; as many as there are CPUs if not said',
      )
        .argParser(whole(1))
        .conflicts('watch'),
    )
    .addOption(
      new Option(
        '--certificate <file>',
        'write what the verdicts of one spec rest on, for others to check',
      ).conflicts('watch'),
    )
    .addOption(
      new Option(
        '--checkpoint <dir>',
        'keep what is found there while it is searched, for --resume',
      ).conflicts(['watch', 'certificate']),
    )
    .option('--resume', 'go on from what --checkpoint has kept of a search that was ended')
    .option('--interpreted', 'by the plain interpreter, without generated code')
    .option('--verbose', 'also what each scenario was searched with')
    .option('--watch', 'on a terminal: again after each save, what changed alone; Ctrl-C ends')
    .option('--fail-fast', 'end at the first scenario that is not as expected')
    .option('--quiet', 'only what is not as expected')
    .addOption(new Option('--format <format>', 'how to print').choices(formats).default('text'))
    .option('--json', 'short for --format json')
    .option('--ascii', 'plain ASCII in at most 72 columns, for a mail')
    .option('--full-run', 'every step of a run, also the quiet ones')
    .addHelpText(
      'after',
      '\nExit codes: 0 as expected, 1 findings, 2 usage or file errors, 3 unfinished.\n\nExample:\n  suture verify examples/two-stubs.suture --scenario "an NMI in the shadow"',
    )
    .action(async (files: string[], options: VerifyOptions & { watch?: true }) => {
      const run = options.watch ? (await import('./watch.ts')).watch : verify;
      done(await run(files, options));
    });

  program
    .command('minimize')
    .description(
      'which syncs, orders, units and conditions a verdict needs: all minimal sets, and why',
    )
    .argument('<file>', 'a spec; `-` is standard input')
    .option('--scenario <name>', 'only this scenario; may be repeated', collect)
    .addOption(
      new Option('--only <kind>', 'only such pieces; may be repeated')
        .choices(kinds)
        .argParser(collectOf(kinds)),
    )
    .option('--mend', 'instead: the smallest sets of additions that make a scenario hold')
    .option('--most <n>', 'the most additions that --mend puts together', whole(1), 2)
    .option('--apply', 'write the file without what none of these scenarios needs, or mended')
    .option('--set <n>', 'which set --apply writes, where there are several', whole(1))
    .option('--runs', 'the shortest run without each piece that is needed')
    .option('--max-states <n>', 'states that one search may store', whole(1))
    .option('--max-memory <mb>', 'megabytes that the searches may hold', whole(1), 4096)
    .option(
      '--workers <n>',
      'scenarios looked at at once; as many as there are CPUs if not said; one for --apply and --mend',
      whole(1),
    )
    .option('--timeout <s>', 'seconds for all of it', positive)
    .option('--json', 'a document instead of text')
    .option('--ascii', 'plain ASCII in at most 72 columns, for a mail')
    .option('--full-run', 'every step of a run, also the quiet ones')
    .addHelpText(
      'after',
      '\nExit codes: 0 all is known, 1 not as expected as it is written, 2 usage or file errors, 3 unfinished.\n\nExample:\n  suture minimize examples/int3-emulate.suture --scenario "as merged"',
    )
    .action(async (file: string, options: MinimizeOptions) => {
      const { minimize } = await import('./minimize.ts');
      done(await minimize(file, options));
    });

  program
    .command('run')
    .description('one run of a spec, as lanes')
    .argument('<file>', 'a spec; `-` is standard input')
    .option('--scenario <name>', 'the first one if not said')
    .option(
      '--check <n>',
      "which of the scenario's checks, from 1; the first one if not said",
      whole(1),
    )
    .option('--seed <n>', 'which random run; drawn and told if not said', whole(0))
    .option('--schedule <file>', 'the run of these steps: a name of an action a line, or JSON')
    .option('--until <name>', 'the shortest run to this witness or violated property')
    .option('--steps <n>', 'the most that are drawn', whole(1), 500)
    .option('--ascii', 'plain ASCII in at most 72 columns, for a mail')
    .option('--full-run', 'every step, also the quiet ones')
    .addHelpText(
      'after',
      '\nExit codes: 0 nothing is violated, 1 something is, 2 usage or file errors.\n\nExample:\n  suture run examples/two-stubs.suture --seed 7',
    )
    .action(async (file: string, options: PlayOptions) => {
      const { play } = await import('./play.ts');
      done(play(file, options));
    });

  program
    .command('replay')
    .description('a saved run against its spec, step by step')
    .argument('<trace>', 'what `verify --format json` printed, or one violation of it')
    .argument('[file]', 'the spec, if not the one that the document names')
    .option('--property <name>', 'only runs that violate this property')
    .option('--scenario <name>', 'only runs of this scenario')
    .option('--quiet', 'only whether it agrees, without the table')
    .option('--ascii', 'plain ASCII in at most 72 columns, for a mail')
    .option('--full-run', 'every step of a run, also the quiet ones')
    .addHelpText(
      'after',
      '\nExample:\n  suture verify examples/one-stub.suture --json > runs.json; suture replay runs.json --quiet',
    )
    .action(async (trace: string, file: string | undefined, options: ReplayOptions) => {
      const { replay } = await import('./replay.ts');
      done(replay(trace, file, options));
    });

  program
    .command('emit')
    .description('the bytes of code and stubs, a bootable image, a model for Spin')
    .argument('<file>', 'a spec; `-` is standard input')
    .option('--scenario <name>', 'with its options; the first one if not said')
    .option(
      '--check <n>',
      "which of the scenario's checks, from 1; the first one if not said",
      whole(1),
    )
    .addOption(
      new Option('--format <format>', 'what to print')
        .choices(['hex', 'asm', 'listing', 'json', 'bin', 'elf', 'promela'])
        .default('listing'),
    )
    .addOption(
      new Option('--syntax <syntax>', 'of --format asm').choices(['intel', 'att']).default('intel'),
    )
    .option('--at <address>', 'where the stubs stand, one behind the other', address)
    .option('-o, --output <file>', 'where to write it, if not to standard output')
    .addHelpText(
      'after',
      '\nExample:\n  suture emit examples/two-stubs.suture --format asm --syntax att',
    )
    .action(async (file: string, options: EmitOptions) => {
      const { emit } = await import('./emit.ts');
      done(emit(file, options));
    });

  program
    .command('try')
    .description('scenarios on a machine: what is observed must be what the model allows')
    .argument('<file>', 'a spec; `-` is standard input')
    .addOption(
      new Option('--on <machine>', 'what boots the images').choices(['qemu']).default('qemu'),
    )
    .option('--scenario <name>', 'only this scenario; may be repeated', collect)
    .option('--passes <n>', 'how often the patch runs, each time from the start', whole(1), 200)
    .option('--max-states <n>', 'states that the search for what is allowed may store', whole(1))
    .option('--max-memory <mb>', 'megabytes that it may hold', whole(1), 4096)
    .option('--timeout <s>', 'seconds for one boot', positive, 120)
    .option('--json', 'a document instead of text')
    .option('--ascii', 'plain ASCII')
    .addHelpText(
      'after',
      '\nExit codes: 0 agrees, 1 something is not allowed, 2 usage, files or no QEMU, 3 not all that is allowed was seen.\n\nExample:\n  suture try examples/int3-emulate.suture --on qemu --scenario "as merged" --passes 500',
    )
    .action(async (file: string, options: TryOptions) => {
      const { tryOn } = await import('./try.ts');
      done(await tryOn(file, options));
    });

  program
    .command('new')
    .description('a first spec, which verifies and teaches')
    .argument('<name>', 'of the file, with or without `.suture`; an existing file is left alone')
    .option('--from <example>', 'a copy of this example of the gallery')
    .addHelpText('after', '\nExample:\n  suture new mine --from one-stub')
    .action(async (name: string, options: NewOptions) => {
      const { create } = await import('./new.ts');
      done(create(name, options));
    });

  program
    .command('share')
    .description('a link that holds a spec, and a run of it')
    .argument('<file>', 'a spec; `-` is standard input')
    .option('--scenario <name>', 'with the run of this scenario')
    .option(
      '--finding <name>',
      'the property or witness that the run ends in; the first one if not said',
    )
    .option('--step <n>', 'the step to look at; the last one if not said', whole(1))
    .option('--base <url>', 'where a playground is served', '')
    .addHelpText(
      'after',
      '\nThe link is all in its fragment: what it holds reaches no server.\n\nExample:\n  suture share examples/one-stub.suture --scenario "IRQs on"',
    )
    .action(async (file: string, options: ShareOptions) => {
      const { share } = await import('./share.ts');
      done(await share(file, options));
    });

  program
    .command('open')
    .description('the spec in a link to standard output, or its run replayed')
    .argument('<link>', 'the whole link, or what follows its `#`')
    .option('-o, --output <file>', 'where to write the spec; an existing file is left alone')
    .option('--full-run', 'every step of a run, also the quiet ones')
    .addHelpText('after', '\nExample:\n  suture open "$LINK" --output from-the-mail.suture')
    .action(async (link: string, options: OpenOptions) => {
      const { open } = await import('./share.ts');
      done(await open(link, options));
    });

  program
    .command('playground')
    .description('the page in a browser: served to this machine, or written to a folder')
    .option('--port <n>', 'where to serve it; 0 takes a free one', whole(0), 4000)
    .option('--out <folder>', 'write its files there instead')
    .addHelpText('after', '\nExample:\n  suture playground')
    .action(async (options: PlaygroundOptions) => {
      const { playground } = await import('./playground.ts');
      done(await playground(options));
    });

  program
    .command('completion')
    .description('a script with which a shell completes commands, options, files and scenarios')
    .addArgument(new Argument('<shell>', 'which one').choices(shells))
    .addHelpText('after', '\nExample:\n  suture completion bash')
    .action((shell: Shell) => {
      process.stdout.write(scripts[shell]);
      done(0);
    });
  // What those scripts ask.
  program
    .command('words', { hidden: true })
    .argument('[line...]')
    .action((line: string[]) => {
      process.stdout.write(wordsText(complete(program, line)));
      done(0);
    });

  program
    .command('lsp')
    .description(
      'answers an editor over the Language Server Protocol, on standard input and output',
    )
    .option('--stdio', 'how the editor is spoken with; there is no other way')
    .addHelpText('after', '\nExample, as an editor starts it:\n  suture lsp --stdio')
    .action(async () => {
      const { serve } = await import('./lsp/server.ts');
      await serve();
    });

  return program;
}
