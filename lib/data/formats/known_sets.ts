import { isObject } from "../../files/values.ts";
import { isEmpty, messagesIn } from "./column_types.ts";
import { type Format, SYSTEMS } from "./format.ts";
import { mappingFormat } from "./mapping.ts";

/** The columns of a labelled answer. */
const LABELLED =
  "completion=completion; label=label; desirable=true|1; undesirable=false|0";

/** Columns of well-known data sets, by a name of the set or of its kind. */
const SETS: Readonly<Record<string, string>> = {
  // stanfordnlp/SHP and SHP-2
  "shp":
    "prompt=history; a=human_ref_A; b=human_ref_B; verdict=labels; a-wins=1; b-wins=0",
  // nvidia/HelpSteer2, its preferences: -3 to 3, below 0 for the first
  "helpsteer2":
    "prompt=prompt; a=response_1; b=response_2; verdict=preference_strength; a-wins=<0; b-wins=>0",
  // nvidia/HelpSteer3
  "helpsteer3":
    "prompt=context; a=response1; b=response2; verdict=overall_preference; a-wins=<0; b-wins=>0",
  // lmsys/chatbot_arena_conversations, mt_bench_human_judgments
  "arena":
    "a=conversation_a; b=conversation_b; verdict=winner; a-wins=model_a; b-wins=model_b",
  // lmsys/lmsys-arena-human-preference-55k
  "arena-55k":
    "prompt=prompt; a=response_a; b=response_b; a-score=winner_model_a; b-score=winner_model_b",
  // PKU-Alignment/PKU-SafeRLHF
  "pku-saferlhf":
    "prompt=prompt; a=response_0; b=response_1; verdict=better_response_id; a-wins=0; b-wins=1",
  "pku-saferlhf-safer":
    "prompt=prompt; a=response_0; b=response_1; verdict=safer_response_id; a-wins=0; b-wins=1",
  // openai/summarize_from_feedback, comparisons
  "summarize-from-feedback":
    "prompt=info.title+info.post; a=summaries.0.text; b=summaries.1.text; verdict=choice; a-wins=0; b-wins=1",
  // openai/webgpt_comparisons
  "webgpt":
    "prompt=question.full_text; a=answer_0; b=answer_1; a-score=score_0; b-score=score_1",
  // berkeley-nest/Nectar
  "nectar": "prompt=prompt; answers=answers.answer; ranks=answers.rank",
  // HuggingFaceH4/stack-exchange-preferences
  "stack-exchange":
    "prompt=question; answers=answers.text; scores=answers.pm_score",
  // lvwerra/stack-exchange-paired
  "stack-exchange-paired":
    "prompt=question; chosen=response_j; rejected=response_k",
  // prometheus-eval/Preference-Collection
  "preference-collection":
    "prompt=orig_instruction; a=orig_response_A; b=orig_response_B; verdict=orig_preference; a-wins=A; b-wins=B",
  // tatsu-lab/alpaca_farm, its human preferences
  "alpaca-farm":
    "prompt=instruction+input; a=output_1; b=output_2; verdict=preference; a-wins=1; b-wins=2",
  // NCSOFT/offsetbias
  "offsetbias":
    "prompt=instruction+input; a=output_1; b=output_2; verdict=label; a-wins=1; b-wins=2",
  // princeton-nlp/LLMBar
  "llmbar":
    "prompt=input; a=output_1; b=output_2; verdict=label; a-wins=1; b-wins=2",
  // Two answers and the better one's name
  "two-responses":
    "prompt=prompt; a=response_a; b=response_b; verdict=preference; a-wins=a|response_a|model_a; b-wins=b|response_b|model_b",
  "two-responses-winner":
    "prompt=prompt; a=response_a; b=response_b; verdict=winner; a-wins=a|response_a|model_a; b-wins=b|response_b|model_b",
  // distilabel's rated generations
  "distilabel": "prompt=instruction; answers=generations; scores=ratings",
  "distilabel-prompt": "prompt=prompt; answers=generations; scores=ratings",
  "rated-completions": "prompt=prompt; answers=completions; scores=ratings",
  "rewarded-completions": "prompt=prompt; answers=completions; scores=rewards",
  "scored-responses": "prompt=prompt; answers=responses; scores=scores",
  // argilla/ultrafeedback-binarized-preferences
  "argilla":
    "prompt=instruction; chosen=chosen_response; rejected=rejected_response",
  "argilla-prompt":
    "prompt=prompt; chosen=chosen_response; rejected=rejected_response",
  // openbmb/UltraInteract_pair
  "ultrainteract": "prompt=trajectory; chosen=chosen; rejected=rejected",
  // ms-swift
  "swift": "prompt=messages; rejected=rejected_response",
  "swift-messages": "chosen=messages; rejected=rejected_messages",
  "swift-query":
    "system=system; prompt=query; chosen=response; rejected=rejected_response",
  // LLaMA-Factory's earlier layout: the first of several outputs is the best
  "alpaca-ranks": "prompt=instruction+input; answers=output",
  // Intel/orca_dpo_pairs, argilla/distilabel-intel-orca-dpo-pairs
  "orca-dpo":
    "system=system; prompt=question; chosen=chosen; rejected=rejected",
  "orca-dpo-input":
    "system=system; prompt=input; chosen=chosen; rejected=rejected",
  // axolotl's layouts of labelled answers
  "question-labels": `prompt=question; ${LABELLED}`,
  "instruction-labels": `prompt=instruction; ${LABELLED}`,
};

