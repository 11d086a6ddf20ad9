# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "accelerate==1.15.0",
#   "datasets==5.2.0",
#   "peft==0.21.2",
#   "torch==2.15.0",
#   "transformers==5.23.0",
#   "trl==1.16.0",
# ]
# ///
"""Makes runs of a comparison again with TRL, on the same tokens in the same batches, on the CPU.

    deno task compare … --preset trl --out out/real --write-rows out/rows
    uv run experiments/real/by_trl.py out/rows --out out/real/trl.json
    deno task figure out/real

Without uv, install the packages above with pip. The last command puts the two side by side. With
--dry-run the first one writes the rows of runs that are finished, or yet to come.

The same on both sides: token ids, where a completion begins and ends; the rows of every batch and their
order; LoRA's rank, α, layers and first values; no dropout; AdamW with β 0.9 and 0.999, ε 1e-8; rate,
schedule, warm-up, decay, clipping; float32; the reference, which is the model before training; losses
and their options. Both measure held-out pairs with forward passes of their own.

Different is how they compute: TRL scores the reference at every step, prefgrad once before the first;
TRL pads a batch to its longest row and repeats a pair's prompt. Gradient checkpointing, TRL's default,
which saves memory and costs time, is off. Float32 rounds otherwise, and training multiplies that.

Without `--preset trl` ORPO is another: its likelihood is of the chosen completion in prefgrad, each
example its own mean, and of prompt and completion in TRL, over the tokens of the batch. `otherwise` of a
run in the output says so. KTO's mismatched completions are columns that TRL reads, so they are those of
the comparison, be it the next ones of the batch or, as TRL makes them, the previous ones.
"""

import argparse
import hashlib
import json
import os
import platform
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from multiprocessing import get_context, set_forkserver_preload
from pathlib import Path

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")

import torch
from datasets import Dataset, disable_progress_bars
from peft import LoraConfig, set_peft_model_state_dict
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback
from transformers.utils import logging
from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer
from trl.experimental.orpo import ORPOConfig, ORPOTrainer

warnings.simplefilter("ignore", FutureWarning)
logging.set_verbosity_error()
logging.disable_progress_bar()
disable_progress_bars()

PACKAGES = ["accelerate", "datasets", "peft", "torch", "transformers", "trl"]
PRELOADED = ["trl.trainer.dpo_trainer", "trl.trainer.kto_trainer", "trl.experimental.orpo.orpo_trainer"]
SCHEDULES = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine"}
LENDERS = {"next": 1, "previous": -1}
EVALUATED = 8  # Pairs of a forward pass.


def rows_as_they_are(self, dataset, *_):
    """In place of TRL's tokenization: the rows are token ids already."""
    return dataset


class TokensDPOTrainer(DPOTrainer):
    _prepare_dataset = rows_as_they_are


class TokensKTOTrainer(KTOTrainer):
    _prepare_dataset = rows_as_they_are


class TokensORPOTrainer(ORPOTrainer):
    @staticmethod
    def tokenize_row(row):
        """The columns that ORPO's collator reads."""
        prompt = row["prompt_ids"]
        columns = {"prompt_input_ids": prompt, "prompt_attention_mask": [1] * len(prompt)}
        for side in ("chosen", "rejected"):
            completion = row[f"{side}_ids"]
            columns[f"{side}_input_ids"] = prompt + completion
            columns[f"{side}_attention_mask"] = [1] * len(prompt + completion)
            columns[f"{side}_labels"] = [-100] * len(prompt) + completion
        return columns


def rows_of_pairs(pairs, batch, _):
    return [pairs[i] for i in batch]


