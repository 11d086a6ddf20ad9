// Texts of numbers in JSON, which TypeScript does not know yet.
declare global {
  /** https://github.com/tc39/proposal-json-parse-with-source */
  interface JSON {
    parse(
      text: string,
      reviver: (
        key: string,
        value: unknown,
        context: { readonly source?: string },
      ) => unknown,
    ): unknown;
    rawJSON(text: string): unknown;
  }
}

export {};
