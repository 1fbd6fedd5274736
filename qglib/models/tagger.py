"""The token tagger: encoder, word shapes and a head, as a transformers model."""

from collections.abc import Sequence
from typing import Any, cast

import torch
import transformers
from torch import nn
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel
from transformers.conversion_mapping import register_checkpoint_conversion_mapping
from transformers.core_model_loading import WeightRenaming
from transformers.modeling_outputs import TokenClassifierOutput

from qglib.models import encoder as encoders
from qglib.models.crf import CRF, cross_entropy
from qglib.models.heads import build_head
from qglib.models.tokenizer import BUCKETS, N_SHAPES, PARTS, ShapeTokenizer

SETTINGS = dict(head="mlp", qubits=8, layers=3, dropout=0.1, crf=False)
SETTINGS |= dict(characters=0, context=0, encoder_name="", encoder_sha256="")


class TokenTaggerConfig(PreTrainedConfig):
    """Configuration of `TokenTagger`; its other settings: ``SETTINGS``.

    ``encoder_config`` is the encoder's own configuration as a dict,
    ``encoder_name`` where it came from, ``encoder_sha256`` the fingerprint of its
    weights when the model was built, ``hidden_layers`` the layers the head reads
    (0 is the embedding output).
    """

    model_type = "qglib-token-tagger"

    def __init__(
        self,
        encoder_config: dict[str, Any] | None = None,
        labels: Sequence[str] = ("O",),
        hidden_layers: Sequence[int] = (3, 6),
        **settings: Any,
    ) -> None:
        """Keep the settings; ``id2label`` follows from ``labels``."""
        self.encoder_config = dict(encoder_config or {})
        self.labels, self.hidden_layers = list(labels), list(hidden_layers)
        for name, usual in SETTINGS.items():
            setattr(self, name, settings.pop(name, usual))
        settings["id2label"] = dict(enumerate(self.labels))
        settings["label2id"] = {label: i for i, label in enumerate(self.labels)}
        settings.pop("num_labels", None)
        super().__init__(**settings)

    def encoder(self) -> PreTrainedConfig:
        """The encoder's configuration as an object."""
        settings = dict(self.encoder_config)
        return AutoConfig.for_model(settings.pop("model_type"), **settings)


