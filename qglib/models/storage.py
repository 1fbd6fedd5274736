"""Taggers: built on a pretrained encoder, saved whole or as a head, and loaded."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from qglib.data import labels_of
from qglib.models import encoder as encoders
from qglib.models.encoder import encoder_path, fingerprint, load_encoder
from qglib.models.tagger import TokenTagger, TokenTaggerConfig
from qglib.models.tags import check_labels
from qglib.models.tokenizer import ShapeTokenizer, load_tokenizer
from qglib.record import read_json

CONFIG_FILE, HEAD_FILE = "config.json", "head.safetensors"
FIELDS: dict[str, Any] = dict(encoder_config=dict, encoder_name=str)
FIELDS |= dict(encoder_sha256=str, labels=list)


def build_tagger(
    encoder: str = "",
    types: Sequence[str] = ("LOC", "MISC", "ORG", "PER"),
    head: str = "mlp",
    qubits: int = 8,
    layers: int = 3,
    hidden_layers: Sequence[int] = (3, 6),
    seed: int = 0,
    dropout: float = 0.1,
    quantum_device: Any = None,
    crf: bool = False,
    characters: int = 0,
    context: int = 0,
) -> tuple[TokenTagger, ShapeTokenizer]:
    """A tagger on a pretrained encoder with a fresh head, in eval mode.

    Args:
        encoder: see `encoder_path`; "" is the offline MiniLM.
        types: entity types; labels are O and B, I of each in sorted order.
        head, qubits, layers, dropout, quantum_device: see `heads.build_head`.
        hidden_layers: encoder layers the head reads, 0 is the embedding output.
        seed: of the head's random weights.
        crf: whether a chain of tags is learnt on the head's logits.
    """
    if not types or len(set(types)) != len(types):
        raise ValueError(f"types must be different and not empty, got {list(types)}")
    path = encoder_path(encoder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pretrained = load_encoder(path)
        settings = pretrained.config.to_dict()
        settings.pop("_name_or_path", None)  # a path of this machine
        sizes = dict(qubits=qubits, layers=layers, dropout=dropout)
        config = TokenTaggerConfig(
            settings,
            labels_of(tuple(types)),
            hidden_layers,
            # a folder of this machine means nothing elsewhere
            encoder_name="" if Path(path).is_dir() else encoder,
            encoder_sha256=fingerprint(pretrained),
            **dict(sizes, head=head, crf=crf, characters=characters, context=context),
        )
        torch.manual_seed(seed + 1)
        model = TokenTagger(config, quantum_device)
    model.encoder = pretrained
    return model.eval(), load_tokenizer(path, pretrained, characters)


def save_head(model: TokenTagger, folder: str | Path) -> None:
    """Save all but the encoder; `load_tagger` refuses any other one by its SHA-256.

    A fine-tuned encoder is a ValueError: use ``model.save_pretrained(folder)``.
    """
    if fingerprint(model.encoder) != model.config.encoder_sha256:
        raise ValueError("the encoder was fine-tuned: use model.save_pretrained")
    model.config.save_pretrained(folder)
    own = (item for item in model.state_dict().items() if item[0][:8] != "encoder.")
    state = {name: value.contiguous() for name, value in own}
    save_file(state, Path(folder) / HEAD_FILE, metadata={"format": "pt"})


def load_tagger(
    folder: str | Path, encoder: str = "", types: Sequence[str] = ()
) -> tuple[TokenTagger, ShapeTokenizer]:
    """A tagger in eval mode, from a whole-model folder or a head-only folder.

    Args:
        folder: written by ``save_pretrained`` (model and tokenizer) or `save_head`.
        encoder: for a head-only folder, the encoder it stands on; ``""`` takes the
            name that the folder remembers, else the offline encoder.
        types: entity types the tagger must know.

    Raises:
        FileNotFoundError: no such folder, or no config.json or weights in it.
        ValueError: another encoder or types, broken files, pickles.
    """
    folder = Path(folder).expanduser()
    with encoders.reading(folder, CONFIG_FILE):
        kind = read_json(folder / CONFIG_FILE).get("model_type")
        if kind != TokenTaggerConfig.model_type:
            raise ValueError(f"a {kind!r} model, not a tagger of this package")
        read_json(folder / CONFIG_FILE, **FIELDS)
        config = TokenTaggerConfig.from_pretrained(folder, trust_remote_code=False)
        check_labels(config.labels, tagged=True)
    missing = sorted(set(types) - {label[2:] for label in config.labels})
    if missing:
        raise ValueError(
            f"types: the tagger in {folder} does not know {', '.join(missing)}, its "
            f"labels are {', '.join(config.labels)}: name another tagger or run folder"
        )
    if not (folder / HEAD_FILE).is_file():
        with encoders.reading(folder):
            model = TokenTagger.from_pretrained(folder, trust_remote_code=False)
        path, pretrained = str(folder), model.encoder
        return model.eval(), load_tokenizer(path, pretrained, config.characters)
    path = encoder_path(encoder or config.encoder_name)
    pretrained = load_encoder(path)
    found = fingerprint(pretrained)
    if found != config.encoder_sha256:
        raise ValueError(
            f"encoder: {path} has fingerprint {found[:12]}…, the head in {folder} was "
            f"trained on {config.encoder_sha256[:12]}…; name that encoder"
        )
    with encoders.reading(folder), torch.random.fork_rng(devices=[]):
        model = TokenTagger(config)
        model.encoder = pretrained
        state = pretrained.state_dict(prefix="encoder.")
        for name, value in load_file(folder / HEAD_FILE).items():
            # earlier versions called the head so
            state[re.sub(r"^head\.", "classifier.", name)] = value
        model.load_state_dict(state)
        encoders.check_weights(model)
    return model.eval(), load_tokenizer(path, pretrained, config.characters)
