import polars as pl

from pipelines.base.people import consenting, representatives, resolve


def links(*pairs: tuple[str, str]) -> pl.DataFrame:
    return pl.DataFrame(pairs, schema={"person_id": pl.String, "linked_person_id": pl.String}, orient="row")


def test_linked_pseudonyms_share_the_smallest_one():
    assert representatives(links(("p_3", "p_2"), ("p_2", "p_9"), ("p_5", "p_6"))) == {
        "p_2": "p_2",
        "p_3": "p_2",
        "p_9": "p_2",
        "p_5": "p_5",
        "p_6": "p_5",
    }


def test_the_order_of_links_does_not_matter():
    pairs = [("p_3", "p_2"), ("p_2", "p_9"), ("p_9", "p_1")]
    assert representatives(links(*pairs)) == representatives(links(*reversed(pairs)))


def test_unlinked_people_keep_their_pseudonym():
    frame = pl.DataFrame({"person_id": ["p_3", "p_4"]})
    assert resolve(frame, {"p_3": "p_2"})["person_id"].to_list() == ["p_2", "p_4"]


def test_a_withdrawal_anywhere_counts_and_silence_is_not_consent():
    consents = pl.DataFrame({"person_id": ["p_1", "p_2", "p_2", "p_3"], "is_given": [True, True, False, None]})
    assert consenting(consents).to_list() == ["p_1"]
