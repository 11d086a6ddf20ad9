import { assistant, type Fields, user } from "../format_cases.ts";

/** The question of each row. */
export const Q = "Name a colour.";
export const ASKED = [user(Q)];
export const GOOD = assistant("Blue.");
export const BAD = assistant("Tuesday.");
export const DIALOGUE = `\n\nHuman: ${Q}\n\nAssistant: `;

/** Rows of each set in which `Blue.` is better than `Tuesday.`, and ties. */
export const KNOWN_ROWS: Readonly<
  Record<string, { rows: Fields[]; ties?: Fields[] }>
> = {
  "shp": {
    rows: [
      {
        post_id: "x",
        history: Q,
        score_A: 3,
        score_B: 90,
        human_ref_A: "Tuesday.",
        human_ref_B: "Blue.",
        labels: 0,
      },
      { history: Q, human_ref_A: "Blue.", human_ref_B: "Tuesday.", labels: 1 },
    ],
  },
  "helpsteer2": {
    rows: [
      {
        prompt: Q,
        response_1: "Tuesday.",
        response_2: "Blue.",
        preference_strength: 2,
      },
      {
        prompt: Q,
        response_1: "Blue.",
        response_2: "Tuesday.",
        preference_strength: -1,
      },
    ],
    ties: [{
      prompt: Q,
      response_1: "A",
      response_2: "B",
      preference_strength: 0,
    }],
  },
  "helpsteer3": {
    rows: [
      {
        context: ASKED,
        response1: "Blue.",
        response2: "Tuesday.",
        overall_preference: -3,
      },
      {
        context: ASKED,
        response1: "Tuesday.",
        response2: "Blue.",
        overall_preference: 1,
      },
    ],
    ties: [{
      context: ASKED,
      response1: "A",
      response2: "B",
      overall_preference: 0,
    }],
  },
  "arena": {
    rows: [
      {
        winner: "model_a",
        conversation_a: [...ASKED, GOOD],
        conversation_b: [...ASKED, BAD],
      },
      {
        winner: "model_b",
        conversation_a: [...ASKED, BAD],
        conversation_b: [...ASKED, GOOD],
      },
    ],
    ties: ["tie", "tie (bothbad)", "both_bad"].map((winner) => ({
      winner,
      conversation_a: [...ASKED, GOOD],
      conversation_b: [...ASKED, BAD],
    })),
  },
  "arena-55k": {
    rows: [
      {
        prompt: JSON.stringify([Q]),
        response_a: '["Tuesday."]',
        response_b: '["Blue."]',
        winner_model_a: 0,
        winner_model_b: 1,
        winner_tie: 0,
      },
    ],
    ties: [{
      prompt: JSON.stringify([Q]),
      response_a: '["A"]',
      response_b: '["B"]',
      winner_model_a: 0,
      winner_model_b: 0,
      winner_tie: 1,
    }],
  },
  "pku-saferlhf": {
    rows: [
      {
        prompt: Q,
        response_0: "Tuesday.",
        response_1: "Blue.",
        better_response_id: 1,
        safer_response_id: 0,
      },
      {
        prompt: Q,
        response_0: "Blue.",
        response_1: "Tuesday.",
        better_response_id: 0,
        safer_response_id: 1,
      },
    ],
  },
  "pku-saferlhf-safer": {
    rows: [{
      prompt: Q,
      response_0: "Tuesday.",
      response_1: "Blue.",
      safer_response_id: 1,
    }],
  },
  "summarize-from-feedback": {
    rows: [0, 1].map((choice) => ({
      info: { id: "i", post: Q, title: null, subreddit: "s" },
      summaries: (choice === 0 ? ["Blue.", "Tuesday."] : ["Tuesday.", "Blue."])
        .map((text) => ({ text, policy: "p" })),
      choice,
      worker: "w",
    })),
  },
  "webgpt": {
    rows: [1, -1].map((score) => ({
      question: { id: "i", full_text: Q },
      answer_0: score > 0 ? "Blue." : "Tuesday.",
      answer_1: score > 0 ? "Tuesday." : "Blue.",
      score_0: score,
      score_1: -score,
    })),
    ties: [{
      question: { full_text: Q },
      answer_0: "A",
      answer_1: "B",
      score_0: 0,
      score_1: 0,
    }],
  },
  "nectar": {
    rows: [DIALOGUE, Q].map((prompt) => ({
      prompt,
      answers: [{ answer: "Tuesday.", rank: 2 }, { answer: "Blue.", rank: 1 }],
      turns: 1,
    })),
  },
  "stack-exchange": {
    rows: [{
      question: Q,
      answers: [
        { text: "Tuesday.", pm_score: 0 },
        { text: "Blue.", pm_score: 7 },
      ],
    }],
  },
  "stack-exchange-paired": {
    rows: [{ question: Q, response_j: "Blue.", response_k: "Tuesday." }],
  },
  "preference-collection": {
    rows: [{
      orig_instruction: Q,
      orig_response_A: "Tuesday.",
      orig_response_B: "Blue.",
      orig_preference: "B",
    }],
  },
  "alpaca-farm": {
    rows: [{
      instruction: "Name a",
      input: "colour.",
      ["output_1"]: "Tuesday.",
      ["output_2"]: "Blue.",
      preference: 2,
    }],
  },
  "offsetbias": {
    rows: [{
      instruction: Q,
      input: "",
      ["output_1"]: "Blue.",
      ["output_2"]: "Tuesday.",
      label: 1,
    }],
  },
  "llmbar": {
    rows: [{
      input: Q,
      ["output_1"]: "Blue.",
      ["output_2"]: "Tuesday.",
      label: 1,
    }],
  },
  "question-labels": {
    rows: [
      { question: Q, completion: "Blue.", label: true },
      { question: Q, completion: "Tuesday.", label: 0 },
    ],
  },
  "instruction-labels": {
    rows: [
      { instruction: Q, completion: "Blue.", label: 1 },
      { instruction: Q, completion: "Tuesday.", label: false },
    ],
  },
  "system-labels": {
    rows: [
      { system: "S", prompt: Q, completion: "Blue.", label: true },
      { system: "S", prompt: Q, completion: "Tuesday.", label: false },
    ],
  },
  "distilabel": {
    rows: [{
      instruction: Q,
      generations: ["Tuesday.", "Blue."],
      ratings: [2, 4.5],
    }],
  },
  "distilabel-prompt": {
    rows: [{ prompt: Q, generations: ["Tuesday.", "Blue."], ratings: [2, 4] }],
  },
  "rated-completions": {
    rows: [{ prompt: Q, completions: ["Tuesday.", "Blue."], ratings: [2, 4] }],
  },
  "rewarded-completions": {
    rows: [{ prompt: Q, completions: ["Tuesday.", "Blue."], rewards: [-2, 0] }],
  },
  "scored-responses": {
    rows: [{ prompt: Q, responses: ["Tuesday.", "Blue."], scores: [1, 2] }],
  },
  "argilla": {
    rows: [{
      instruction: Q,
      chosen_response: "Blue.",
      rejected_response: "Tuesday.",
    }],
  },
  "argilla-prompt": {
    rows: [{
      prompt: Q,
      chosen_response: "Blue.",
      rejected_response: "Tuesday.",
    }],
  },
  "ultrainteract": {
    rows: [{
      trajectory: [{ from: "user", value: Q }],
      chosen: "Blue.",
      rejected: "Tuesday.",
    }],
  },
  "swift": {
    rows: [{ messages: [...ASKED, GOOD], rejected_response: "Tuesday." }],
  },
  "swift-messages": {
    rows: [{ messages: [...ASKED, GOOD], rejected_messages: [...ASKED, BAD] }],
  },
  "swift-query": {
    rows: [{ query: Q, response: "Blue.", rejected_response: "Tuesday." }],
  },
  "alpaca-ranks": {
    rows: [
      {
        instruction: "Name a",
        input: "colour.",
        output: ["Blue.", "Tuesday."],
      },
    ],
  },
  "orca-dpo": {
    rows: [{ question: Q, chosen: "Blue.", rejected: "Tuesday." }],
  },
  "orca-dpo-input": {
    rows: [{ input: Q, chosen: "Blue.", rejected: "Tuesday." }],
  },
  "system-pairs": {
    rows: [{ system: "S", prompt: Q, chosen: "Blue.", rejected: "Tuesday." }],
  },
  "axolotl": {
    rows: [
      { messages: ASKED, chosen: GOOD, rejected: BAD },
      { messages: ASKED, chosen: [GOOD], rejected: [BAD] },
      { messages: ASKED, chosen: "Blue.", rejected: "Tuesday." },
    ],
  },
  "sharegpt-texts": {
    rows: [{
      conversations: [{ from: "human", value: Q }],
      chosen: "Blue.",
      rejected: "Tuesday.",
    }],
  },
  "two-responses": {
    rows: ["B", "response_b"].map((preference) => ({
      prompt: Q,
      response_a: "Tuesday.",
      response_b: "Blue.",
      preference,
    })),
    ties: [{
      prompt: Q,
      response_a: "A",
      response_b: "B",
      preference: "tie",
    }],
  },
  "two-responses-winner": {
    rows: [{
      prompt: Q,
      response_a: "Blue.",
      response_b: "Tuesday.",
      winner: "model_a",
    }],
  },
};
