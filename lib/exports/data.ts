/**
 * Preference data: from files or the Hub to tokenized examples.
 *
 * @module
 */
export { type SourceRow } from "../data/containers/reading.ts";
export { type ConversionSettings } from "../data/convert/convert.ts";
export { type RankedPairs } from "../data/convert/pairs.ts";
export { type DataKind, type Example, type TokenRow } from "../data/example.ts";
export { type Format } from "../data/formats/format.ts";
export {
  type LoadedExamples,
  loadExamples,
  type LoadOptions,
} from "../data/load.ts";
export { type Message } from "../data/messages.ts";
export {
  type DataLocation,
  type DownloadHooks,
  type ExamplesInMemory,
  type RowOptions,
  type RowsInMemory,
} from "../data/open_rows.ts";
export { type Content, type PreferenceRow } from "../data/preference_row.ts";
export {
  type EncodeOptions,
  SPECIALS,
  type Specials,
} from "../data/tokenize/encode_options.ts";
export { LEFT_OUT, type Part } from "../data/tokenize/left_out.ts";
export {
  type Asking,
  encodePrompt,
  type Prompt,
} from "../data/tokenize/prompts.ts";
export { type Score, SCORES } from "../data/tokenize/split_conversation.ts";
export { type TokenizeOptions } from "../data/tokenize/tokenize.ts";
export { BOUNDARIES, type Boundary } from "../data/tokenize/tokenize_spans.ts";
export {
  type Limits,
  PROMPT_TRUNCATIONS,
  type PromptTruncation,
  type Truncation,
} from "../data/tokenize/truncate.ts";
export { TokenTexts } from "../data/tokenizer/added_tokens.ts";
export {
  type ChatTemplate,
  type RenderOptions,
  type TemplateInputs,
} from "../data/tokenizer/chat_template.ts";
export { type EncodedPair } from "../data/tokenizer/around.ts";
export { loadTokenizer, type Tokenizer } from "../data/tokenizer/tokenizer.ts";
export { type FetchOptions } from "../hub/fetch_files.ts";
export { type FileProgress } from "../hub/progress.ts";
export { type RepoOptions } from "../hub/repo.ts";
export { type HubOptions, type Source } from "../hub/resolve.ts";
export { type Waiting } from "../hub/retry.ts";
