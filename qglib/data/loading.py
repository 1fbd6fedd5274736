"""`load`: labelled examples by name or from the reader's own files."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from qglib.data.corpus import load_corpus
from qglib.data.examples import Examples, check_examples
from qglib.data.files import class_folder, labelled_csv
from qglib.data.kinds import KINDS
from qglib.data.named import NAMED, OTHER_NAMES, tagged


def load(
    name_or_path: str | Path,
    seed: int = 0,
    kind: str = "",
    label: str = "",
) -> Examples:
    """Labelled examples by name, or from a file or folder.

    Names need no network: language, topic, sentiment, customer_service (text), vision
    (image), audio (sound), manufacturing (series), product_origin, medicine, finance,
    recommendation (table), or the name of the set (newswire, digits, wine,
    breast_cancer, ...). Paths:

    - a ``.csv`` or ``.tsv`` file with a header: a text where the columns are label
      (or category) and text, else a table. Columns called group (document, speaker,
      patient) and split (train, dev, test) are used as such. With kind="series" a row
      is one series, its columns are the steps;
    - a folder with train.csv and test.csv (dev is cut from train if it is absent);
    - a folder of CoNLL files train, dev and test: sentences with tagged words;
    - a folder with one sub-folder per class that holds .txt, .png or .wav files; or
      of .wav files named label_speaker_index.wav.

    Args:
        name_or_path: see above; what exists as a file or folder counts as a path.
        seed: of the random split 60 : 20 : 20, every class spread evenly and groups
            kept together. Splits that the data brings along stay.
        kind: "text", "table" or "series" where a csv file leaves it open.
        label: the column of labels; "label", "category" or the last column if left out.

    Returns:
        Checked `Examples`.

    Raises:
        ValueError: an unknown name or kind, or data that nothing can be learnt from;
            the message names file, column, value and remedy.
        FileNotFoundError: a path that does not exist, or a folder without data.
    """
    if kind and kind not in KINDS:
        raise ValueError(f"kind is {kind!r}: choose one of {', '.join(KINDS)}")
    path, name = Path(name_or_path).expanduser(), str(name_or_path)
    if path.is_file() or (path / "train.csv").is_file():
        examples = labelled_csv(path, seed, kind, label)
    elif path.is_dir():
        tagged_words = any(
            f.is_file() and "train" in f.name.lower() for f in path.iterdir()
        )
        examples = (
            tagged(load_corpus(path)) if tagged_words else class_folder(path, seed)
        )
    elif isinstance(name_or_path, Path) or "/" in name or path.suffix:
        raise FileNotFoundError(
            f"name_or_path: {name} does not exist (seen from the folder "
            f"{Path.cwd().name}); give a file, a folder, or one of {', '.join(NAMED)}"
        )
    else:
        examples = _named(name)(seed)
    check_examples(examples)
    return examples


def _named(name: str):
    known = {**{n: n for n in NAMED}, **OTHER_NAMES}
    if name not in known:
        near = get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(
            f"name_or_path is {name!r}: {hint}known names are {', '.join(NAMED)}; or "
            "give a file or folder"
        )
    return NAMED[known[name]]
