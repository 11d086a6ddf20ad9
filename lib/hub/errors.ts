/** The Hub cannot be asked now, but the cache may still serve. */
export class Unreachable extends Error {}

/** A failure that may pass, so that another try is worthwhile. */
export class Transient extends Unreachable {
  /** Milliseconds that the host asks to be left alone; null where it does not. */
  readonly after: number | null;

  constructor(message: string, { cause, after = null }: {
    cause?: unknown;
    after?: number | null;
  } = {}) {
    super(message, { cause });
    this.after = after;
  }
}

/** The host is too busy, and has done nothing of the request. */
export class Busy extends Transient {}

/** The Hub refuses a request; the message says why, but not which request. */
export class Refused extends Error {}

/** The Hub has no such repository, or none that the token may see. */
export class NoRepository extends Refused {}

/** The Hub has the repository but not this revision. */
export class NoRevision extends Error {}

/** A response that cannot be used; the message says what is wrong with it. */
export class InvalidResponse extends Error {}
