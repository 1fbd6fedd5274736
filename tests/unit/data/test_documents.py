"""Documents gather the sentences of a corpus."""

from qglib.data import Corpus, Sentence, documents, load_corpus


def test_grouping_and_content_words():
    def sentence(text, name):
        words = tuple(text.split())
        return Sentence(words, ("O",) * len(words), name, "sport")

    train = (sentence("The coach won .", "a"), sentence("Rain fell", "b"))
    test = (sentence("He ran 10 miles", "a"),)
    found = documents(Corpus("tiny", ("PER",), (*train, train[0]), (), test))
    assert [(d.split, d.name) for d in found] == [
        ("train", "a"),
        ("train", "b"),
        ("test", "a"),
    ]
    assert len(found[0].sentences) == 2 and len(found[0].words) == 8
    assert found[0].is_content().tolist() == [False, True, True, False] * 2
    assert found[2].is_content().tolist() == [False, True, False, True]


def test_newswire_documents_hold_every_sentence():
    corpus = load_corpus("newswire")
    found = documents(corpus)
    total = sum(len(d.sentences) for d in found)
    assert total == len(corpus.train) + len(corpus.dev) + len(corpus.test)
    assert len({d.topic for d in found}) == 5
