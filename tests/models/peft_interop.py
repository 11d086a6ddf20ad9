"""Runs adapters and models between this repository and PEFT: what tests/models/peft_interop_test.ts asks for.

    python peft_interop.py FOLDER

FOLDER/cases.json is a list of cases: `model` (a folder), `pairs` (token ids and a reference's log-probabilities), and
- adapter: an adapter's folder; every tensor of it must find its place, and none may be missing;
- train: options of a LoraConfig; such an adapter is drawn, trained a little and written to the adapter's folder.

Prints for each case the log-probabilities of the completions, chosen before rejected, and the DPO loss (β = 0.1).
"""

import json
import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM
from transformers.utils import logging

BETA, STEPS, LEARNING_RATE = 0.1, 3, 1e-2


def load(case):
    model, info = AutoModelForCausalLM.from_pretrained(
        case["model"], dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    assert not any(info.values()), (case["model"], info)
    return model.eval()


def load_adapter(model, folder):
    peft = PeftModel.from_pretrained(model, folder).eval()
    stored = load_file(f"{folder}/adapter_model.safetensors").keys()
    differing = get_peft_model_state_dict(peft).keys() ^ stored
    assert not differing, (folder, differing)
    return peft


def log_prob(model, prompt, completion):
    logits = model(torch.tensor([prompt + completion]), use_cache=False).logits[0, len(prompt) - 1 : -1]
    return logits.log_softmax(-1)[torch.arange(len(completion)), torch.tensor(completion)].sum()


def run(model, pairs):
    """Log-probabilities of chosen and rejected completions, and the DPO loss."""
    log_probs = [log_prob(model, pair["prompt"], pair[side]) for pair in pairs for side in ("chosen", "rejected")]
    ratios = torch.stack(log_probs) - torch.tensor([value for pair in pairs for value in pair["reference"]])
    loss = -torch.nn.functional.logsigmoid(BETA * (ratios[::2] - ratios[1::2])).mean()
    return log_probs, loss


def train(model, case):
    peft = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **case["train"])).eval()
    optimizer = torch.optim.AdamW([p for p in peft.parameters() if p.requires_grad], lr=LEARNING_RATE)
    for _ in range(STEPS):
        optimizer.zero_grad()
        run(peft, case["pairs"])[1].backward()
        optimizer.step()
    peft.save_pretrained(case["adapter"])
    return peft


def result(case):
    model = load(case)
    if "train" in case:
        model = train(model, case)
    elif "adapter" in case:
        model = load_adapter(model, case["adapter"])
    with torch.no_grad():
        log_probs, loss = run(model, case["pairs"])
    return {"logProbs": [value.item() for value in log_probs], "loss": loss.item()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    with open(f"{sys.argv[1]}/cases.json") as file:
        print(json.dumps([result(case) for case in json.load(file)]))
