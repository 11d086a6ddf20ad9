/** Shows the progress of a task, as `progress()` of `lib/cli/terminal.ts` does. */
export type Watch = (
  of: {
    title: string;
    total: number;
    /** Those of the total that an earlier process finished. */
    done?: number;
  },
) => {
  update(done: number, metrics?: Readonly<Record<string, number>>): void;
  finish(): void;
};
