// Where everything of an image stands in physical memory, and the page tables that show it at the spec's addresses.

import type { Address } from '../ops.ts';

export const pageBytes = 0x1000;
/** Where the file's segment begins: what multiboot loaders give to kernels. */
export const imageBase = 0x100000;
/** Memory without content, behind all that the file holds. */
const zeroBase = 0x800000;
/** What is mapped at its own address. */
const identity = 0x4000000;
/** The local APIC (SDM vol. 3A, 10.4.1). */
const apicBase = 0xfee00000;

const present = 1;
const writable = 2;
const cacheDisabled = 0x18;
const large = 0x80;

const up = (n: number, to: number): number => Math.ceil(n / to) * to;

export class Memory {
  /** Names of all that was placed. */
  readonly symbols = new Map<string, Address>();
  private bytes = new Uint8Array(zeroBase - imageBase);
  private filled = imageBase;
  private zero = zeroBase;
  /** Virtual page to physical page. */
  private readonly pages = new Map<Address, number>();

  /** Room in the file. */
  take(name: string, size: number, align = 16): number {
    const at = up(this.filled, align);
    this.filled = at + size;
    if (this.filled > zeroBase) throw new Error('the image has more content than room for it');
    this.symbols.set(name, at);
    return at;
  }
  /** Room for zeros behind the file's content. */
  takeZero(name: string, size: number, align = 8): number {
    const at = up(this.zero, align);
    this.zero = at + size;
    if (this.zero > identity) throw new Error('the image has more memory than is mapped');
    this.symbols.set(name, at);
    return at;
  }
  write(at: number, bytes: ArrayLike<number>): void {
    this.bytes.set(bytes, at - imageBase);
  }
  read(at: number, size: number): Uint8Array {
    return this.bytes.slice(at - imageBase, at - imageBase + size);
  }
  word(at: number, value: number | bigint): void {
    new DataView(this.bytes.buffer).setBigUint64(
      at - imageBase,
      BigInt.asUintN(64, BigInt(value)),
      true,
    );
  }

  /** Backs the pages of a range; neighbours that are backed by one call stand beside each other. */
  back(from: Address, to: Address, content: boolean): void {
    for (let page = Math.floor(from / pageBytes) * pageBytes; page < to; page += pageBytes) {
      if (this.pages.has(page)) continue;
      const name = `page ${page}`;
      this.pages.set(
        page,
        content ? this.take(name, pageBytes, pageBytes) : this.takeZero(name, pageBytes, pageBytes),
      );
    }
  }
  /** The physical address behind a backed one. */
  physical(at: Address): number {
    const page = Math.floor(at / pageBytes) * pageBytes;
    const frame = this.pages.get(page);
    if (frame === undefined) throw new Error(`nothing stands at ${at.toString(16)}`);
    return frame + (at - page);
  }

  /** Page tables of four levels (SDM vol. 3A, 4.5); page 0 is not there, so that nil is no address. */
  map(): void {
    const table = (name: string): number => this.take(name, pageBytes, pageBytes);
    const level4 = table('pml4');
    const entry = (at: number, index: number, to: number, flags = present | writable): void =>
      this.word(at + 8 * index, BigInt(to) | BigInt(flags));
    const low = table('low pdpt');
    entry(level4, 0, low);
    const directory = table('low directory');
    entry(low, 0, directory);
    const first = table('first table');
    entry(directory, 0, first);
    for (let page = 1; page < 512; page++) entry(first, page, page * pageBytes);
    for (let i = 1; i < identity / 0x200000; i++)
      entry(directory, i, i * 0x200000, present | writable | large);
    const devices = table('device directory');
    entry(low, 3, devices);
    entry(devices, (apicBase >>> 21) & 511, apicBase, present | writable | large | cacheDisabled);

    const tables = new Map<string, number>([['', level4]]);
    for (const [page, frame] of [...this.pages].sort((a, b) => a[0] - b[0])) {
      const at = BigInt.asUintN(48, BigInt(page));
      const index = (shift: bigint): number => Number((at >> shift) & 511n);
      let path = '';
      let above = level4;
      for (const shift of [39n, 30n, 21n]) {
        path = `${path}/${index(shift)}`;
        let below = tables.get(path);
        if (below === undefined) {
          below = table(`table ${path}`);
          tables.set(path, below);
          entry(above, index(shift), below);
        }
        above = below;
      }
      entry(above, index(12n), frame);
    }
  }

  /** The bytes of the file's segment, and how much memory it takes. */
  segment(): { readonly address: number; readonly bytes: Uint8Array; readonly size: number } {
    return {
      address: imageBase,
      bytes: this.bytes.slice(0, this.filled - imageBase),
      size: this.zero - imageBase,
    };
  }
}
