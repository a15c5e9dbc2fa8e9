"""The newest proof of a ledger: a short one for every page, a long one beside them, never a state that nobody saw."""

from datetime import UTC, datetime, timedelta
from threading import Event

import pytest

from monitoring.portal import pages
from monitoring.portal.evidence import Ledger, Model
from monitoring.portal.proved import FRESH, OLD, SHORT, Proofs
from monitoring.portal.roles import Reader, Role
from pipelines.audit import Head
from pipelines.base.errors import ContractError

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
WHO = Reader("c", Role.COMPLIANCE)
LONG = Head(SHORT + 1, "e" * 64)


class Clock:
    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now


def asked(proofs, prove, head=LONG, digest=LONG.sha256, address="a"):
    return proofs.of(address, head, lambda number: digest, prove)


def proves(*faults):
    return lambda: (list(faults), LONG)


def test_a_short_ledger_is_proved_for_every_page():
    proofs, short = Proofs(Clock()), Head(SHORT, "d" * 64)
    assert asked(proofs, proves(), short).faults == ()
    assert asked(proofs, proves("Entry 2 is missing."), short).faults == ("Entry 2 is missing.",)


def test_a_long_ledger_is_proved_beside_the_pages_and_nothing_is_said_before():
    proofs, may_end, proved = Proofs(Clock()), Event(), []

    def prove():
        may_end.wait(10)
        proved.append("once")
        return ["Entry 2 is missing."], LONG

    assert asked(proofs, prove) is None
    assert asked(proofs, prove) is None, "one proof at a time"
    may_end.set()
    proofs.wait("a")
    assert proved == ["once"]
    known = asked(proofs, prove)
    assert (known.faults, known.at, known.head) == (("Entry 2 is missing.",), NOON, LONG)
    assert asked(proofs, proves(), address="b") is None, "what is known of one ledger says nothing of another"


def test_a_proof_is_shown_with_its_time_while_the_next_one_is_made_and_never_when_it_is_old():
    clock = Clock()
    proofs = Proofs(clock)
    asked(proofs, proves())
    proofs.wait("a")
    clock.now = NOON + FRESH
    assert asked(proofs, proves("never asked")).faults == ()
    proofs.wait("a")
    assert asked(proofs, proves()).at == NOON, "fresh enough"
    clock.now = NOON + FRESH + timedelta(seconds=1)
    assert asked(proofs, proves("Entry 2 was replaced.")).at == NOON
    proofs.wait("a")
    assert asked(proofs, proves()).faults == ("Entry 2 was replaced.",)
    clock.now += OLD
    assert asked(proofs, proves("Entry 2 was replaced.")) is not None
    proofs.wait("a")
    clock.now += OLD + timedelta(seconds=1)
    assert asked(proofs, proves()) is None
    proofs.wait("a")
    assert asked(proofs, proves()).faults == ()


def test_what_was_cut_or_replaced_since_the_proof_is_a_fault_at_once():
    proofs, more = Proofs(Clock()), Head(LONG.sequence + 5, "f" * 64)
    asked(proofs, lambda: ([], more), more, more.sha256)
    proofs.wait("a")
    assert asked(proofs, proves(), more, more.sha256).faults == ()
    (cut,) = asked(proofs, proves(), LONG, more.sha256).faults
    assert (
        cut == f"The ledger had {more.sequence} entries when it was proved; it has {LONG.sequence}: the tail was cut."
    )
    (other,) = asked(proofs, proves(), more, "0" * 64).faults
    assert other == f"Entry {more.sequence} of the ledger is not the one that was proved."


@pytest.mark.parametrize("error", [ContractError("The store must answer."), OSError(5, "/srv/secret"), MemoryError()])
def test_a_proof_that_cannot_be_made_is_a_fault_in_the_place_of_the_one_before(error):
    clock = Clock()
    proofs = Proofs(clock)
    asked(proofs, proves())
    proofs.wait("a")
    clock.now = NOON + FRESH * 2

    def fails():
        raise error

    asked(proofs, fails)
    proofs.wait("a")
    (fault,) = asked(proofs, fails).faults
    assert fault in ("The store must answer.", f"The ledger could not be proved: {type(error).__name__}. Try again.")
    clock.now = NOON + FRESH * 4
    asked(proofs, proves())
    proofs.wait("a")
    assert asked(proofs, proves()).faults == ()


def test_a_page_never_calls_a_ledger_whole_that_was_not_proved():
    unknown = Ledger(LONG, ())
    assert unknown.state == "not proved yet"
    text = pages.model(Model("screening"), unknown, [], WHO)
    assert '<span class="word unsure">not proved yet</span>' in text
    assert ">whole<" not in text
    assert ">whole<" in pages.model(Model("screening"), Ledger(Head(1, "e" * 64), (), (), NOON), [], WHO)
    assert Ledger(Head(1, "e" * 64), ("a fault",), (), None).state == "broken"
