from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    BertForTokenClassification,
    pipeline,
)

from qglib import run
from qglib.models import (
    TokenTagger,
    build_tagger,
    decode_all,
    load_tagger,
    save_head,
    word_logits,
)
from qglib.models.heads import HEADS

LAYERS = (1, 2)
SENTENCES = [
    ["Anna", "met", "the", "bank", "."],
    ["Paris"],
    ["Acme", "of", "FRANCE", "visited", "x-ray", "7", "!"],
    ["Paris"],
]


def tagger(tiny_encoder, head="linear", **options):
    return build_tagger(
        tiny_encoder, head=head, hidden_layers=LAYERS, qubits=3, layers=2, **options
    )


@pytest.mark.parametrize("head", HEADS)
def test_save_and_load_through_auto_classes(tiny_encoder, tmp_path, head) -> None:
    model, tokenizer = tagger(tiny_encoder, head)
    with torch.no_grad():
        model.shape_embedding.weight.normal_()
        model.feature_mean.normal_()
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    names = {f.name for f in tmp_path.iterdir()}
    assert "model.safetensors" in names
    assert not any(n.endswith((".bin", ".pt", ".pkl")) for n in names)
    before = word_logits(model, tokenizer, SENTENCES)
    auto = AutoModelForTokenClassification.from_pretrained(tmp_path).eval()
    assert type(auto) is TokenTagger
    loaded, words = load_tagger(tmp_path)
    assert not loaded.training
    for found in (
        word_logits(auto, AutoTokenizer.from_pretrained(tmp_path), SENTENCES),
        word_logits(loaded, words, SENTENCES),
    ):
        for a, b in zip(before, found, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)
    assert auto.config.id2label[1] == "B-LOC"


@pytest.mark.parametrize("head", HEADS)
def test_gradients_reach_every_parameter(tiny_encoder, head) -> None:
    model, tokenizer = tagger(tiny_encoder, head)
    inputs = tokenizer("Anna met the bank", return_tensors="pt")
    model.train()
    model(**inputs, labels=torch.ones_like(inputs["input_ids"])).loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
    for part in (model.head, model.shape_embedding, model.get_input_embeddings()):
        assert any(p.grad.abs().sum() > 0 for p in part.parameters())


def test_quantum_head_and_its_classical_control_have_about_the_same_size(
    tiny_encoder,
) -> None:
    sizes = {}
    for head in ("quantum", "bottleneck"):
        model, _ = build_tagger(tiny_encoder, head=head, hidden_layers=LAYERS)
        sizes[head] = sum(p.numel() for p in model.head.parameters())
    assert abs(sizes["quantum"] / sizes["bottleneck"] - 1) < 0.15


def test_quantum_head_keeps_its_training_after_loading(tiny_encoder, tmp_path) -> None:
    model, _ = tagger(tiny_encoder, "quantum")
    model.save_pretrained(tmp_path)
    loaded = AutoModelForTokenClassification.from_pretrained(tmp_path)
    weights = dict(loaded.head.named_parameters())
    assert weights.keys() == dict(model.head.named_parameters()).keys()
    x = torch.randn(5, len(model.feature_mean))
    loaded.head(x).sum().backward()
    assert all(w.grad is not None and w.device.type == "cpu" for w in weights.values())


def test_shapes_equal_nine_token_types(tiny_encoder) -> None:
    """Added shape vectors are what BERT does with a type vocabulary of nine."""
    model, tokenizer = build_tagger(tiny_encoder, hidden_layers=(2,))
    with torch.no_grad():
        model.shape_embedding.weight.normal_(std=0.5)
    twin = BertForTokenClassification.from_pretrained(
        tiny_encoder, num_labels=9, type_vocab_size=9, ignore_mismatched_sizes=True
    ).eval()
    state = model.encoder.state_dict()
    row = state["embeddings.token_type_embeddings.weight"][0]
    types = "embeddings.token_type_embeddings.weight"
    with torch.no_grad():
        twin.bert.load_state_dict(
            {k: v for k, v in state.items() if k != types}, strict=False
        )
        twin.bert.embeddings.token_type_embeddings.weight.copy_(
            row + model.shape_embedding.weight
        )
    inputs = tokenizer(
        SENTENCES, is_split_into_words=True, padding=True, return_tensors="pt"
    )
    with torch.no_grad():
        hidden, shapes, _ = model.hidden(**inputs)
        theirs = twin.bert(**inputs).last_hidden_state
    real = inputs["attention_mask"].bool()
    torch.testing.assert_close(hidden[real], theirs[real], atol=1e-5, rtol=0)
    assert (shapes == inputs["token_type_ids"]).all()


def test_padding_changes_nothing(encoder_dir) -> None:
    model, tokenizer = build_tagger(head="mlp")
    together = word_logits(model, tokenizer, SENTENCES)
    for words, found in zip(SENTENCES, together, strict=True):
        alone = word_logits(model, tokenizer, [words])[0]
        assert found.shape == (len(words), 9)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, alone, atol=1e-5, rtol=0)


def test_embeddings_in_place_of_ids(tiny_encoder) -> None:
    model, tokenizer = tagger(tiny_encoder)
    inputs = tokenizer("Anna met the bank", return_tensors="pt")
    embeds = model.get_input_embeddings()(inputs["input_ids"]).detach().requires_grad_()
    out = model(
        inputs_embeds=embeds,
        attention_mask=inputs["attention_mask"],
        token_type_ids=inputs["token_type_ids"],
        output_hidden_states=True,
        output_attentions=True,
    )
    torch.testing.assert_close(out.logits, model(**inputs).logits)
    assert len(out.hidden_states) == 3
    assert len(out.attentions) == 2
    out.logits[0, 1].sum().backward()
    assert embeds.grad.abs().sum() > 0
    with pytest.raises(ValueError, match="input_ids or inputs_embeds"):
        model()


