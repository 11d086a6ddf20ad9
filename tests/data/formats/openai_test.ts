import {
  assistant,
  testReadings,
  testRefusals,
  user,
} from "../format_cases.ts";

const OUTPUTS = {
  ["preferred_output"]: [assistant("A")],
  ["non_preferred_output"]: [assistant("B")],
};

testReadings({ name: "openai", kind: "pairs" }, [
  [
    "an input with tools",
    {
      input: {
        messages: [user("U")],
        tools: [{ type: "function", function: { name: "f" } }],
        parallel_tool_calls: true,
      },
      ...OUTPUTS,
    },
    {
      form: "chat",
      prompt: [user("U")],
      completions: [[assistant("A")], [assistant("B")]],
      tools: [{ type: "function", function: { name: "f" } }],
    },
  ],
  [
    "an output that calls a tool",
    {
      input: { messages: [user("U")], tools: [] },
      ...OUTPUTS,
      preferred_output: [{
        role: "assistant",
        content: null,
        refusal: null,
        tool_calls: [{ id: "1", function: { name: "f", arguments: "{}" } }],
      }],
    },
    {
      form: "chat",
      prompt: [user("U")],
      completions: [
        [{
          role: "assistant",
          content: "",
          tool_calls: [{ id: "1", function: { name: "f", arguments: {} } }],
        }],
        [assistant("B")],
      ],
    },
  ],
]);

testRefusals([
  [
    "an input without messages",
    [{ input: { tools: [] }, ...OUTPUTS }],
    'row 1: expected "input" to be an object with messages, found {"tools":[]} (format openai)',
  ],
  [
    "an input of an unknown role",
    [{ input: { messages: [{ role: "bot", content: "U" }] }, ...OUTPUTS }],
    'row 1: unknown role "bot" in input.messages[0]; expected one of system, developer, user, human, assistant, gpt, function_call, tool, observation (format openai)',
  ],
  [
    "an output that is missing",
    [{ input: { messages: [user("U")] }, ...OUTPUTS, preferred_output: null }],
    'row 1: no "preferred_output"; expected the columns input, preferred_output, non_preferred_output in every row (format openai)',
  ],
]);
