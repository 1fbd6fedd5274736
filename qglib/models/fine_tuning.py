"""Training of a tagger: its head on frozen features, or the encoder as well."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.nn.utils.rnn import pad_sequence

from qglib.data import Sentence
from qglib.models import fitting
from qglib.models import windows as reading
from qglib.models.crf import IGNORED, cross_entropy
from qglib.models.heads import head_kind
from qglib.models.tagger import TokenTagger
from qglib.models.tags import decode_all, entity_f1, training_numbers
from qglib.models.tokenizer import ShapeTokenizer
from qglib.models.windows import WordFeatures, word_logits


def train_tagger(
    model: TokenTagger,
    tokenizer: ShapeTokenizer,
    train: Sequence[Sentence],
    dev: Sequence[Sentence],
    *,
    epochs: int = 4,
    rate: float = 4e-4,
    batch_size: int = 16,
    head_factor: float = 10.0,
    max_length: int = 128,
    precision: str = "auto",
    seed: int = 0,
    **options: Any,
) -> pd.DataFrame:
    """Fine-tune encoder and head in place; the best epoch on dev is kept.

    Cross-entropy on the first sub-word of every word, or the likelihood of the CRF;
    AdamW, linear warm-up and decay; batches of similar length; bfloat16 in the encoder
    where the processor has it. Deterministic for the same seed and number of threads.
    The model stays on its device and is left in eval mode. Data that cannot be learnt
    from and a loss that is not finite are a ValueError.

    Args:
        train, dev: tagged sentences; without ``dev`` the last epoch is kept.
        rate, head_factor: peak learning rate of the encoder, factor for the rest.
        max_length: sub-words per training window, special tokens included (with
            `context` the encoder's own limit); longer ones adjoin, nothing is cut.
        precision: "auto", "bf16" or "fp32".
        options: report and patience, see `qglib.models.fitting.run_epochs`.

    Returns:
        One row per epoch: epoch, loss, dev_f1 (entity F1, Viterbi), seconds.
        ``attrs``: precision, best_epoch.
    """
    fitting.check_settings(epochs, batch_size)
    labels = model.config.labels
    targets = training_numbers(labels, [s.tags for s in train], [s.tags for s in dev])
    reading.check_words([s.words for s in (*train, *dev)])
    given = [s.words for s in train], [s.document for s in train], model.config.context
    runs = reading.together(*given)
    targets = [np.concatenate([targets[k] for k in run]) for run in runs]
    words = [[word for k in run for word in train[k].words] for run in runs]
    batch_size = max(1, round(batch_size * len(runs) / len(train)))
    longest = 4096 if model.config.context else max_length
    pieces = reading.windows(tokenizer, words, longest)
    device, pad_id = model.feature_mean.device, tokenizer.pad_token_id or 0
    bf16 = choose_precision(device, precision)
    rng = np.random.default_rng(seed)
    lengths = [len(w.ids) for w in pieces]
    total = epochs * -(-len(pieces) // batch_size)
    rise = max(1, round(fitting.WARMUP * total))  # steps
    groups = []  # head and shape vectors learn faster, vectors do not decay
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            own = rate * (1.0 if name.startswith("encoder.") else head_factor)
            decay = fitting.WEIGHT_DECAY if parameter.ndim > 1 else 0.0
            groups.append({"params": [parameter], "lr": own, "weight_decay": decay})
    optimiser = torch.optim.AdamW(groups, lr=rate, fused=True)

    def factor(step: int) -> float:
        if step < rise:
            return (step + 1) / rise
        return max(0.0, (total - step) / max(1, total - rise))

    def loss(rows: Sequence[int]) -> torch.Tensor:
        batch = [pieces[k] for k in rows]
        inputs = reading.collate(batch, pad_id, device)
        model.encoder.eval()  # read without dropout
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
            hidden, shapes, _ = model.hidden(**inputs)
        row, column = (k.to(device) for k in reading.kept_positions(batch))
        flat = row * hidden.shape[1] + column
        # the head sees labelled words only and always computes in float32
        picked = hidden.flatten(0, 1).index_select(0, flat).float()
        logits = model.head(model.features(picked, shapes.flatten()[flat]))
        gold = [torch.from_numpy(targets[w.sentence][list(w.words)]) for w in batch]
        if model.crf is None:
            return cross_entropy(logits, torch.cat(gold).to(device))
        sequences = pad_sequence(logits.split([len(g) for g in gold]), True)
        return model.crf(sequences, pad_sequence(gold, True, IGNORED).to(device))

    def batches() -> Iterator[list[int]]:
        return reading.length_batches(lengths, batch_size, rng)

    def score() -> float:
        rows = [(s.words, s.tags, s.document) for s in dev]
        read, tags, names = zip(*rows, strict=True)
        found = word_logits(model, tokenizer, read, documents=names)
        return entity_f1(tags, decode_all(found, labels))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
    options |= {"epochs": epochs, "seed": seed, "score": score if dev else None}
    history = fitting.run_epochs(model, loss, batches, optimiser, schedule, **options)
    history.attrs["precision"] = "bfloat16" if bf16 else "float32"
    return history.rename(columns={"score": "dev_f1"})


def choose_precision(device: torch.device, precision: str = "auto") -> bool:
    """Whether to compute in bfloat16; "auto": where the processor has it."""
    if precision not in ("auto", "bf16", "fp32"):
        raise ValueError(f"precision must be auto, bf16 or fp32, got {precision!r}")
    if precision != "auto":
        return precision == "bf16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # private, but the only run-time test that torch offers; absent: float32
    units = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return device.type == "cpu" and any(getattr(torch.cpu, u, bool)() for u in units)


def train_head(
    model: TokenTagger,
    features: WordFeatures,
    tags: Sequence[Sequence[str]],
    dev: tuple[WordFeatures, Sequence[Sequence[str]]] | None = None,
    *,
    epochs: int | None = None,
    rate: float | None = None,
    seed: int = 0,
    **options: Any,
) -> pd.DataFrame:
    """Train ``model.head`` in place on `frozen_features`; the encoder stays.

    The standardising buffers take mean and deviation of these features.

    Args:
        features, tags: frozen features and IOB2 tags of the same sentences.
        dev: the same of others; the epoch with the best entity F1 (Viterbi) is kept.
        epochs, rate: default to tried values of the head in use (``DEFAULTS``).
        seed, options: see `qglib.models.fitting.fit`.

    Returns:
        One row per epoch: epoch, loss, dev_f1, seconds.
    """
    labels = model.config.labels
    held, held_tags = dev or (features, ())
    numbers = training_numbers(labels, tags, held_tags)
    for pair in ((features, tags), dev) if dev else ((features, tags),):
        _check_features(*pair)
    usual_epochs, usual_rate = fitting.DEFAULTS[head_kind(model.config.head)[0]]
    device = model.feature_mean.device
    hidden = torch.from_numpy(features.hidden).to(device)
    shapes = torch.from_numpy(features.shapes).to(device)
    variance, mean = torch.var_mean(hidden.float(), dim=0, correction=0)
    model.standardise(mean, variance.sqrt())
    flat = model.features(hidden, shapes)
    inputs: torch.Tensor | Callable[[torch.Tensor], torch.Tensor] = flat
    gold = torch.from_numpy(np.concatenate(numbers)).to(device)
    if model.crf:  # one row is a sentence
        sentences = flat.split(features.lengths.tolist())

        def read(rows: torch.Tensor) -> torch.Tensor:
            return pad_sequence([sentences[k] for k in rows.tolist()], True)

        inputs = read
        padded = [torch.from_numpy(row) for row in numbers]
        gold = pad_sequence(padded, True, IGNORED).to(device)
        options = {"batch_size": 32} | options

    def score() -> float:
        return entity_f1(held_tags, decode_all(head_logits(model, held), labels))

    options |= {"epochs": usual_epochs if epochs is None else epochs, "seed": seed}
    options |= {"score": score if dev else None, "measure": model.crf}
    rate = usual_rate if rate is None else rate
    history = fitting.fit(model.head, inputs, gold, rate=rate, **options)
    model.eval()
    return history.rename(columns={"score": "dev_f1"})


def head_logits(
    model: TokenTagger, features: WordFeatures, batch_size: int = 4096
) -> list[np.ndarray]:
    """Logits ``(n_words, n_labels)`` per sentence from frozen features.

    Equal to `word_logits` up to the precision the features were stored in.
    """
    model.head.eval()
    logits, both = [], (features.hidden, features.shapes)
    parts = (torch.from_numpy(values).split(batch_size) for values in both)
    with torch.inference_mode():
        for part in zip(*parts, strict=True):
            read = model.features(*(p.to(model.feature_mean.device) for p in part))
            logits.append(model.head(read).float().cpu())
    rows = features.split(torch.cat(logits).numpy())
    return model.crf.marginals(rows) if model.crf else rows


def _check_features(features: WordFeatures, tags: Sequence[Sequence[str]]) -> None:
    found = [len(t) for t in tags]
    if found != features.lengths.tolist():
        raise ValueError(
            f"features hold {len(features.lengths)} sentences, {len(features.hidden)} "
            f"words, tags {len(found)}, {sum(found)}: give the tags of the sentences "
            "the features were computed from"
        )
    if not np.isfinite(features.hidden).all():
        raise ValueError("features hold NaN or infinity: compute them again")
