// The page of the command shows what the command prints.

import { checkPage } from './printed.ts';

checkPage('docs/command.md', 6);
