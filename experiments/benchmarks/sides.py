"""The two sides of the training benchmark, each alone in a process of its own: how to build, step and wait."""

from __future__ import annotations

import importlib
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal, assert_never

import numpy as np
from sizes import Size
from timing import Seconds, timed

from workbench.objectives.batch import Batch

Device = Literal["cpu", "gpu"]
Name = Literal["ours", "hf-bert", "hf-modernbert", "tuned", "tuned-compiled"]
NAMES: tuple[Name, ...] = ("ours", "hf-bert", "hf-modernbert", "tuned", "tuned-compiled")
LEARNING_RATE, CLIP_NORM, WEIGHT_DECAY = 1e-4, 1.0, 0.01


@dataclass(frozen=True, slots=True)
class Side:
    """`step` starts one update on a batch; `wait` ends when all have ended, and returns the last loss."""

    step: Callable[[Batch], None]
    wait: Callable[[], float]
    num_parameters: int
    versions: dict[str, str]
    device_peak_bytes: Callable[[], int | None]


@dataclass(frozen=True, slots=True)
class Start:
    """What is known of a side after its first step. Units: compile in the first step's seconds, compiling included."""

    compile: Seconds
    first_loss: float
    num_parameters: int
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class End:
    """Units: bytes; `resident` of the host process with everything imported, before the model was built."""

    resident_before: int
    resident_peak: int
    device_peak: int | None
    last_loss: float


def ours(size: Size, device: Device, weights: Path | None) -> Side:
    """The workbench, through its public parts; its first weights are written to `weights` for the peer."""
    import jax

    from workbench import config, models
    from workbench.models.leaves import named_leaves
    from workbench.training import optim, state, step

    if device == "cpu":
        jax.config.update("jax_platforms", "cpu")
    assert jax.default_backend() == device, f"wanted {device}, jax found {jax.default_backend()}"
    settings = config.Optim(clip_norm=CLIP_NORM, weight_decay=WEIGHT_DECAY, beta2=0.999)
    rule = optim.rule(settings)
    model = models.build(size.model(), size.vocab_size, seed=0)
    if weights:
        np.savez(weights, **{name: np.asarray(leaf) for name, leaf in named_leaves(model).items()})
    num_parameters = models.num_parameters(model)
    held: dict[str, Any] = {"state": state.start(model, rule, 0)}
    del model

    def one(batch: Batch) -> None:
        held["state"], held["metrics"] = step.train_step(held["state"], batch, LEARNING_RATE, rule=rule)

    def wait() -> float:
        jax.block_until_ready(held["state"])
        return float(held["metrics"].loss)

    def peak() -> int | None:
        return (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use")

    return Side(one, wait, num_parameters, {"jax": jax.__version__}, peak)


def torch_side(name: Name, size: Size, device: Device, weights: Path | None) -> Side:
    """PyTorch: a transformers model as it comes, or our own encoder in PyTorch, compiled or not."""
    import os

    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.manual_seed(0)
    on = torch.device("cuda" if device == "gpu" else "cpu")
    versions = {"torch": torch.__version__}
    match name:
        case "tuned" | "tuned-compiled":
            from torch_encoder import Encoder

            model: Any = Encoder(
                size.width, size.num_layers, size.num_heads, size.feed_forward, size.vocab_size, size.length
            )
            if weights:
                with np.load(weights) as arrays:
                    model.load_workbench(arrays)
        case "hf-bert" | "hf-modernbert":
            import transformers

            versions["transformers"] = transformers.__version__
            model = huggingface(name, size)
        case "ours":
            raise AssertionError("not a PyTorch side")
        case _:
            assert_never(name)
    model = model.to(on).train()
    num_parameters = sum(parameter.numel() for parameter in model.parameters())
    decayed = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    rest = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": rest, "weight_decay": 0.0}],
        lr=LEARNING_RATE,
        fused=True,
    )
    forward = torch.compile(model) if name == "tuned-compiled" else model
    held: dict[str, Any] = {}

    def tensor(array: np.ndarray) -> Any:
        return torch.from_numpy(np.ascontiguousarray(array, dtype=np.int64)).to(on, non_blocking=True)

    def loss_of(batch: Batch) -> Any:
        assert batch.predict is not None
        real = batch.weights > 0
        places = (batch.predict + np.arange(len(batch.predict))[:, None] * batch.inputs.shape[1])[real]
        if name in ("tuned", "tuned-compiled"):
            return forward(tensor(batch.inputs), tensor(places), tensor(batch.targets[real]))
        labels = np.full(batch.inputs.shape, -100, np.int64)
        labels.ravel()[places] = batch.targets[real]
        ids = tensor(batch.inputs)
        return forward(input_ids=ids, attention_mask=tensor(batch.segments > 0), labels=tensor(labels)).loss

    def one(batch: Batch) -> None:
        with torch.autocast(on.type, torch.bfloat16, enabled=size.dtype == "bfloat16"):
            loss = loss_of(batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM, foreach=True)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        held["loss"] = loss.detach()

    def wait() -> float:
        if device == "gpu":
            torch.cuda.synchronize()
        return float(held["loss"])

    def peak() -> int | None:
        return torch.cuda.max_memory_allocated() if device == "gpu" else None

    return Side(one, wait, num_parameters, versions, peak)