/** Data sets that are known by their columns, as mappings read them. */
export const knownSets: readonly Format[] = Object.entries(SETS)
  .map(([name, mapping]) => mappingFormat(mapping, name));

/**
 * Layouts whose columns are those of another one, except for what stands in
 * them; they are tried before it.
 */
export const knownChats: readonly Format[] = [
  // jondurbin/truthy-dpo: a system message makes a conversation of text
  only(
    mappingFormat(
      "prompt=prompt; chosen=chosen; rejected=rejected",
      "system-pairs",
    ),
    ({ prompt, chosen, rejected, ...others }) =>
      SYSTEMS.some((name) => !isEmpty(others[name])) &&
      [prompt, chosen, rejected].every((text) => typeof text === "string"),
    "system",
  ),
  only(
    mappingFormat(`prompt=prompt; ${LABELLED}`, "system-labels"),
    ({ prompt, completion, ...others }) =>
      SYSTEMS.some((name) => !isEmpty(others[name])) &&
      [prompt, completion].every((text) => typeof text === "string"),
    "system",
  ),
  // axolotl's chat_template.default: the answers are not in the messages
  only(
    mappingFormat(
      "prompt=messages; chosen=chosen; rejected=rejected",
      "axolotl",
    ),
    ({ prompt, messages, chosen, rejected }) =>
      isEmpty(prompt) && asks(messages) && [chosen, rejected].every(isAnswer),
    "messages",
  ),
  only(
    mappingFormat(
      "prompt=conversations; chosen=chosen; rejected=rejected",
      "sharegpt-texts",
    ),
    ({ conversations, chosen, rejected }) =>
      asks(conversations) &&
      [chosen, rejected].every((text) => typeof text === "string"),
    "conversations",
  ),
];

/** A format that takes rows of which more is true than its columns say. */
function only(
  format: Format,
  holds: (fields: Readonly<Record<string, unknown>>) => boolean,
  fault: string,
): Format {
  return {
    ...format,
    faults: (row) =>
      holds(row.fields) ? format.faults(row) : [fault, ...format.faults(row)],
  };
}

/** Whether messages end with a question. */
function asks(value: unknown): boolean {
  const messages = typeof value === "string" ? messagesIn(value) : value;
  const last = Array.isArray(messages) ? messages.at(-1) : messages;
  return isObject(last) &&
    ["user", "human", "tool", "observation"].includes(
      String(last.role ?? last.from),
    );
}

/** Whether a value is an answer alone, not a whole conversation. */
function isAnswer(value: unknown): boolean {
  if (typeof value === "string") return messagesIn(value) === undefined;
  const first = Array.isArray(value) ? value[0] : value;
  return isObject(first) && first.role === "assistant";
}
