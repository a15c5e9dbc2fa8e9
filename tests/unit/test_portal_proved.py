"""The newest proof of a ledger: a short one for every page, a long one beside them, never a state that nobody saw."""

from datetime import UTC, datetime, timedelta
from threading import Event

from monitoring.portal import pages
from monitoring.portal.evidence import Ledger, Model
from monitoring.portal.proved import FRESH, SHORT, Proofs
from monitoring.portal.roles import Reader, Role
from pipelines.audit import Head
from pipelines.base.errors import ContractError

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
LONG = SHORT + 1
WHO = Reader("c", Role.COMPLIANCE)


class Clock:
    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now


def test_a_short_ledger_is_proved_for_every_page():
    proofs, faults = Proofs(Clock()), []
    assert proofs.of("a", SHORT, lambda: faults).faults == ()
    faults.append("Entry 2 is missing.")
    assert proofs.of("a", SHORT, lambda: faults).faults == ("Entry 2 is missing.",)


def test_a_long_ledger_is_proved_beside_the_pages_and_nothing_is_said_before():
    proofs, may_end, proved = Proofs(Clock()), Event(), []

    def prove():
        may_end.wait(10)
        proved.append("once")
        return ["Entry 2 is missing."]

    assert proofs.of("a", LONG, prove) is None
    assert proofs.of("a", LONG, prove) is None, "one proof at a time"
    may_end.set()
    proofs.wait("a")
    assert proved == ["once"]
    known = proofs.of("a", LONG, prove)
    assert (known.faults, known.at) == (("Entry 2 is missing.",), NOON)
    assert proofs.of("b", LONG, list) is None, "what is known of one ledger says nothing of another"


def test_an_old_proof_is_shown_with_its_time_while_the_next_one_is_made():
    clock, faults = Clock(), []
    proofs = Proofs(clock)
    proofs.of("a", LONG, lambda: list(faults))
    proofs.wait("a")
    faults.append("Entry 2 was replaced.")
    clock.now = NOON + FRESH
    assert proofs.of("a", LONG, lambda: list(faults)).faults == ()
    proofs.wait("a")
    assert proofs.of("a", LONG, lambda: list(faults)).at == NOON, "fresh enough"
    clock.now = NOON + FRESH + timedelta(seconds=1)
    assert proofs.of("a", LONG, lambda: list(faults)).at == NOON
    proofs.wait("a")
    assert proofs.of("a", LONG, lambda: list(faults)).faults == ("Entry 2 was replaced.",)


def test_a_proof_that_cannot_be_made_is_a_fault_and_the_next_one_is_tried():
    clock, proofs = Clock(), None
    proofs = Proofs(clock)

    def fails():
        raise ContractError("The store must answer.")

    proofs.of("a", LONG, fails)
    proofs.wait("a")
    assert proofs.of("a", LONG, fails).faults == ("The store must answer.",)
    clock.now = NOON + FRESH * 2
    proofs.of("a", LONG, list)
    proofs.wait("a")
    assert proofs.of("a", LONG, list).faults == ()


def test_a_page_never_calls_a_ledger_whole_that_was_not_proved():
    unknown = Ledger(Head(LONG, "e" * 64), ())
    assert unknown.state == "not proved yet"
    text = pages.model(Model("screening"), unknown, [], WHO)
    assert '<span class="word unsure">not proved yet</span>' in text
    assert ">whole<" not in text
    assert ">whole<" in pages.model(Model("screening"), Ledger(Head(1, "e" * 64), (), (), NOON), [], WHO)
    assert Ledger(Head(1, "e" * 64), ("a fault",), (), None).state == "broken"
