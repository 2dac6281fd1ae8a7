// Runs before the first paint, so that the page is never seen in the wrong theme.

import { applyLook } from './looks.ts';

applyLook();
