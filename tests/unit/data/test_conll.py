from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2, Entities

from qglib.data.conll import Sentence, entities, illegal, read_conll


def read(tmp_path, text: str):
    file = tmp_path / "sample.conll"
    file.write_bytes(text.encode())
    return read_conll(file)


def test_two_columns_with_comments(tmp_path) -> None:
    got = read(
        tmp_path,
        "# doc = sport-01\n# topic = sport\n# ambiguous = 1\nJordan\tB-PER\nran\tO\n\n"
        "He\tO\n\n# doc = travel-01\n# topic = travel\nJordan\tB-LOC\n",
    )
    assert got == [
        Sentence(("Jordan", "ran"), ("B-PER", "O"), "sport-01", "sport", True),
        Sentence(("He",), ("O",), "sport-01", "sport", False),
        Sentence(("Jordan",), ("B-LOC",), "travel-01", "travel", False),
    ]


def test_hashtags_and_quotes_are_words(tmp_path) -> None:
    got = read(tmp_path, '#tag\tO\n# doc = x\tO\n"\tO\n\t\n#\tB-X\n')
    assert [s.words for s in got] == [("#tag", "# doc = x", '"'), ("#",)]


def test_sentence_ends_at_an_empty_line_or_a_lone_tab(tmp_path) -> None:
    got = read(tmp_path, "a\tO\n\t\nb\tO\n\n\nc\tO\r\n")
    assert [s.words for s in got] == [("a",), ("b",), ("c",)]


def test_four_columns_and_documents(tmp_path) -> None:
    got = read(
        tmp_path,
        "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\n"
        "-DOCSTART- -X- -X- O\n\nPeter NNP B-NP B-PER\n",
    )
    assert [s.words for s in got] == [("EU", "rejects"), ("Peter",)]
    assert [s.document for s in got] == ["sample-1", "sample-2"]


def test_five_columns_and_a_file_cut_inside_a_comment(tmp_path) -> None:
    got = read(
        tmp_path,
        "# newdoc id = d1\n# sent_id = d1-1\n# text = In Tampa .\n1\tIn\tO\t-\t-\n"
        "2\tTampa\tB-LOC\t-\tann\n\n# sent_id = d1-2\n# text = The rest is mis",
    )
    assert got == [Sentence(("In", "Tampa"), ("O", "B-LOC"), "d1")]


@pytest.mark.parametrize(
    ("iob1", "iob2"),
    [
        (["I-PER", "I-PER", "O"], ["B-PER", "I-PER", "O"]),
        (["I-PER", "B-PER", "I-PER"], ["B-PER", "B-PER", "I-PER"]),
        (["I-PER", "I-LOC", "I-LOC"], ["B-PER", "B-LOC", "I-LOC"]),
    ],
)
def test_iob1_becomes_iob2(tmp_path, iob1, iob2) -> None:
    text = "".join(f"w\t{t}\n" for t in iob1)
    assert list(read(tmp_path, text)[0].tags) == iob2


def test_a_mixture_of_schemes_is_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"line 3: expected B-LOC .* I-LOC on 'c'"):
        read(tmp_path, "a\tB-PER\nb\tO\nc\tI-LOC\n")


types = st.sampled_from(["A", "B"])
iob2_tags = st.lists(
    st.one_of(st.just("O"), types.map("B-".__add__), types.map("I-".__add__)),
    min_size=1,
    max_size=12,
)


def to_iob1(tags):
    """IOB2 to IOB1, written from the definition."""
    out = []
    for i, t in enumerate(tags):
        after_same = i > 0 and tags[i - 1][2:] == t[2:]
        out.append("I-" + t[2:] if t.startswith("B-") and not after_same else t)
    return out


@given(iob2_tags)
def test_iob1_round_trip(tmp_path_factory, tags) -> None:
    for i in illegal(tags):
        tags[i] = "B" + tags[i][1:]
    if illegal(tags):
        return
    file = tmp_path_factory.mktemp("t") / "f.conll"
    file.write_text("".join(f"w\t{t}\n" for t in to_iob1(tags)))
    assert list(read_conll(file)[0].tags) == tags


@given(iob2_tags)
def test_entities_agree_with_seqeval_strict(tags) -> None:
    theirs = [(e.tag, e.start, e.end) for e in Entities([tags], IOB2).entities[0]]
    assert entities(tags) == theirs
    if not illegal(tags):
        loose = [(kind, a, b + 1) for kind, a, b in get_entities(tags)]
        assert entities(tags) == loose


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("a\tO\nb\n", r"line 2: expected 2 columns .* found 1: 'b'"),
        ("a\tO\nb\tc\tO\n", r"line 2: expected 2 columns .* found 3"),
        ("a b c\n", r"line 1: expected a tag .* found 'c'"),
        ("a\tX-PER\n", r"line 1: expected a tag O, B-TYPE .* found 'X-PER'"),
        ("a\tB-\n", "expected a tag"),
        ("a\tO\n\tO\n", "line 2: expected a word"),
        ("a\tO\tb\tc\td\te\n", r"line 1: expected 2 columns .* found 6"),
        ("a\tb-per\n", "expected a tag O, B-TYPE or I-TYPE"),
        ("a\tB-X\nb\tE-X\nc\tB-X\n", r"line 3: .* found B-X$"),
        ("a\tS-X\nb\tE-X\n", r"line 1: .* found S-X then E-X"),
        ("# global.columns = ID FORM\n1\ta\n", "line 2: expected FORM and one name"),
        ("a\tO\n# doc = late\nb\tO\n", "line 2"),
        ("1\ta\tO\t-\t-\n3\tb\tO\t-\t-\n", "line 2: expected token number 2"),
        ("\n\n", "holds no tagged sentence"),
        ("", "holds no tagged sentence"),
    ],
)
def test_broken_lines_name_file_line_and_expectation(tmp_path, text, match) -> None:
    with pytest.raises(ValueError, match=match) as caught:
        read(tmp_path, text)
    assert "sample.conll" in str(caught.value)


