"""Trains by DPO with PyTorch, transformers and PEFT alone, and times each step; see peer.py.

The step is that of TRL: chosen and rejected answers are one padded batch, each with the prompt before it,
attention is PyTorch's own, and logits are made of all positions at once. The reference's log-probabilities
count as known, so that the policy's step alone is timed. Weights are held in the type of the products; with
all of them trained they are float32 and products run under autocast, as TRL's `bf16=True` has it.
"""

import json
import time
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

BETA = 0.1


def padded(pairs, device):
    """Ids, attention mask and mask of completions, [2·pairs, longest]: chosen answers, then rejected ones."""
    rows = [(pair["prompt_ids"], pair[side]) for side in ("chosen_ids", "rejected_ids") for pair in pairs]
    longest = max(len(prompt) + len(answer) for prompt, answer in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    mask, scored = torch.zeros_like(ids), torch.zeros_like(ids)
    for i, (prompt, answer) in enumerate(rows):
        length = len(prompt) + len(answer)
        ids[i, :length] = torch.tensor(prompt + answer)
        mask[i, :length] = 1
        scored[i, len(prompt) : length] = 1
    return ids.to(device), mask.to(device), scored.to(device)


def log_probs(model, batch):
    ids, mask, scored = batch
    logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1]
    own = torch.gather(logits, -1, ids[:, 1:, None]).squeeze(-1).float()
    normalizers = torch.stack([row.float().logsumexp(-1) for row in logits])
    return ((own - normalizers) * scored[:, 1:]).sum(-1)


def make_policy(job, device):
    whole = job["tuning"] == "full"
    dtype = torch.float32 if whole else getattr(torch, job["precision"])
    policy = AutoModelForCausalLM.from_pretrained(job["model"], dtype=dtype, attn_implementation="sdpa")
    if not whole:
        lora = LoraConfig(task_type="CAUSAL_LM", r=job["rank"], lora_alpha=job["alpha"], target_modules="all-linear")
        policy = get_peft_model(policy, lora)
        for parameter in policy.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()
    return policy.to(device).train()


def train(job, started):
    device = job["device"]
    torch.set_num_threads(job["threads"])
    torch.backends.cuda.matmul.allow_tf32 = False
    pairs = [json.loads(line) for line in Path(job["rows"]).read_text().splitlines()]
    policy = make_policy(job, device)
    trained = [parameter for parameter in policy.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-6, weight_decay=0)
    load = time.perf_counter() - started
    seconds = []
    for first in range(0, len(pairs), job["batch"]):
        before = time.perf_counter()
        step(policy, optimizer, trained, padded(pairs[first : first + job["batch"]], device), job)
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - before)
    allocated = torch.cuda.max_memory_allocated() if device == "cuda" else None
    return {"load": load, "seconds": seconds, "allocatedBytes": allocated, "torch": torch.__version__}


def step(policy, optimizer, trained, batch, job):
    low = job["precision"] != "float32"
    with torch.autocast(job["device"], dtype=torch.bfloat16, enabled=low):
        chosen, rejected = log_probs(policy, batch).chunk(2)
    # The reference's margin counts as known; its value does not change the work.
    loss = -torch.nn.functional.logsigmoid(BETA * (chosen - rejected)).mean()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return float(loss.detach())
