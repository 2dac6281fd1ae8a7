// What the page keeps in this browser: a few named texts. Where it may keep nothing, it forgets.

const prefix = 'suture.';

export function recall(name: string): string | undefined {
  try {
    return localStorage.getItem(prefix + name) ?? undefined;
  } catch {
    return undefined;
  }
}

export function remember(name: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(prefix + name);
    else localStorage.setItem(prefix + name, value);
  } catch {
    // No room, or the user allows none: the page works without.
  }
}
