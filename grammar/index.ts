// The grammar's public face: text to tree and back, with places and messages.

export type * from './ast.ts';
export * from './diagnostic.ts';
export { format } from './format.ts';
export { type Parsed, parse } from './parser.ts';
export { print } from './print.ts';
export * from './source.ts';
