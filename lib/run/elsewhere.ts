/** Flags of other trainers, by the flag here or the sentence that says the same. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  "--model": ["model_name_or_path", "model_name", "base_model"],
  "--model ID@REVISION": ["model_revision"],
  "--data": ["dataset", "datasets", "dataset_name", "train_file"],
  "--data ID:SPLIT": ["dataset_train_split"],
  "--data dataset_info.json:NAME": ["dataset_dir"],
  "--eval-data": ["eval_dataset", "eval_file"],
  "--eval-data ID:SPLIT": ["dataset_test_split"],
  "--eval-data, a file or a split of its own": [
    "val_size",
    "val_set_size",
    "test_split_size",
  ],
  "--loss": ["loss_type", "pref_loss", "stage", "rl"],
  "--loss, a sum such as dpo+0.2*sft": ["loss_weights"],
  "--beta": ["pref_beta"],
  "--nll-weight, or --loss dpo+0.2*sft": ["pref_ftx"],
  "--label-smoothing": ["dpo_label_smoothing"],
  "--desirable-weight": ["kto_chosen_weight", "kto_desirable_weight"],
  "--undesirable-weight": ["kto_rejected_weight", "kto_undesirable_weight"],
  "--out": ["output_dir"],
  "--resume": ["resume_from_checkpoint"],
  "--save-every": ["save_steps"],
  "--eval-every": ["eval_steps"],
  "--lr": ["learning_rate"],
  "--schedule": ["lr_scheduler_type", "lr_scheduler"],
  "--warmup, in steps": ["warmup_steps", "warmup_ratio"],
  "--optimizer": ["optim"],
  "--epochs": ["num_train_epochs", "num_epochs", "n_epochs"],
  "--steps": ["max_steps"],
  "--seed": ["data_seed"],
  "--batch": ["per_device_train_batch_size", "train_batch_size", "batch_size"],
  "--batch, all examples of a step; --micro-tokens bounds the memory": [
    "gradient_accumulation_steps",
    "micro_batch_size",
  ],
  "--micro-tokens, which bounds the memory": [
    "gradient_checkpointing",
    "per_device_eval_batch_size",
  ],
  "--max-length": [
    "cutoff_len",
    "sequence_len",
    "max_seq_len",
    "max_seq_length",
  ],
  "--max-length, of a prompt and a completion together": [
    "max_completion_length",
    "max_target_length",
  ],
  "--truncate, and --prompt-truncation for prompts": ["truncation_mode"],
  "--order sequential": ["disable_shuffling"],
  "--scored-turns last": ["mask_history"],
  "--template-option enable_thinking=false": ["enable_thinking"],
  "--template-option": ["chat_template_kwargs"],
  "--lora-rank": ["lora_r"],
  "--lora-targets": ["lora_target", "lora_target_modules", "target_modules"],
  "--full, to train all parameters rather than an adapter": [
    "finetuning_type",
    "use_peft",
  ],
  "--init-adapter": ["adapter_name_or_path", "adapter", "lora_model_dir"],
  "--reference-every": ["ref_model_sync_steps", "sync_ref_model"],
  "--reference-mix": ["ref_model_mixup_alpha"],
  "--base-weights int8": ["load_in_8bit"],
  "--base-weights int4": ["load_in_4bit"],
  "--base-weights int8 or int4": ["quantization_bit"],
  "arithmetic is in float32": ["bf16", "fp16", "dtype", "torch_dtype"],
  "the reference is the model as loaded": ["ref_model"],
  "the reference is computed before training, and kept": [
    "precompute_ref_log_probs",
  ],
  "there is no dropout": ["lora_dropout", "disable_dropout"],
  "each step is written to metrics.jsonl, in the folder of the run": [
    "logging_steps",
    "report_to",
  ],
  "`deno task push` uploads what was trained": ["push_to_hub", "hub_model_id"],
};

/**
 * Flags of TRL, LLaMA-Factory, axolotl and HALOs, as `Verb.elsewhere` has them.
 *
 * - TRL: https://huggingface.co/docs/trl/dpo_trainer, and the arguments of
 *   https://huggingface.co/docs/transformers/main_classes/trainer
 * - LLaMA-Factory: https://github.com/hiyouga/LLaMA-Factory, `src/llamafactory/hparams`
 * - axolotl: https://docs.axolotl.ai/docs/config-reference.html
 */
export const ELSEWHERE: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(NAMES).flatMap(([here, names]) =>
    names.map((name) => [name, here])
  ),
);