def test_broken_encoding_names_the_line(tmp_path) -> None:
    file = tmp_path / "latin.conll"
    file.write_bytes(b"a\tO\nZ\xfcrich\tB-LOC\n")
    with pytest.raises(ValueError, match="line 2: expected UTF-8"):
        read_conll(file)


def test_byte_order_mark_and_odd_line_separators_inside_words(tmp_path) -> None:
    file = tmp_path / "f.conll"
    file.write_bytes("\ufeffa\u2028b\tO\nc\u200b\tO\n".encode())
    assert read_conll(file)[0].words == ("a\u2028b", "c\u200b")


def test_missing_file(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_conll(tmp_path / "none")


def test_sentence_needs_one_tag_per_word() -> None:
    with pytest.raises(ValueError, match="2 words and 1 tags"):
        Sentence(("a", "b"), ("O",))


@pytest.mark.parametrize(
    ("text", "words", "tags"),
    [
        ("El DA O\nAbogado NC B-PER\n", "El Abogado", "O B-PER"),  # CoNLL-2002
        ("He PRP B-NP\nran VBD B-VP\n", "He ran", "B-NP B-VP"),  # CoNLL-2000
        (
            "Die d ART I-NC O\nEU EU NE I-NC I-ORG\n",  # German CoNLL-2003
            "Die EU",
            "O B-ORG",
        ),
        ("1 1 CARD I-NC O\nB B NE I-NC I-ORG\n", "1 B", "O B-ORG"),
        ("a\tO\t\nb\tB-X\t\n", "a b", "O B-X"),  # a trailing tab
        ("# lang = en\n# note = x = y\na\tO\n", "a", "O"),
        (
            "# global.columns = ID FORM UPOS NER\n1\ta\tX\tO\n2\tb\tX\tB-Y\n",
            "a b",
            "O B-Y",
        ),
        ("-DOCSTART-x\tO\nb\tB-X\n", "-DOCSTART-x b", "O B-X"),
        (
            "1-2\tau\t_\t_\t_\t_\t_\t_\t_\t_\n"
            "1\ta\t_\t_\t_\t_\t_\t_\t_\tstart_char=0|ner=B-X\n"
            "2\tb\t_\t_\t_\t_\t_\t_\t_\tner=I-X|SpaceAfter=No\n"
            "2.1\tc\t_\t_\t_\t_\t_\t_\t_\t_\n"
            "3\td\t_\t_\t_\t_\t_\t_\t_\t_\n",
            "a b d",
            "B-X I-X O",
        ),
    ],
)
def test_layouts_that_exist(tmp_path, text, words, tags) -> None:
    (got,) = read(tmp_path, text)
    assert (" ".join(got.words), " ".join(got.tags)) == (words, tags)


@pytest.mark.parametrize("letters", ["BIES", "BILU"])
def test_bioes_and_bilou_are_converted_and_said(tmp_path, letters) -> None:
    b, i, e, s = letters
    tags = f"{s}-A {b}-A {e}-A O {b}-B {i}-B {e}-B {s}-B".split()
    text = "".join(f"w\t{t}\n" for t in tags)
    with pytest.warns(UserWarning, match="BIOES or BILOU, read as IOB2"):
        (got,) = read(tmp_path, text)
    assert " ".join(got.tags) == "B-A B-A I-A O B-B I-B I-B B-B"
    with pytest.raises(ValueError, match="scheme is iob2, tags are in BIOES"):
        read_conll(tmp_path / "sample.conll", "iob2")


def test_a_scheme_can_be_insisted_on(tmp_path) -> None:
    mixed = "a\tB-X\nb\tO\nc\tI-X\n"
    with pytest.raises(ValueError, match="line 3"):
        read(tmp_path, mixed)
    file = tmp_path / "sample.conll"
    assert read_conll(file, "iob1")[0].tags == ("B-X", "O", "B-X")
    file.write_text("a\tI-X\n")
    assert read_conll(file)[0].tags == ("B-X",)
    with pytest.raises(ValueError, match="line 1: expected B-X"):
        read_conll(file, "iob2")
    with pytest.raises(ValueError, match="scheme is 'bio': choose one of auto"):
        read_conll(file, "bio")


def test_new_documents_without_a_name(tmp_path) -> None:
    text = "# newdoc\na\tO\n\n# newpar\nb\tO\n\n# newdoc\nc\tO\n"
    names = [s.document for s in read(tmp_path, text)]
    assert names == ["sample-1", "sample-1", "sample-2"]


def test_unusual_words_and_marks(tmp_path) -> None:
    got = read(
        tmp_path,
        "# doc = d\n# topic = t\n# ambiguous = 1\n#a\tB-X\n\u2028\tI-X\n\n"
        "b\tO\n\n# doc = \n# topic = \nc\tO\n",
    )
    assert got == [
        Sentence(("#a", "\u2028"), ("B-X", "I-X"), "d", "t", True),
        Sentence(("b",), ("O",), "d", "t"),
        Sentence(("c",), ("O",)),
    ]
