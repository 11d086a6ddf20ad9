/** Input and output of each job, by name. */
export type JobTypes = Readonly<
  Record<string, { readonly input: unknown; readonly output: unknown }>
>;

/** A function for each job. */
export type Jobs<T extends JobTypes> = {
  readonly [N in keyof T]: (input: T[N]["input"]) => Promise<T[N]["output"]>;
};

/** Jobs, and the release of what they share, such as compiled graphs. */
export interface JobTable<T extends JobTypes> {
  /** The jobs by name. */
  readonly jobs: Jobs<T>;
  /** Frees what the jobs share. */
  release(): Promise<void>;
}

/** A module that makes jobs. Each process that runs them imports it. */
export interface JobsModule<Setup, T extends JobTypes> {
  /** The module's own `import.meta.url`. */
  readonly url: string;
  /** Makes the jobs of one process. */
  createJobs(setup: Setup): Promise<JobTable<T>>;
}

/** Runs jobs, one at a time, in this process or in another. */
export interface Worker<T extends JobTypes> {
  run<N extends keyof T>(name: N, input: T[N]["input"]): Promise<
    T[N]["output"]
  >;
  release(): Promise<void>;
}
