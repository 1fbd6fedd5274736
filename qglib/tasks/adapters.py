"""Low-rank adapters (LoRA) for the token tagger and the text classifier, by peft."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from torch import nn

from qglib.models import TokenTagger, TokenTaggerConfig
from qglib.models.encoder import encoder_path, fingerprint, load_encoder
from qglib.models.tokenizer import ShapeTokenizer, load_tokenizer
from qglib.tasks.text_classifier import TextClassifier, TextClassifierConfig

SCALING_FILE = "standardisation.safetensors"
BUFFERS = ("feature_mean", "feature_scale")
QUERY_VALUE = (("query", "value"), ("q_lin", "v_lin"), ("q_proj", "v_proj"))
CLASSES = {
    TokenTaggerConfig.model_type: (TokenTaggerConfig, TokenTagger),
    TextClassifierConfig.model_type: (TextClassifierConfig, TextClassifier),
}

Model = TokenTagger | TextClassifier


def add_lora(
    model: Model,
    rank: int = 8,
    alpha: float = 16.0,
    dropout: float = 0.0,
    targets: Sequence[str] = (),
) -> PeftModel:
    """Freeze the encoder and give its query and value maps low-rank updates.

    The head (and the tagger's shape vectors) are trained whole. The model is changed
    in place: `unwrapped` is still a tagger or classifier, which `train_tagger`,
    `word_logits` and `fine_tune_classifier` take. ``merge_and_unload()`` gives the
    plain model with the updates added. Source: Hu et al., LoRA, ICLR 2022.

    Parameters
    ----------
    rank, alpha : updates are ``alpha / rank * B A`` with ``A`` (rank, width).
    targets : names of the linear maps; query and value if not given.

    Raises
    ------
    ValueError
        rank below 1, an encoder that was changed already, or no such maps in it.
    """
    if rank < 1:
        raise ValueError(f"rank is {rank}: it must be at least 1")
    if fingerprint(model.encoder) != model.config.encoder_sha256:
        raise ValueError(
            "the encoder's weights changed since the model was built (fine-tuned, or "
            "adapters already added), saved adapters would not reproduce it: start "
            "from a freshly built model"
        )
    names = {name.rpartition(".")[2] for name, _ in model.encoder.named_modules()}
    pairs = [tuple(targets)] if targets else QUERY_VALUE
    fitting = [pair for pair in pairs if set(pair) <= names]
    if not fitting:
        raise ValueError(
            f"targets: the encoder has no maps named {' or '.join(map(str, pairs))}; "
            "name some of its linear maps, for instance targets=('query', 'value')"
        )
    whole = ["head"] + ["shape_embedding"] * isinstance(model, TokenTagger)
    settings = LoraConfig(
        r=rank,
        lora_alpha=alpha,
        lora_dropout=dropout,
        target_modules=list(fitting[0]),
        modules_to_save=whole,
    )
    with _quiet():
        return get_peft_model(model, settings).eval()


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence a name that peft still uses and transformers renamed."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated")
        yield


def unwrapped(model: nn.Module) -> nn.Module:
    """The tagger or classifier inside a `PeftModel`; others stay as they are."""
    return model.base_model.model if isinstance(model, PeftModel) else model


def trainable_share(model: nn.Module) -> tuple[int, int]:
    """Trainable and all parameters."""
    sizes = [(p.requires_grad * p.numel(), p.numel()) for p in model.parameters()]
    return sum(a for a, _ in sizes), sum(b for _, b in sizes)


def save_adapter(model: PeftModel, folder: str | Path) -> None:
    """Write adapters, head, standardisation and config; not the encoder.

    Raises
    ------
    TypeError
        a model without adapters.
    """
    if not isinstance(model, PeftModel):
        raise TypeError(
            f"model is a {type(model).__name__} without adapters: use save_pretrained"
        )
    folder, base = Path(folder), unwrapped(model)
    with warnings.catch_warnings():
        # peft asks a hub for the base model's vocabulary; there is none to ask
        warnings.filterwarnings("ignore", "Could not find a config file")
        model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)  # an empty form of a model card
    base.config.save_pretrained(folder)
    buffers = {k: getattr(base, k).detach().cpu().contiguous() for k in BUFFERS}
    save_file(buffers, folder / SCALING_FILE, metadata={"format": "pt"})


def load_adapter(
    folder: str | Path, encoder: str = ""
) -> tuple[PeftModel, ShapeTokenizer]:
    """A model with adapters in eval mode, on the encoder they were trained on.

    Parameters
    ----------
    folder : written by `save_adapter`.
    encoder : see `qglib.models.encoder_path`; ``""`` takes the name that the folder
        remembers, else the offline encoder.

    Raises
    ------
    FileNotFoundError
        a file is missing there.
    ValueError
        another kind of model, or an encoder with other weights.
    """
    folder = Path(folder)
    for name in ("config.json", "adapter_config.json", SCALING_FILE):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"folder: {folder} holds no {name}; expected a folder written by "
                "save_adapter"
            )
    kind = json.loads((folder / "config.json").read_text()).get("model_type")
    if kind not in CLASSES:
        raise ValueError(f"folder: {folder} holds adapters of a {kind!r} model")
    config_class, model_class = CLASSES[kind]
    config = config_class.from_pretrained(folder)
    path = encoder_path(encoder or config.encoder_name)
    pretrained = load_encoder(path)
    found = fingerprint(pretrained)
    if found != config.encoder_sha256:
        raise ValueError(
            f"encoder: its weights have fingerprint {found[:12]}…, the adapters belong "
            f"to {config.encoder_sha256[:12]}…; name that encoder"
        )
    with torch.random.fork_rng(devices=[]):
        model = model_class(config)
        model.encoder = pretrained
        model.load_state_dict(load_file(folder / SCALING_FILE), strict=False)
        with _quiet():
            adapted = PeftModel.from_pretrained(model, folder)
    return adapted.eval(), load_tokenizer(path, pretrained.config)
