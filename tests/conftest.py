"""Fixtures: the offline encoder, a tiny encoder, and real data beside the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def encoder_dir() -> Path:
    """Folder of the offline encoder; its absence is a failure, not a skip."""
    from qglib.models import encoder_path

    try:
        return Path(encoder_path())
    except FileNotFoundError as error:
        pytest.fail(f"the offline encoder is needed for this test: {error}")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data sets for tests, never part of the project."""
    named = os.environ.get("QGLIB_SHARED_DATA", "")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(
            f"no real data: {folder} does not exist (set QGLIB_SHARED_DATA to a folder "
            "with wnut17, uner_ewt, …)"
        )
    return folder


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Folder of a 2-layer BERT with random weights and a small vocabulary."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny-encoder")
    letters = [chr(c) for c in range(33, 127) if not chr(c).isupper()]
    words = "the in to of said met visited bank paris anna acme france".split()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words, *letters]
    vocabulary += [f"##{c}" for c in letters]
    backend = Tokenizer(
        models.WordPiece({w: k for k, w in enumerate(vocabulary)}, unk_token="[UNK]")
    )
    backend.normalizer = normalizers.BertNormalizer()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=48,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    ).save_pretrained(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        BertModel(
            BertConfig(
                vocab_size=len(vocabulary),
                hidden_size=32,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=64,
                max_position_embeddings=48,
            )
        ).save_pretrained(folder)
    return str(folder)
