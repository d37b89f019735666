"""Makes tests/exchange/golden: tiny models of random weights saved by transformers, and what it computes with them.

    uv run --group bench python tests/exchange/make_golden.py

Made with torch 2.13.0 and transformers 5.23.0. In each folder: config.json, model.safetensors, and outputs.npz with ids
[B, T], mask [B, T] (0 is padding), hidden [L+1, B, T, D] and logits [B, T, V]; T5's also its decoder's.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

GOLDEN = Path(__file__).parent / "golden"
SHAPE: dict[str, Any] = {"vocab_size": 40, "hidden_size": 16, "intermediate_size": 24, "num_attention_heads": 2}
LENGTH = 14


def main() -> None:
    torch.manual_seed(0)
    shutil.rmtree(GOLDEN, ignore_errors=True)
    special = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
    modernbert = transformers.ModernBertConfig(
        **SHAPE, num_hidden_layers=4, local_attention=6, cls_token_id=2, sep_token_id=3, **special
    )
    xlmr = transformers.XLMRobertaConfig(
        **SHAPE, num_hidden_layers=2, max_position_embeddings=20, type_vocab_size=1, layer_norm_eps=1e-5
    )
    llama = transformers.LlamaConfig(
        **SHAPE, num_hidden_layers=2, hidden_act="gelu_pytorch_tanh", tie_word_embeddings=True, **special
    )
    t5 = transformers.T5Config(
        vocab_size=40,
        d_model=16,
        d_kv=8,
        d_ff=24,
        num_heads=2,
        num_layers=2,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        decoder_start_token_id=2,
    )
    save("modernbert", transformers.ModernBertForMaskedLM(modernbert), pad=0)
    save("xlm-roberta", transformers.XLMRobertaForMaskedLM(xlmr), pad=1)
    bert = transformers.BertConfig(**SHAPE, num_hidden_layers=2, max_position_embeddings=20, hidden_act="gelu_new")
    save("llama", transformers.LlamaForCausalLM(llama), pad=0)
    save_t5("t5", transformers.T5ForConditionalGeneration(t5))
    save("bert", transformers.BertForMaskedLM(bert), pad=0)


def scramble(model: torch.nn.Module) -> None:
    """Weights large enough that every part of the model shows in the outputs, norms and biases included."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            spread = 0.3 * torch.randn_like(weight)
            weight.copy_(1.0 + spread if "norm" in name.lower() and name.endswith("weight") else spread)
    model.eval()


def save(name: str, model: Any, pad: int) -> None:
    scramble(model)
    ids = torch.randint(5, SHAPE["vocab_size"], (2, LENGTH))
    mask = torch.ones_like(ids)
    ids[1, 10:], mask[1, 10:] = pad, 0
    with torch.no_grad():
        out = model(input_ids=ids, attention_mask=mask, output_hidden_states=True)
    hidden = torch.stack(out.hidden_states)
    keep(name, model, ids=ids, mask=mask, hidden=hidden, logits=out.logits)


def save_t5(name: str, model: Any) -> None:
    scramble(model)
    ids, decoder_ids = torch.randint(5, 40, (2, 150)), torch.randint(5, 40, (2, 140))  # beyond the farthest bucket
    with torch.no_grad():
        out = model(input_ids=ids, decoder_input_ids=decoder_ids, output_hidden_states=True)
    hidden, decoder_hidden = (torch.stack(states) for states in (out.encoder_hidden_states, out.decoder_hidden_states))
    keep(
        name,
        model,
        ids=ids,
        decoder_ids=decoder_ids,
        hidden=hidden[:, :, ::10],  # every tenth place: small files
        decoder_hidden=decoder_hidden[:, :, ::10],
        logits=out.logits[:, ::10],
    )


def keep(name: str, model: Any, **outputs: torch.Tensor) -> None:
    model.save_pretrained(GOLDEN / name)
    (GOLDEN / name / "generation_config.json").unlink(missing_ok=True)
    arrays = {key: value.numpy() for key, value in outputs.items()}
    small = {key: array.astype(np.int16) if array.dtype.kind == "i" else array for key, array in arrays.items()}
    np.savez_compressed(GOLDEN / name / "outputs.npz", **small)


if __name__ == "__main__":
    main()
