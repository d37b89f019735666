"""The workbench's encoder written for PyTorch as well as we know how, and the peer that is hardest to beat.

Same arithmetic: pre-norm RMSNorm, RoPE, GeGLU with the tanh GELU, no biases, tied embeddings, a head with one hidden
layer. Projections are fused where they share their input, attention is `scaled_dot_product_attention` without a mask
(rows here are full), and the vocabulary softmax is computed at masked positions only.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn
from torch.nn import functional

EPSILON = 1e-6


class Block(nn.Module):
    def __init__(self, width: int, num_heads: int, feed_forward: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.attention_norm = nn.RMSNorm(width, eps=EPSILON)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.mlp_norm = nn.RMSNorm(width, eps=EPSILON)
        self.gate_up = nn.Linear(width, 2 * feed_forward, bias=False)
        self.down = nn.Linear(feed_forward, width, bias=False)

    def forward(self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:  # x [B, T, D]
        rows, length, width = x.shape
        qkv = self.qkv(self.attention_norm(x)).view(rows, length, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        query, key = rotate(qkv[0], cos, sin), rotate(qkv[1], cos, sin)
        mixed = functional.scaled_dot_product_attention(query, key, qkv[2])
        x = x + self.out(mixed.transpose(1, 2).reshape(rows, length, width))
        gate, up = self.gate_up(self.mlp_norm(x)).chunk(2, dim=-1)
        return x + self.down(functional.gelu(gate, approximate="tanh") * up)


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:  # x [B, H, T, K]
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


class Encoder(nn.Module):
    def __init__(
        self, width: int, num_layers: int, num_heads: int, feed_forward: int, vocab_size: int, length: int
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        self.blocks = nn.ModuleList(Block(width, num_heads, feed_forward) for _ in range(num_layers))
        self.final_norm = nn.RMSNorm(width, eps=EPSILON)
        self.head = nn.Linear(width, width, bias=False)
        self.head_norm = nn.RMSNorm(width, eps=EPSILON)
        self.vocab_bias = nn.Parameter(torch.zeros(vocab_size))
        half = width // num_heads // 2
        angles = torch.arange(length)[:, None] * 10_000.0 ** (-torch.arange(half) / half)
        self.register_buffer("cos", torch.cos(angles), persistent=False)
        self.register_buffer("sin", torch.sin(angles), persistent=False)

    def forward(
        self, ids: torch.Tensor, predict: torch.Tensor, targets: torch.Tensor
    ) -> torch.Tensor:  # ids [B, T]; predict [P], places in the flattened batch; targets [P]
        x = self.embedding(ids)
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        x = self.final_norm(x).flatten(0, 1)[predict]
        x = self.head_norm(functional.gelu(self.head(x), approximate="tanh"))
        return functional.cross_entropy(functional.linear(x, self.embedding.weight, self.vocab_bias), targets)

    def load_workbench(self, weights: Mapping[str, np.ndarray]) -> None:
        """Take the workbench encoder's weights, by their names there, so that both start from the same loss."""

        def matrix(*names: str, outputs_last: bool = True) -> torch.Tensor:
            width = self.embedding.embedding_dim
            parts = [
                weights[name].reshape(width, -1) if outputs_last else weights[name].reshape(-1, width) for name in names
            ]
            return torch.from_numpy(np.concatenate([part.T for part in parts], axis=0))

        state = {
            "embedding.weight": torch.from_numpy(weights["embedding"].copy()),
            "final_norm.weight": torch.from_numpy(weights["final_norm.scale"].copy()),
            "head.weight": matrix("head"),
            "head_norm.weight": torch.from_numpy(weights["head_norm.scale"].copy()),
            "vocab_bias": torch.from_numpy(weights["vocab_bias"].copy()),
        }
        for layer in range(len(self.blocks)):
            ours, theirs = f"blocks.{layer}", f"blocks.{layer}"
            for norm in ("attention_norm", "mlp_norm"):
                state[f"{theirs}.{norm}.weight"] = torch.from_numpy(weights[f"{ours}.{norm}.scale"].copy())
            attention = [f"{ours}.attention.{name}" for name in ("query", "key", "value")]
            state[f"{theirs}.qkv.weight"] = matrix(*attention)
            state[f"{theirs}.out.weight"] = matrix(f"{ours}.attention.out", outputs_last=False)
            state[f"{theirs}.gate_up.weight"] = matrix(f"{ours}.mlp.gate", f"{ours}.mlp.up")
            state[f"{theirs}.down.weight"] = matrix(f"{ours}.mlp.down", outputs_last=False)
        self.load_state_dict(state)