class TokenTagger(PreTrainedModel):
    """Encoder + word shapes + head; logits for every sub-word.

    The shape vector of a word is added to the embedding of each of its
    sub-words (for BERT the same as nine token types); with ``characters`` so is a map
    of learnt vectors of its `spelling`, 80 numbers in all for 16. The head reads the
    concatenated hidden layers and the one-hot shape, standardised by the buffers
    ``feature_mean`` and ``feature_scale``.
    """

    config_class = TokenTaggerConfig
    base_model_prefix = "encoder"
    main_input_name = "input_ids"
    _supports_sdpa = True
    supports_gradient_checkpointing = True

    def __init__(self, config: TokenTaggerConfig, quantum_device: Any = None) -> None:
        """Random weights; see `build_tagger` and ``from_pretrained``."""
        if config._attn_implementation is None:
            config._attn_implementation = "eager"  # faster here, and shows attention
        super().__init__(config)
        attention = config._attn_implementation
        self.encoder = encoders.empty_encoder(config.encoder(), attention)
        width = self.encoder.config.hidden_size
        depth = self.encoder.config.num_hidden_layers
        wrong = [k for k in config.hidden_layers if not 0 <= k <= depth]
        if wrong or not config.hidden_layers:
            wanted = f"must name layers 0 to {depth} of this encoder"
            raise ValueError(f"hidden_layers {wanted}, got {config.hidden_layers}")
        self.longest = encoders.longest_input(self.encoder)
        self.shape_embedding = nn.Embedding(N_SHAPES, width)
        n_features = width * len(config.hidden_layers) + N_SHAPES
        self.feature_mean = nn.Buffer(torch.zeros(n_features))
        self.feature_scale = nn.Buffer(torch.ones(n_features))
        self.classifier = self._fresh_head(quantum_device)
        self.crf = CRF(config.labels) if config.crf else None
        if config.characters:
            self.parts = nn.Embedding(PARTS * BUCKETS, config.characters)
            # as large as word vectors: of deviation 1 they drown them in a few steps
            nn.init.normal_(self.parts.weight, std=0.1)
            self.spelled = nn.Linear(PARTS * config.characters, width, bias=False)
        self.post_init()

    @property
    def head(self) -> nn.Module:
        """The head, kept as ``classifier``: the name that PEFT trains unasked."""
        return self.classifier

    def __setattr__(self, name: str, value: Any) -> None:
        """``model.head = other`` sets the classifier."""
        super().__setattr__("classifier" if name == "head" else name, value)

    def _fresh_head(self, quantum_device: Any = None) -> nn.Module:
        c = self.config
        sizes = {k: getattr(c, k) for k in ("qubits", "layers", "dropout")}
        n_inputs, n_labels = len(self.feature_mean), len(c.labels)
        return build_head(c.head, n_inputs, n_labels, device=quantum_device, **sizes)

    def _init_weights(self, module: nn.Module) -> None:
        # Every part initialises itself; transformers must not draw again.
        if isinstance(module, TokenTagger):
            self.reset_standardisation()
            # zero: the pretrained encoder starts unchanged
            nn.init.zeros_(self.shape_embedding.weight)
            if self.config.characters:
                nn.init.zeros_(self.spelled.weight)

    def reset_standardisation(self) -> None:
        """Identity for hidden states; one-hot shapes count three-fold."""
        self.feature_mean.zero_()
        self.feature_scale.fill_(1.0)
        self.feature_scale[-N_SHAPES:] = 1 / 3

    def standardise(self, mean: torch.Tensor, scale: torch.Tensor) -> None:
        """Set mean and deviation of the hidden features, shape ``(n_hidden,)``."""
        self.reset_standardisation()
        self.feature_mean[:-N_SHAPES] = mean
        # a feature that never varies stays as it is: divided by its tiny deviation,
        # it would swamp all others as soon as fine-tuning moves it
        self.feature_scale[:-N_SHAPES] = torch.where(scale < 1e-4, 1.0, scale)

    def hidden(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        **options: Any,
    ) -> tuple[torch.Tensor, torch.Tensor, Any]:
        """Raw features ``(B, T, n_hidden)``, shapes ``(B, T)``, encoder output."""
        if inputs_embeds is None:
            if input_ids is None:
                raise ValueError("give input_ids or inputs_embeds, got neither")
            inputs_embeds = cast(torch.Tensor, self.get_input_embeddings()(input_ids))
        length = inputs_embeds.shape[1]
        if self.longest and length > self.longest:
            raise ValueError(
                f"input_ids hold {length} sub-words, the encoder reads at most "
                f"{self.longest}: cut the text, or call word_logits"
            )
        shapes = token_type_ids
        if shapes is None:
            shapes = torch.zeros_like(inputs_embeds[..., 0], dtype=torch.long)
        options |= {"output_hidden_states": True, "return_dict": True}
        if self.config.characters:
            codes = (shapes // (16 * BUCKETS**k) % BUCKETS for k in range(PARTS))
            parts = [self.parts(code + BUCKETS * k) for k, code in enumerate(codes)]
            inputs_embeds = inputs_embeds + self.spelled(torch.cat(parts, -1))
            shapes = shapes % 16
        embedded = inputs_embeds + self.shape_embedding(shapes)
        out = self.encoder(
            inputs_embeds=embedded, attention_mask=attention_mask, **options
        )
        states = [out.hidden_states[k] for k in self.config.hidden_layers]
        return torch.cat(states, dim=-1), shapes, out

    def features(self, hidden: torch.Tensor, shapes: torch.Tensor) -> torch.Tensor:
        """What the head reads: ``(..., n_hidden)`` and ``(...)`` to ``(..., F)``."""
        one_hot = nn.functional.one_hot(shapes, N_SHAPES).to(self.feature_mean.dtype)
        raw = torch.cat([hidden.to(self.feature_mean.dtype), one_hot], dim=-1)
        return (raw - self.feature_mean) / self.feature_scale

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
        return_dict: bool | None = None,
        **_: Any,
    ) -> TokenClassifierOutput | tuple:
        """Logits ``(B, T, n_labels)`` and, given labels, the mean loss.

        ``token_type_ids`` are word-shape classes 0 to 8, or spellings, as the model's
        `ShapeTokenizer` writes them; without them all are 0, which costs accuracy.
        ``labels`` hold label numbers, -100 where a sub-word does not count. A CRF
        enters the loss only: see `qglib.models.word_logits`.
        """
        given = (input_ids, attention_mask, token_type_ids, inputs_embeds)
        options = dict[str, Any](output_attentions=True) if output_attentions else {}
        hidden, shapes, out = self.hidden(*given, **options)
        logits = self.head(self.features(hidden, shapes))
        measure = self.crf or cross_entropy
        loss = None if labels is None else measure(logits.float(), labels)
        states = out.hidden_states if output_hidden_states else None
        attentions = out.attentions if output_attentions else None
        found = TokenClassifierOutput(loss, logits, states, attentions)
        wanted = self.config.return_dict if return_dict is None else return_dict
        return found if wanted else found.to_tuple()

    @classmethod
    def from_pretrained(cls, *args: Any, **kwargs: Any) -> Any:
        """Load a saved model; see ``PreTrainedModel.from_pretrained``.

        Weights that are missing (transformers would draw them), NaN or infinite are a
        ValueError.
        """
        with encoders.quiet():
            kwargs |= {"output_loading_info": True, "use_safetensors": True}
            kwargs["trust_remote_code"] = False
            model, info = cast(Any, super().from_pretrained(*args, **kwargs))
        encoders.check_weights(model, info["missing_keys"])
        if model.config.head == "quantum":
            # Loading moves modules through the meta device, which empties what a
            # traced circuit keeps beside its parameters.
            state, like = model.head.state_dict(), model.feature_mean
            with torch.random.fork_rng(devices=[]):
                head = model._fresh_head()
            head.load_state_dict(state)
            model.head = head.to(like.device, like.dtype).train(model.training)
        return model

    def save_pretrained(self, *args: Any, **kwargs: Any) -> None:
        """Save as safetensors; see ``PreTrainedModel.save_pretrained``."""
        with encoders.quiet():
            super().save_pretrained(*args, **kwargs)

    def get_input_embeddings(self) -> nn.Module:
        """The encoder's word embeddings."""
        return self.encoder.get_input_embeddings()


# taggers of earlier versions called the head so in their files
register_checkpoint_conversion_mapping(
    TokenTaggerConfig.model_type, [WeightRenaming(r"^head\.", "classifier.")]
)
AutoConfig.register(TokenTaggerConfig.model_type, TokenTaggerConfig, exist_ok=True)
for auto in (transformers.AutoModel, transformers.AutoModelForTokenClassification):
    auto.register(TokenTaggerConfig, TokenTagger, exist_ok=True)
transformers.AutoTokenizer.register(
    TokenTaggerConfig, fast_tokenizer_class=ShapeTokenizer, exist_ok=True
)
