"""Both corpora of numbers have to stay whole: what is lost there loses rows, what is taken publishes wrong labels."""

import pytest
from number_corpus import accepted, read, refused


@pytest.mark.fault("D2", "G4")
def test_easy_forms_are_accepted(record_property) -> None:  # type: ignore[no-untyped-def]
    corpus = accepted()
    lost = {text: read(text) for text, number in corpus.items() if read(text) != number}
    rate = f"{len(corpus) - len(lost)} of {len(corpus)} good forms accepted"
    record_property("accepted", rate)
    print(rate)
    assert len(corpus) > 800
    assert not lost


@pytest.mark.fault("D2", "G4")
def test_what_is_not_certain_is_refused(record_property) -> None:  # type: ignore[no-untyped-def]
    corpus = refused()
    taken = {text: read(text) for text in corpus if read(text) is not None}
    rate = f"{len(corpus) - len(taken)} of {len(corpus)} bad forms refused"
    record_property("refused", rate)
    print(rate)
    assert len(corpus) > 1000
    assert not taken
