"""What a tagger must do to be deployed: precisions, export, ONNX, PEFT, attention."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoModelForTokenClassification

from qglib.models import build_tagger, load_tagger, save_head, word_logits
from qglib.models.heads import HEADS, real_circuit
from qglib.quantum import QuantumHead, circuits

WORDS = ["Anna met the bank of Paris .".split(), "Paris .".split()]
OTHER = ["the bank met the bank of the bank of Paris in Paris .".split()] * 3


@pytest.fixture(params=[("linear", 0), ("quantum", 0), ("linear", 8)])
def tagger(tiny_encoder, request):
    head, characters = request.param
    model, tokenizer = build_tagger(
        tiny_encoder, head=head, hidden_layers=(1, 2), qubits=3, layers=2,
        characters=characters,
    )  # fmt: skip
    if characters:
        torch.nn.init.normal_(model.spelled.weight, std=0.1)
    return model, tokenizer


def inputs_of(tokenizer, words=WORDS):
    return dict(
        tokenizer(words, is_split_into_words=True, padding=True, return_tensors="pt")
    )


@pytest.mark.parametrize("n", [1, 2, 4])
def test_the_real_circuit_is_the_circuit(n) -> None:
    qnode, shapes, _ = circuits.reuploading("default.qubit", n, 2)
    torch.manual_seed(n)
    own = QuantumHead(qnode, shapes, backend="batched").double()
    x = torch.randn(5, n, dtype=torch.double, requires_grad=True)
    found, wanted = real_circuit(x, own.weights), own(x)
    torch.testing.assert_close(found, wanted)
    for a, b in zip(
        torch.autograd.grad(found.cos().sum(), (x, own.weights)),
        torch.autograd.grad(wanted.cos().sum(), (x, own.weights)),
        strict=True,
    ):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precisions(tagger, tmp_path, dtype) -> None:
    model, tokenizer = tagger
    model.save_pretrained(tmp_path)
    low = AutoModelForTokenClassification.from_pretrained(tmp_path, dtype=dtype).eval()
    for a, b in zip(
        word_logits(model, tokenizer, WORDS),
        word_logits(low, tokenizer, WORDS),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, atol=0.05)
    inputs = inputs_of(tokenizer)
    out = low(**inputs, labels=torch.ones_like(inputs["input_ids"]))
    assert out.logits.dtype == dtype
    out.loss.backward()
    assert all(p.grad.isfinite().all() for p in low.head.parameters())


def test_export_takes_other_lengths_and_batches(tagger) -> None:
    model, tokenizer = tagger
    inputs = inputs_of(tokenizer)
    sizes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length", max=48)}
    program = torch.export.export(
        model, (), inputs, dynamic_shapes=dict.fromkeys(inputs, sizes)
    )
    other = inputs_of(tokenizer, OTHER)
    with torch.no_grad():
        found, wanted = program.module()(**other).logits, model(**other).logits
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)


def test_onnxruntime_gives_the_same_logits(tagger, tmp_path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    model, tokenizer = tagger
    inputs, file = inputs_of(tokenizer), tmp_path / "tagger.onnx"
    sizes = {key: {0: "batch", 1: "length"} for key in inputs}
    torch.onnx.export(model, (), file, kwargs=inputs, dynamo=True, dynamic_shapes=sizes)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    other = inputs_of(tokenizer, OTHER)
    (found, *_) = session.run(None, {k: v.numpy() for k, v in other.items()})
    with torch.no_grad():
        wanted = model(**other).logits.numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-5, rtol=0)


def test_the_whole_graph_compiles(tagger) -> None:
    model, tokenizer = tagger
    inputs = inputs_of(tokenizer)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    with torch.no_grad():  # the first call of transformers sets hooks: not compiled
        wanted, found = model(**inputs).logits, compiled(**inputs).logits
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)


def test_attention_auto_model_and_tuples(tagger, tmp_path) -> None:
    model, tokenizer = tagger
    model.save_pretrained(tmp_path)
    inputs = inputs_of(tokenizer)
    auto = AutoModel.from_pretrained(tmp_path, attn_implementation="sdpa").eval()
    assert type(auto) is type(model)
    assert auto.encoder.config._attn_implementation == "sdpa"
    assert model.encoder.config._attn_implementation == "eager"
    with torch.no_grad():
        (logits,) = auto(**inputs, return_dict=False)
        torch.testing.assert_close(logits, model(**inputs).logits)


def test_gradient_checkpointing_gives_the_same_gradients(tagger) -> None:
    model, tokenizer = tagger
    inputs = inputs_of(tokenizer)
    labels = torch.ones_like(inputs["input_ids"])
    found = []
    for turn_on in (False, True):
        again = copy.deepcopy(model).train()
        if turn_on:
            again.gradient_checkpointing_enable()
            assert again.is_gradient_checkpointing
        torch.manual_seed(0)
        again(**inputs, labels=labels).loss.backward()
        found.append([p.grad for p in again.parameters()])
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b)


def test_peft_trains_the_head_unasked(tagger) -> None:
    peft = pytest.importorskip("peft")
    model, tokenizer = tagger
    config = peft.LoraConfig(task_type="TOKEN_CLS", target_modules=["query", "value"])
    adapted = peft.get_peft_model(model, config)
    inputs = inputs_of(tokenizer)
    adapted(**inputs, labels=torch.ones_like(inputs["input_ids"])).loss.backward()
    learnt = {n for n, p in adapted.named_parameters() if p.requires_grad}
    own = [n for n in learnt if ".classifier." in n]
    assert len(own) == len(list(model.head.original_module.parameters()))
    assert len(own) < len(learnt) < 0.5 * len(list(adapted.parameters()))


@pytest.mark.parametrize("head", HEADS)
def test_files_of_earlier_versions_load(tiny_encoder, tmp_path, head) -> None:
    """The head's weights were called head."""
    from safetensors.torch import load_file, save_file

    model, tokenizer = build_tagger(
        tiny_encoder, head=head, hidden_layers=(1, 2), qubits=3, layers=1
    )
    model.save_pretrained(tmp_path / "whole")
    tokenizer.save_pretrained(tmp_path / "whole")
    save_head(model, tmp_path / "head")
    for name in ("whole/model.safetensors", "head/head.safetensors"):
        state = load_file(tmp_path / name)
        state = {k.replace("classifier.", "head."): v for k, v in state.items()}
        assert any(k.startswith("head.") for k in state)
        save_file(state, tmp_path / name, metadata={"format": "pt"})
    wanted = word_logits(model, tokenizer, WORDS)
    for folder in ("whole", "head"):
        pair = load_tagger(tmp_path / folder, tiny_encoder)
        for a, b in zip(wanted, word_logits(*pair, WORDS), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)
