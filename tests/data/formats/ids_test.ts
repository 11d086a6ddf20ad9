import { testReadings, testRefusals } from "../format_cases.ts";

testReadings({ name: "ids-pairs", kind: "pairs" }, [[
  "pairs of token ids",
  { prompt_ids: [1, 5], chosen_ids: [6, 2], rejected_ids: [7, 2] },
  { form: "ids", prompt: [1, 5], completions: [[6, 2], [7, 2]] },
]]);

testReadings({ name: "ids-labels", kind: "labels" }, [[
  "labelled token ids",
  { prompt_ids: [1, 5], completion_ids: [6, 2], label: false },
  { form: "ids", prompt: [1, 5], completions: [[6, 2]], label: false },
]]);

testReadings({ name: "ids-ranks", kind: "ranks" }, [[
  "ranked token ids",
  { prompt_ids: [1], completions_ids: [[2], [3, 4], []] },
  { form: "ids", prompt: [1], completions: [[2], [3, 4], []] },
]]);

testRefusals([
  [
    "token ids that are text",
    [{ prompt_ids: [1], chosen_ids: [2], rejected_ids: ["2"] }],
    'row 1: expected "rejected_ids" to be a list of token ids, found ["2"] (format ids-pairs)',
  ],
  [
    "token ids that are not whole",
    [{ prompt_ids: [1.5], completion_ids: [2], label: true }],
    'row 1: expected "prompt_ids" to be a list of token ids, found [1.5] (format ids-labels)',
  ],
  [
    "negative token ids",
    [{ prompt_ids: [1], chosen_ids: [2], rejected_ids: [-100] }],
    'row 1: expected "rejected_ids" to be a list of token ids, found [-100] (format ids-pairs)',
  ],
  [
    "ranked token ids that are no lists",
    [{ prompt_ids: [1], completions_ids: [[1], 2] }],
    'row 1: expected "completions_ids" to be lists of token ids, best first, found [[1],2] (format ids-ranks)',
  ],
]);