def rows_of_answers(pairs, batch, options):
    """Single answers, each with the completion of another of the batch, for KTO's estimate of KL."""
    if options["klPairing"] not in LENDERS:
        sys.exit(f"Cannot make KTO's runs again: expected klPairing {' or '.join(LENDERS)}, found {options['klPairing']}")
    lender = LENDERS[options["klPairing"]]
    answers = [pairs[i // 2]["rejected_ids" if i % 2 else "chosen_ids"] for i in batch]
    return [
        {
            "prompt_ids": pairs[i // 2]["prompt_ids"],
            "completion_ids": answers[k],
            "KL_completion_ids": answers[(k + lender) % len(batch)],
            "label": i % 2 == 0,
        }
        for k, i in enumerate(batch)
    ]


@dataclass
class Method:
    config: type
    trainer: type
    rows: Callable
    options: dict  # Our names of options, and TRL's.
    fixed: dict = field(default_factory=dict)  # Values of our options that make the loss TRL's.


METHODS = {
    "dpo": Method(
        DPOConfig,
        TokensDPOTrainer,
        rows_of_pairs,
        {"beta": "beta"},
        {"labelSmoothing": 0, "referenceFree": False},
    ),
    "kto": Method(
        KTOConfig,
        TokensKTOTrainer,
        rows_of_answers,
        {"beta": "beta", "desirableWeight": "desirable_weight", "undesirableWeight": "undesirable_weight"},
    ),
    "orpo": Method(
        ORPOConfig,
        TokensORPOTrainer,
        rows_of_pairs,
        {"lambda": "beta"},
        {"nllOver": "all", "nllReduction": "token", "nllWeight": 1},
    ),
}


def read_rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def hash_rows(rows):
    """The hash that records have of tokens, their boundaries and their order."""
    lines = ([row["prompt_ids"], [row["chosen_ids"], row["rejected_ids"]], None] for row in rows)
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    return hashlib.sha256(text.encode()).hexdigest()


def load_model(place):
    """A folder, or `org/name@commit`."""
    name, _, revision = (place, "", "") if Path(place).is_dir() else place.partition("@")
    tokenizer = AutoTokenizer.from_pretrained(name, revision=revision or None)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained(name, revision=revision or None, dtype=torch.float32)
    return model, tokenizer


@torch.no_grad()
def log_probs(model, pairs):
    """log π of chosen and rejected of each pair, in nats."""
    model.eval()
    found = []
    for at in range(0, len(pairs), EVALUATED):
        rows = [
            (pair["prompt_ids"], pair[side])
            for pair in pairs[at : at + EVALUATED]
            for side in ("chosen_ids", "rejected_ids")
        ]
        longest = max(len(prompt + completion) for prompt, completion in rows)
        ids = torch.zeros(len(rows), longest, dtype=torch.long)
        attended, scored = torch.zeros_like(ids), torch.zeros_like(ids)
        for row, (prompt, completion) in enumerate(rows):
            end = len(prompt + completion)
            ids[row, :end] = torch.tensor(prompt + completion)
            attended[row, :end] = 1
            scored[row, len(prompt) : end] = 1
        logits = model(input_ids=ids, attention_mask=attended, use_cache=False).logits[:, :-1]
        each = torch.log_softmax(logits, -1).gather(-1, ids[:, 1:, None])[..., 0]
        found += (each * scored[:, 1:]).sum(-1).view(-1, 2).tolist()
    return found


def reference(folder, options):
    torch.set_num_threads(options.threads)
    model, _ = load_model(options.model)
    return log_probs(model, held_out(folder, options))


def held_out(folder, options):
    return read_rows(folder / "held-out.jsonl")[: options.held_out]


def train_config(train, run, output_dir):
    """Settings of the trainer; a batch is one forward pass, so that means are over the batch."""
    sizes = [len(batch) for batch in run["batches"]]
    if any(size != sizes[0] for size in sizes[:-1]) or sizes[-1] > sizes[0]:
        sys.exit(f"Cannot make {run['name']} again: TRL cuts the rows into batches of one size, found {set(sizes)}")
    method = METHODS[run["loss"]]
    return method.config(
        output_dir=output_dir,
        per_device_train_batch_size=sizes[0],
        num_train_epochs=1,
        train_sampling_strategy="sequential",
        learning_rate=run["learningRate"],
        lr_scheduler_type=SCHEDULES[train["schedule"]],
        warmup_steps=train["warmup"],
        optim="adamw_torch",
        weight_decay=train["weightDecay"],
        max_grad_norm=train["maxGradNorm"],
        seed=run["seed"],
        gradient_checkpointing=False,
        bf16=False,
        use_cpu=True,
        max_length=None if run["loss"] != "orpo" else 1 << 20,
        logging_steps=10,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        **{theirs: run["options"][ours] for ours, theirs in method.options.items()},
    )


def start_at(model, path):
    """Gives a new adapter the first values that the run has."""
    found = set_peft_model_state_dict(model, load_file(path))
    missing = [name for name in found.missing_keys if "lora_" in name]
    if missing or found.unexpected_keys:
        sys.exit(f"Cannot start at {path}: it lacks {missing} and has {found.unexpected_keys} besides")


def make_again(folder, options, train, run):
    """Trains a run in a process of its own, whose peak of memory is the run's."""
    torch.set_num_threads(options.threads)
    start = time.perf_counter()
    method = METHODS[run["loss"]]
    pairs = read_rows(folder / "train.jsonl")
    rows = [row for batch in run["batches"] for row in method.rows(pairs, batch, run["options"])]
    model, tokenizer = load_model(options.model)
    tuning = train["tuning"]
    with tempfile.TemporaryDirectory() as output_dir:
        trainer = method.trainer(
            model=model,
            args=train_config(train, run, output_dir),
            train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer,
            peft_config=LoraConfig(
                task_type="CAUSAL_LM",
                r=tuning["rank"],
                lora_alpha=tuning["alpha"],
                lora_dropout=0,
                target_modules=tuning["targets"],
            ),
        )
        start_at(trainer.model, folder / f"adapter-seed{run['seed']}" / "adapter_model.safetensors")
        trainer.remove_callback(PrinterCallback)
        loaded = time.perf_counter()
        trainer.train()
    trained = time.perf_counter()
    found = log_probs(trainer.model, held_out(folder, options))
    evaluated = time.perf_counter()
    kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found, {
        "steps": trainer.state.global_step,
        "seconds": {"load": loaded - start, "train": trained - loaded, "evaluate": evaluated - trained},
        "peakMemoryBytes": kibibytes * (1 if sys.platform == "darwin" else 1024),
    }


def measures(pairs, before, after):
    """As the comparison has them: a pair counts as half right where rounding decides."""
    ties = [1e-4 * (2 + len(pair["chosen_ids"]) + len(pair["rejected_ids"])) for pair in pairs]

    def right(gaps):
        return [0.5 if abs(gap) <= tie else float(gap > 0) for gap, tie in zip(gaps, ties)]

    margins = [(c - c0) - (r - r0) for (c, r), (c0, r0) in zip(after, before)]
    correct, likelier = right(margins), right([c - r for c, r in after])
    return {
        "accuracy": sum(correct) / len(pairs),
        "logProbAccuracy": sum(likelier) / len(pairs),
        "margins": [round(margin, 6) for margin in margins],
        "correct": correct,
    }


def wanted_runs(plan, options):
    """The runs that TRL has a loss for, cut to the wanted steps."""
    tuning, train = plan["train"]["tuning"], plan["train"]
    found = {"tuning": tuning["kind"], "optimizer": train["optimizer"], "referenceEvery": train["referenceEvery"]}
    if found != {"tuning": "lora", "optimizer": "adamw", "referenceEvery": 0}:
        sys.exit(f"Cannot make the runs again: expected a new LoRA adapter, AdamW and a fixed reference, found {found}")
    seeds = options.seeds or [plan["runs"][0]["seed"]]
    runs = [run for run in plan["runs"] if run["loss"] in options.loss and run["seed"] in seeds]
    if not runs:
        sys.exit(f"Cannot make the runs again: found none of {', '.join(options.loss)} with seed {seeds}")
    return [{**run, "batches": run["batches"][: options.steps]} for run in runs]


def otherwise(run):
    """Options of the run that TRL's loss does not have, with its values instead."""
    fixed = METHODS[run["loss"]].fixed
    return {name: value for name, value in fixed.items() if run["options"][name] != value}


def processor():
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder that compare --write-rows wrote")
    parser.add_argument("--out", type=Path, required=True, help="file to write, such as trl.json in the results")
    parser.add_argument("--model", help="folder or org/name@commit; that of the comparison if absent")
    parser.add_argument("--loss", type=lambda text: text.split(","), default=list(METHODS), help="losses to train")
    parser.add_argument("--seeds", type=int, nargs="+", help="seeds of the comparison; its first if absent")
    parser.add_argument("--steps", type=int, help="first steps of each run alone, to see how long they take")
    parser.add_argument("--held-out", type=int, help="first held-out pairs alone")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    return parser.parse_args()


def main():
    options = parse()
    plan = json.loads((options.folder / "plan.json").read_text())
    options.model = options.model or plan["train"]["model"]
    runs = wanted_runs(plan, options)
    pairs = held_out(options.folder, options)
    record = {
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "machine": {"cpu": processor(), "cores": os.cpu_count(), "threads": options.threads},
        "train": hash_rows(read_rows(options.folder / "train.jsonl")),
        "heldOut": hash_rows(pairs),
        "runs": [],
    }
    set_forkserver_preload(PRELOADED)
    processes = {"max_workers": 1, "max_tasks_per_child": 1, "mp_context": get_context("forkserver")}
    with ProcessPoolExecutor(**processes) as pool:
        before = pool.submit(reference, options.folder, options).result()
        for run in runs:
            after, trained = pool.submit(make_again, options.folder, options, plan["train"], run).result()
            found = measures(pairs, before, after)
            record["runs"].append({"name": run["name"], "otherwise": otherwise(run), **trained, **found})
            options.out.write_text(json.dumps(record) + "\n")
            print(f"{run['name']}: accuracy {found['accuracy']:.3f}, {trained['seconds']['train']:.1f} s", flush=True)


if __name__ == "__main__":
    main()
