// What the bundler takes besides sources.

declare module '*.css';
