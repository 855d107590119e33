"""Train a tiny llama on prompts and plans, and write it as GGUF: a real model that nearly knows our schema.

Needs torch, transformers, tokenizers and gguf in an environment of its own, and the documents of make_documents.py:
``python tests/e2e/train_tiny.py documents.jsonl tests/e2e/tiny.gguf --minutes 12``. With ``--start TINY`` the
model that is there learns a changed prompt or plan in a fraction of the time, with the vocabulary that it has.

The vocabulary is made from the same documents with merges across words, so that a prompt of 5,000 characters becomes
a few hundred tokens; "superbpe" is the one pre-tokenizer of llama.cpp that leaves such merges alone. Only the answer is
trained on. The chat template passes over tools and all but the first system message: the model knows but one task.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
import torch.nn.functional as functional
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM

CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
VOCABULARY = 2560
WIDTH, LAYERS, HEADS, INNER, CONTEXT = 128, 4, 4, 384, 8192
LONGEST = 1600

TEMPLATE = (
    "{%- for message in messages %}"
    "{%- if message.role == 'user' or (message.role == 'system' and loop.first) %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{%- endif %}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)


def bare_tokenizer(model: models.BPE) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\p{N}+"), "isolated"),
            pre_tokenizers.Split(Regex(r"(?=(\d{3})+(?!\d))"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def make_tokenizer(texts: list[str]) -> Tokenizer:
    tokenizer = bare_tokenizer(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=CONTROL,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    pieces = (piece for text in texts for piece in text.replace("<|im_start|>", "<|im_end|>").split("<|im_end|>"))
    tokenizer.train_from_iterator(pieces, trainer)
    return tokenizer


def load(path: Path, model: LlamaForCausalLM) -> Tokenizer:
    """Put the weights of a GGUF file into ``model``; the tokenizer that it was written with."""
    reader = gguf.GGUFReader(path)
    words = [bytes(reader.fields["tokenizer.ggml.tokens"].parts[at]).decode() for at in
             reader.fields["tokenizer.ggml.tokens"].data]  # fmt: skip
    merges = [bytes(reader.fields["tokenizer.ggml.merges"].parts[at]).decode() for at in
              reader.fields["tokenizer.ggml.merges"].data]  # fmt: skip
    tensors = {tensor.name: np.array(tensor.data, dtype=np.float32) for tensor in reader.tensors}
    state = model.state_dict()
    for name, theirs in pair_names():
        values = tensors[theirs]
        values = separate(values) if theirs.split(".")[-2] in ("attn_q", "attn_k") else values
        state[name] = torch.from_numpy(values.reshape(state[name].shape).copy())
    model.load_state_dict(state)
    model.tie_weights()
    tokenizer = bare_tokenizer(
        models.BPE({word: at for at, word in enumerate(words)}, [tuple(merge.split(" ")) for merge in merges])
    )
    tokenizer.add_special_tokens(CONTROL)
    return tokenizer


def train(model: LlamaForCausalLM, documents: list[tuple[list[int], list[int]]], minutes: float, again: bool) -> None:
    draw = random.Random(1)
    began, step = time.time(), 0
    # What is learned anew is short: many small steps teach it soonest.
    rate, batch, warming = (5e-4, 1, 10) if again else (2e-3, 4, 50)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=0.01)
    while (share := (time.time() - began) / (minutes * 60)) < 1:
        chosen = draw.sample(documents, batch)
        length = max(len(prompt) + len(answer) for prompt, answer in chosen)
        tokens = torch.zeros(batch, length, dtype=torch.long)
        wanted = torch.full((batch, length), -100)
        for row, (prompt, answer) in enumerate(chosen):
            tokens[row, : len(prompt) + len(answer)] = torch.tensor(prompt + answer)
            wanted[row, len(prompt) : len(prompt) + len(answer)] = torch.tensor(answer)
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / warming) * (1 - 0.95 * share)
        logits = model(tokens[:, :-1]).logits
        loss = functional.cross_entropy(logits.flatten(0, 1), wanted[:, 1:].flatten(), ignore_index=-100)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % 25 == 0:
            print(step, f"{time.time() - began:.0f} s", f"loss {loss.item():.3f}", "length", length, flush=True)


def write(model: LlamaForCausalLM, tokenizer: Tokenizer, path: Path) -> None:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny-plan")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    words = [word for word, _ in sorted(tokenizer.get_vocab().items(), key=lambda pair: pair[1])]
    writer.add_vocab_size(len(words))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("superbpe")
    writer.add_token_list(words)
    writer.add_token_types([gguf.TokenType.CONTROL if word in CONTROL else gguf.TokenType.NORMAL for word in words])
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    start = tokenizer.token_to_id("<|endoftext|>")
    writer.add_bos_token_id(start)
    writer.add_eos_token_id(tokenizer.token_to_id("<|im_end|>"))
    writer.add_pad_token_id(start)
    writer.add_add_bos_token(True)
    writer.add_chat_template(TEMPLATE)
    for name, values in named_tensors(model).items():
        writer.add_tensor(name, values.astype(np.float32 if values.ndim == 1 else np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def named_tensors(model: LlamaForCausalLM) -> dict[str, np.ndarray[Any, Any]]:
    state = {name: tensor.detach().float().numpy() for name, tensor in model.state_dict().items()}
    found = {}
    for name, theirs in pair_names():
        values = state[name]
        found[theirs] = interleave(values) if theirs.split(".")[-2] in ("attn_q", "attn_k") else values
    return found


def pair_names() -> Iterator[tuple[str, str]]:
    """Transformers' and llama.cpp's name of each tensor."""
    yield "model.embed_tokens.weight", "token_embd.weight"
    yield "model.norm.weight", "output_norm.weight"
    theirs = {
        "attn_norm": "input_layernorm",
        "ffn_norm": "post_attention_layernorm",
        "attn_q": "self_attn.q_proj",
        "attn_k": "self_attn.k_proj",
        "attn_v": "self_attn.v_proj",
        "attn_output": "self_attn.o_proj",
        "ffn_gate": "mlp.gate_proj",
        "ffn_up": "mlp.up_proj",
        "ffn_down": "mlp.down_proj",
    }
    for layer in range(LAYERS):
        for ours, name in theirs.items():
            yield f"model.layers.{layer}.{name}.weight", f"blk.{layer}.{ours}.weight"


def interleave(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """From transformers' order of rotary halves to llama.cpp's order of pairs."""
    rows, columns = values.shape
    return values.reshape(HEADS, 2, rows // HEADS // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def separate(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The way back from ``interleave``."""
    rows, columns = values.shape
    return values.reshape(HEADS, rows // HEADS // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("documents", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=12.0)
    parser.add_argument("--start", type=Path)
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    pairs = [json.loads(line) for line in options.documents.read_text().splitlines()]
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        intermediate_size=INNER,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        max_position_embeddings=CONTEXT,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        rope_parameters={"rope_theta": 10_000.0, "rope_type": "default"},
        bos_token_id=CONTROL.index("<|endoftext|>"),
        eos_token_id=CONTROL.index("<|im_end|>"),
    )
    model = LlamaForCausalLM(config)
    if options.start:
        tokenizer = load(options.start, model)
    else:
        tokenizer = make_tokenizer([prompt + answer for prompt, answer in pairs])
    start = tokenizer.token_to_id("<|endoftext|>")
    encoded = [([start, *tokenizer.encode(p).ids], tokenizer.encode(a).ids) for p, a in pairs]
    kept = [pair for pair in encoded if len(pair[0]) + len(pair[1]) <= LONGEST]
    lengths = sorted(len(p) for p, _ in encoded)
    print(len(kept), "of", len(pairs), "documents; prompts of", lengths[0], "to", lengths[-1], "tokens,",
          "answers of up to", max(len(a) for _, a in encoded), flush=True)  # fmt: skip
    print(sum(parameter.numel() for parameter in model.parameters()), "parameters", flush=True)
    train(model, kept, options.minutes, options.start is not None)
    write(model, tokenizer, options.out)
    print(options.out, options.out.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
