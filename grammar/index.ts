// The grammar's public face: text to tree and back, with places and messages.

export type * from './ast.ts';
export * from './diagnostic.ts';
export * from './source.ts';
