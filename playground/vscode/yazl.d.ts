// The part of yazl that is used: it has no declarations of its own.

declare module 'yazl' {
  export class ZipFile {
    readonly outputStream: NodeJS.ReadableStream;
    addBuffer(
      content: Buffer,
      path: string,
      options?: {
        readonly mtime?: Date;
        readonly mode?: number;
        /** No time in universal time beside the one of DOS. */
        readonly forceDosTimestamp?: boolean;
      },
    ): void;
    end(): void;
  }
}