def test_head_folder_is_small_and_bound_to_its_encoder(encoder_dir, tmp_path) -> None:
    model, tokenizer = build_tagger(head="mlp", seed=3)
    save_head(model, tmp_path)
    assert sum(f.stat().st_size for f in tmp_path.iterdir()) < 1_000_000
    assert "/" not in model.config.encoder_name
    loaded, again = load_tagger(tmp_path)
    for a, b in zip(
        word_logits(model, tokenizer, SENTENCES),
        word_logits(loaded, again, SENTENCES),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)
    with torch.no_grad():
        model.encoder.embeddings.word_embeddings.weight[5] += 1
    with pytest.raises(ValueError, match="save_pretrained"):
        save_head(model, tmp_path)


def test_head_folder_refuses_another_encoder(tiny_encoder, tmp_path) -> None:
    model, _ = tagger(tiny_encoder)
    model.config.encoder_sha256, good = "0" * 64, model.config.encoder_sha256
    with pytest.raises(ValueError, match="save_pretrained"):
        save_head(model, tmp_path)
    model.config.encoder_sha256 = good
    save_head(model, tmp_path)
    text = (tmp_path / "config.json").read_text()
    (tmp_path / "config.json").write_text(text.replace(good, "f" * 64))
    with pytest.raises(ValueError, match="name that encoder"):
        load_tagger(tmp_path, encoder=tiny_encoder)


def test_folders_that_are_no_tagger(tiny_encoder, tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no config\.json"):
        load_tagger(tmp_path)
    with pytest.raises(ValueError, match="'bert' model, not a tagger"):
        load_tagger(tiny_encoder)


def test_weights_that_lack_a_part_are_refused(tiny_encoder, tmp_path) -> None:
    from safetensors.torch import load_file, save_file

    model, tokenizer = tagger(tiny_encoder)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    state = load_file(tmp_path / "model.safetensors")
    del state["head.1.weight"]
    save_file(state, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(
        ValueError, match=r"the weight classifier\.1\.weight is missing"
    ):
        load_tagger(tmp_path)


def test_stock_pipeline_sees_the_shapes(tiny_encoder, tmp_path) -> None:
    model, tokenizer = tagger(tiny_encoder, "mlp", seed=5)
    with torch.no_grad():
        # a head that answers by shape alone: capitals are persons
        model.feature_scale[:-9] = 1e9
        model.head[0].weight.zero_()
        model.head[0].bias.zero_()
        model.head[3].weight.zero_()
        model.head[3].bias.zero_()
        model.head[0].weight[0, -9 + 6] = 10.0
        model.head[3].weight[model.config.labels.index("B-PER"), 0] = 10.0
        model.head[3].bias[0] = 5.0
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    stock = pipeline(
        "token-classification", model=str(tmp_path), aggregation_strategy="first"
    )
    text = "the bank met Anna in Paris."
    found = [(e["entity_group"], text[e["start"] : e["end"]]) for e in stock(text)]
    assert found == [("PER", "Anna"), ("PER", "Paris")]
    words = text.replace(".", " .").split()
    split = stock(words, is_split_into_words=True)
    names = [e["word"] for e in split[0]]
    assert names == ["anna", "paris"]
    tags = decode_all(word_logits(model, tokenizer, [words]), model.config.labels)[0]
    assert tags == ["O", "O", "O", "B-PER", "O", "B-PER", "O"]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"head": "svm"}, "head must be one of linear, mlp, bottleneck, quantum"),
        ({"types": ()}, "types must be different"),
        ({"types": ("A", "A")}, "types must be different"),
        ({"hidden_layers": (3,)}, "layers 0 to 2 of this encoder, got"),
        ({"hidden_layers": ()}, "layers 0 to 2"),
        ({"head": "quantum", "qubits": 0}, "qubits 0, layers 3: give each 1 to 1000"),
        ({"head": "quantum", "layers": 0}, "layers 0: give each"),
    ],
)
def test_wrong_settings(tiny_encoder, options, match) -> None:
    with pytest.raises(ValueError, match=match):
        build_tagger(tiny_encoder, **{"hidden_layers": LAYERS, **options})


def test_building_leaves_the_global_generator_alone(tiny_encoder) -> None:
    torch.manual_seed(0)
    state = torch.get_rng_state()
    one, _ = tagger(tiny_encoder, seed=4)
    two, _ = tagger(tiny_encoder, seed=4)
    other, _ = tagger(tiny_encoder, seed=5)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(one.head[1].weight, two.head[1].weight)
    assert not torch.equal(one.head[1].weight, other.head[1].weight)


def test_a_tagger_of_other_types_is_refused(tiny_encoder, tmp_path) -> None:
    model, _ = build_tagger(
        tiny_encoder, ("LOC", "PER"), "linear", hidden_layers=(1, 2)
    )
    save_head(model, tmp_path)
    load_tagger(tmp_path, tiny_encoder, types=("PER",))
    with pytest.raises(ValueError, match="does not know MISC, ORG, its labels are O"):
        load_tagger(tmp_path, tiny_encoder, types=("PER", "ORG", "MISC"))


def test_the_tagger_kept_with_the_project_loads(encoder_dir) -> None:
    """Saved by an earlier version, whose configuration knew no reach."""
    model, tokenizer = load_tagger(run.REFERENCE / "02_model_training" / "model")
    words = "Anna Smith flew from Berlin to Paris on Monday .".split()
    tags = decode_all(word_logits(model, tokenizer, [words]), model.config.labels)[0]
    assert tags[4] == tags[6] == "B-LOC"
