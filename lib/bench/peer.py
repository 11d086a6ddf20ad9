"""Does one job of a benchmark with the Python libraries, in a process of its own.

Reads the job as JSON from standard input and writes its result as the last line of standard output. The
jobs are `train`, `device`, `probe`, `products`, `generate` and `tokenize`; lib/bench/peers.ts says what each one
reads.
"""

import json
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

STARTED = time.perf_counter()
JOB = json.load(sys.stdin)
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
os.environ["TOKENIZERS_PARALLELISM"] = "false"

PACKAGES = ["accelerate", "peft", "tokenizers", "torch", "transformers", "trl"]


def peak_memory():
    """Bytes that this process held at most; `ru_maxrss` may be that of the process which started it."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = [line.split() for line in status.read_text().splitlines()]
        return next(int(line[1]) * 1024 for line in lines if line[:1] == ["VmHWM:"])
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def train(job):
    import peer_trl

    return peer_trl.train(job, STARTED)


def device(job):
    import peer_torch

    return peer_torch.train(job, STARTED)


def probe(job):
    import peer_trl

    return peer_trl.probe(job)


def products(job):
    import torch

    torch.set_num_threads(job["threads"])
    rows, inner, columns = job["shape"]

    def gflops(dtype):
        a, b = torch.randn(rows, inner).to(dtype), torch.randn(columns, inner).to(dtype)
        seconds = []
        for _ in range(job["runs"] + 1):  # The first warms up.
            start = time.perf_counter()
            a @ b.T
            seconds.append(time.perf_counter() - start)
        return 2e-9 * rows * inner * columns / min(seconds[1:])

    return {"gflops": {name: gflops(getattr(torch, name)) for name in ["float32", "bfloat16"]}}


def generate(job):
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(job["threads"])
    model = AutoModelForCausalLM.from_pretrained(job["model"], dtype=torch.float32).eval()
    longest = max(len(prompt) for prompt in job["prompts"])
    ids = torch.zeros(len(job["prompts"]), longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(job["prompts"]):  # Batches are padded on the left.
        ids[row, longest - len(prompt) :] = torch.tensor(prompt)
        mask[row, longest - len(prompt) :] = 1
    model.generation_config.eos_token_id = None
    model.generation_config.pad_token_id = 0

    def draw(tokens):
        options = {"do_sample": True, "top_k": 0, "top_p": 1.0, "temperature": 1.0, "max_new_tokens": tokens}
        with torch.inference_mode():
            return model.generate(input_ids=ids, attention_mask=mask, **options)

    draw(1)
    torch.manual_seed(0)
    start = time.perf_counter()
    drawn = draw(job["tokens"])[:, longest:].numel()
    seconds = time.perf_counter() - start
    return {"load": start - STARTED, "tokensPerSecond": drawn / seconds}


def tokenize(job):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path(job["model"]) / "tokenizer.json"))

    def count():
        return sum(len(tokenizer.encode(text, add_special_tokens=False).ids) for text in job["texts"])

    count()
    start = time.perf_counter()
    tokens = count()
    return {"textsPerSecond": len(job["texts"]) / (time.perf_counter() - start), "tokens": tokens}


def versions(_):
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def main():
    jobs = [train, device, probe, products, generate, tokenize, versions]
    result = {job.__name__: job for job in jobs}[JOB["job"]](JOB)
    print("\n" + json.dumps({"peakMemoryBytes": peak_memory(), **result}))


if __name__ == "__main__":
    main()
