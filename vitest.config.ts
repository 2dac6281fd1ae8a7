// How long a test may take, however it is started: searches and oracles run for minutes on a busy machine.

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { dir: 'test', testTimeout: 20 * 60_000, hookTimeout: 10 * 60_000 },
});
