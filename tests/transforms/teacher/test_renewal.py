"""When a refused credential is looked up again."""

from transforms.teacher.renewal import CredentialRenewal


class Lookups:
    """Counts the look-ups; each says whether there may be another credential."""

    def __init__(self, *may_have_changed: bool) -> None:
        self.left = [*may_have_changed]

    def __call__(self) -> bool:
        return self.left.pop(0)


def test_a_refused_credential_is_looked_up_once_until_an_answer_comes() -> None:
    renewal = CredentialRenewal(Lookups(True))
    assert renewal.refused(sent_s=1.0, now_s=2.0)
    assert not renewal.refused(sent_s=3.0, now_s=4.0)


def test_requests_that_were_sent_with_the_old_credential_are_sent_again_without_a_look_up() -> None:
    renewal = CredentialRenewal(Lookups(True))
    assert renewal.refused(sent_s=1.0, now_s=2.0)
    assert renewal.refused(sent_s=1.5, now_s=2.5)


def test_after_an_answer_it_may_be_looked_up_again() -> None:
    lookups = Lookups(True, True)
    renewal = CredentialRenewal(lookups)
    assert renewal.refused(sent_s=1.0, now_s=2.0)
    renewal.answered_since = True
    assert renewal.refused(sent_s=3.0, now_s=4.0)
    assert lookups.left == []


def test_a_credential_that_cannot_have_changed_is_not_sent_again() -> None:
    assert not CredentialRenewal(Lookups(False)).refused(sent_s=1.0, now_s=2.0)