def huggingface(name: Literal["hf-bert", "hf-modernbert"], size: Size) -> Any:
    """A transformers masked LM of nearly as many weights, dropout off, attention by sdpa, all else as it comes."""
    import transformers

    shape: dict[str, Any] = {
        "vocab_size": size.vocab_size,
        "hidden_size": size.width,
        "num_hidden_layers": size.num_layers,
        "num_attention_heads": size.num_heads,
        "max_position_embeddings": size.length,
        "pad_token_id": 0,
    }
    if name == "hf-bert":
        settings: Any = transformers.BertConfig(
            **shape, intermediate_size=4 * size.width, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
        )
        model: Any = transformers.BertForMaskedLM
    else:
        # ids of special tokens beyond the vocabulary would be refused
        special = {"bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2}
        settings = transformers.ModernBertConfig(**shape, **special, intermediate_size=size.feed_forward)
        model = transformers.ModernBertForMaskedLM
    settings._attn_implementation = "sdpa"
    return model(settings)


def build(name: Name, size: Size, device: Device, weights: Path | None) -> Side:
    return ours(size, device, weights) if name == "ours" else torch_side(name, size, device, weights)


def memory(field: Literal["VmRSS", "VmHWM"]) -> int:
    """Bytes that this process holds (VmRSS) or held at most (VmHWM)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status: no {field}")


def serve(name: Name, size: Size, device: Device, weights: Path | None, batches: list[Batch], pipe: Connection) -> None:
    """Build a side, tell how it starts, then run as many steps as each message asks for; 0 ends it."""
    import_all(name)
    before = memory("VmRSS")
    side = build(name, size, device, weights)
    first: list[float] = []

    def start() -> None:
        side.step(batches[0])
        first.append(side.wait())

    compile_seconds = timed(start)
    pipe.send(Start(compile_seconds, first[0], side.num_parameters, side.versions))
    done = 1
    while num_steps := pipe.recv():
        upcoming = [batches[(done + number) % len(batches)] for number in range(num_steps)]
        wall, cpu = time.perf_counter(), time.process_time()
        for batch in upcoming:
            side.step(batch)
        side.wait()
        pipe.send(Seconds(time.perf_counter() - wall, time.process_time() - cpu))
        done += num_steps
    pipe.send(End(before, memory("VmHWM"), side.device_peak_bytes(), side.wait()))


def import_all(name: Name) -> None:
    """Load what `name` needs, so that its model's memory can be told from its libraries'."""
    if name == "ours":
        modules = ["workbench.training.step"]
    elif name.startswith("hf"):
        modules = [f"transformers.models.{kind}.modeling_{kind}" for kind in ("bert", "modernbert")]
    else:
        modules = ["torch._dynamo"]
    for module in modules:
        importlib.import_module(module)


def matmul_rate(pipe: Connection) -> None:
    """Operations per second of one large bfloat16 matrix product, the median of a few: what this device can do."""
    import statistics

    import jax
    import jax.numpy as jnp

    size, repeats = 8_192, 20
    left, right = (jnp.ones((size, size), jnp.bfloat16) for _ in range(2))
    product = jax.jit(lambda left, right: left @ right)
    jax.block_until_ready(product(left, right))

    def run() -> None:
        found = [product(left, right) for _ in range(repeats)]
        jax.block_until_ready(found)

    seconds = statistics.median(timed(run).wall for _ in range(9))
    pipe.send(repeats * 2.0 * size**3 / seconds)


def alone(work: Callable[[Connection], None]) -> Any:
    """What `work` sends, run in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours_end, their_end = context.Pipe()
    process = context.Process(target=work, args=(their_end,))
    process.start()
    their_end.close()
    found = ours_end.recv()
    process.join()
    return found
