"""Trains with TRL on token ids, in the order of a file, and times each step; see peer.py.

The same on both sides: token ids, where a completion begins and ends, the pairs of every step and their
order, LoRA's rank, alpha and layers, AdamW, rate, clipping, losses and their options. TRL pads a batch to
its longest row and repeats a pair's prompt; it scores the reference at every step, unless a setting has it
computed before.
"""

import json
import logging
import tempfile
import time
from pathlib import Path

import torch
from datasets import Dataset, disable_progress_bars
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback, TrainerCallback
from transformers.utils import logging as transformers_logging
from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer
from trl.experimental.orpo import ORPOConfig, ORPOTrainer

transformers_logging.set_verbosity_error()
transformers_logging.disable_progress_bar()
disable_progress_bars()


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


def answers(pairs, batch):
    """Single answers, two of each pair, each with the one before it in its batch, for KTO's estimate of KL."""
    rows = []
    for start in range(0, len(pairs), batch):
        some = [
            (pair["prompt_ids"], pair[side], side == "chosen_ids")
            for pair in pairs[start : start + batch]
            for side in ("chosen_ids", "rejected_ids")
        ]
        rows += [
            {"prompt_ids": prompt, "completion_ids": ids, "KL_completion_ids": some[k - 1][1], "label": label}
            for k, (prompt, ids, label) in enumerate(some)
        ]
    return rows


class StepTimes(TrainerCallback):
    """Seconds of each step, from the time the last one ended: the batch's collation counts."""

    def __init__(self):
        self.seconds = []

    def on_train_begin(self, *_, **__):
        self.before = time.perf_counter()

    def on_step_end(self, *_, **__):
        now = time.perf_counter()
        self.seconds.append(now - self.before)
        self.before = now


METHODS = {
    "dpo": (DPOConfig, TokensDPOTrainer, 1, {"max_length": None, "beta": 0.1}),
    "kto": (KTOConfig, TokensKTOTrainer, 2, {"max_length": None, "beta": 0.1}),
    "orpo": (ORPOConfig, TokensORPOTrainer, 1, {"max_length": 1 << 20, "beta": 0.1}),
}


def make_trainer(job, folder):
    """A trainer by the job's `config`: settings of TRL besides those that all jobs share."""
    torch.set_num_threads(job["threads"])
    make_config, make, answers_per_pair, method = METHODS[job["loss"]]
    pairs = [json.loads(line) for line in Path(job["rows"]).read_text().splitlines()]
    rows = answers(pairs, job["batch"]) if job["loss"] == "kto" else pairs
    dtype = getattr(torch, job["weights"])
    config = make_config(
        output_dir=folder,
        per_device_train_batch_size=job["batch"] * answers_per_pair,
        num_train_epochs=1,
        train_sampling_strategy="sequential",
        learning_rate=1e-5,
        lr_scheduler_type="constant",
        optim="adamw_torch",
        max_grad_norm=1,
        use_cpu=True,
        logging_steps=1000,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        **method,
        **job["config"],
    )
    return make(
        model=AutoModelForCausalLM.from_pretrained(job["model"], dtype=dtype),
        args=config,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer_of(job["model"]),
        peft_config=LoraConfig(
            task_type="CAUSAL_LM",
            r=job["rank"],
            lora_alpha=job["alpha"],
            lora_dropout=0,
            target_modules="all-linear",
        ),
    )


def tokenizer_of(model):
    tokenizer = AutoTokenizer.from_pretrained(model)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    return tokenizer


def train(job, started):
    """Times of load, reference (where a setting has it computed before), first step and the others."""
    reference = []

    def timed(compute):
        def call(*args, **options):
            start = time.perf_counter()
            result = compute(*args, **options)
            reference.append(time.perf_counter() - start)
            return result

        return call

    for kind in (TokensDPOTrainer, TokensKTOTrainer):
        kind._precompute_ref_logps = timed(kind._precompute_ref_logps)
    times = StepTimes()
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(job, folder)
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(times)
        load = time.perf_counter() - started - sum(reference)
        trainer.train()
    first, *steps = times.seconds
    return {"load": load, "reference": sum(reference), "first": first, "steps": steps}


def probe(job):
    """What TRL says to each of some settings while it takes a step under it: its error or warnings."""
    said = {}
    for name, config in job["configs"].items():
        heard = []
        handler = logging.Handler()
        handler.emit = lambda record: heard.append(record.getMessage())
        logging.getLogger("trl").addHandler(handler)
        logging.getLogger("accelerate").addHandler(handler)
        try:
            with tempfile.TemporaryDirectory() as folder:
                make_trainer({**job, "config": {**job["config"], **config, "max_steps": 1}}, folder).train()
        except Exception as error:
            heard.append(f"{type(error).__name__}: {error}")
        finally:
            logging.getLogger("trl").removeHandler(handler)
            logging.getLogger("accelerate").removeHandler(handler)
        said[name] = " ".join(heard)[:600]
    return {"said": said}
