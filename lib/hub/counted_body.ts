/** Called as bytes of a file go out; with a negative number before a new try. */
export type OnSent = (path: string, bytes: number) => void;

/**
 * The body of a request, as `@huggingface/hub` makes it, that tells what of a
 * large file goes out. It stays a blob: a stream would have no length, without
 * which storage does not take it.
 */
export function countedBody(
  init: RequestInit | undefined,
  onSent: OnSent,
): RequestInit | undefined {
  const path = pathOf(init);
  if (path === null || !(init?.body instanceof Blob)) return init;
  const body = new CountedBlob(init.body, (bytes) => onSent(path, bytes));
  return { ...init, body };
}

/** The file that a request is for: what the client tells its `fetch` of it. */
function pathOf(init: RequestInit | undefined): string | null {
  const hint = init && "progressHint" in init ? init.progressHint : null;
  const path = typeof hint === "object" && hint !== null && "path" in hint
    ? hint.path
    : null;
  return typeof path === "string" ? path : null;
}

class CountedBlob extends Blob {
  #read = 0;
  #tries = 0;

  constructor(
    private readonly content: Blob,
    private readonly onRead: (bytes: number) => void,
  ) {
    super();
  }

  override get size(): number {
    return this.content.size;
  }

  override stream(): ReturnType<Blob["stream"]> {
    const attempt = ++this.#tries;
    this.#count(-this.#read);
    return this.content.stream().pipeThrough(
      new TransformStream({
        transform: (piece, to) => {
          // What a refused request still reads is of no interest.
          if (attempt === this.#tries) this.#count(piece.length);
          to.enqueue(piece);
        },
      }),
    );
  }

  #count(bytes: number): void {
    this.#read += bytes;
    if (bytes !== 0) this.onRead(bytes);
  }
}
