"""Labelled examples from the reader's own folders of texts, images or sounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from qglib.data.audio import read_wav
from qglib.data.examples import Examples, divided

KIND_OF = {".txt": "text", ".png": "image", ".wav": "sound"}


def class_folder(folder: Path, seed: int) -> Examples:
    """Examples from a folder with one sub-folder of .txt, .png or .wav per class.

    Sounds may lie in the folder itself, or in a folder `recordings`, named
    label_speaker_index.wav. Where three speakers or more are known, the parts of the
    split share none: one is for test, one for dev.

    Raises:
        FileNotFoundError: no such files.
        ValueError: files of several kinds, or one that cannot be read.
    """
    place = folder / "recordings" if (folder / "recordings").is_dir() else folder
    flat = sorted(place.glob("*.wav"))
    files = flat or [f for f in sorted(folder.glob("*/[!.]*")) if f.suffix in KIND_OF]
    suffixes = sorted({f.suffix for f in files})
    if not files:
        raise FileNotFoundError(
            f"{folder.name} holds no data that is known here: expected train.csv and "
            "test.csv, CoNLL files train, dev and test, one sub-folder per class with "
            ".txt, .png or .wav files, or files like 7_jackson_3.wav"
        )
    if len(suffixes) > 1:
        raise ValueError(f"{folder.name} holds {', '.join(suffixes)}: keep one kind")
    kind, groups = KIND_OF[suffixes[0]], None
    labels = [f.stem.split("_")[0] if flat else f.parent.name for f in files]
    inputs = [_content(f) for f in files]
    if kind == "image":
        for file, image in zip(files, inputs, strict=True):
            if image.shape != inputs[0].shape:
                raise ValueError(
                    f"{file.parent.name}, {file.name} has another number of pixels "
                    f"than the first image, {inputs[0].shape}: bring them to one size"
                )
        inputs = np.array(inputs)
    elif kind == "sound":
        names = [f.stem.split("_") for f in files]
        speakers = [name[1] if len(name) == 3 else "" for name in names]
        inputs = [
            replace(sound, label=label, speaker=speaker)
            for sound, label, speaker in zip(inputs, labels, speakers, strict=True)
        ]
        groups = None if "" in speakers else speakers
    who = sorted(set(groups or ()))
    if len(who) < 3:
        return Examples(inputs, labels, divided(labels, seed), kind, groups)
    test, dev = np.random.default_rng(seed).permutation(who)[:2]
    split = [{test: "test", dev: "dev"}.get(speaker, "train") for speaker in groups]
    return Examples(inputs, labels, np.array(split), kind, groups)


def _content(path: Path) -> Any:
    """The text, grey image (colours are averaged) or sound that a file holds."""
    from matplotlib.image import imread

    try:
        if path.suffix == ".wav":
            return read_wav(path)
        if path.suffix == ".png":
            image = np.asarray(imread(path))
            grey = image if image.ndim == 2 else image[..., :3].mean(axis=2)
            return grey.astype(float)
        text = path.read_text(encoding="utf-8").strip()
    except (UnicodeDecodeError, OSError, SyntaxError) as error:
        raise ValueError(
            f"{path.parent.name}, {path.name} is no readable {path.suffix[1:]} "
            f"({error}): save it again, texts as UTF-8"
        ) from error
    if not text:
        raise ValueError(f"{path.parent.name}, {path.name} is empty: remove it")
    return text
