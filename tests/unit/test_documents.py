"""Documents: every number is in a file with a digest, what is not known is said, and another system raises an alarm."""

import html.parser
import json
import math
import re
from dataclasses import replace
from datetime import date
from html import unescape

import pytest

from monitoring import page
from monitoring.documents import sources
from monitoring.documents.__main__ import main
from monitoring.documents.cited import UNKNOWN, Cited, Source
from monitoring.documents.made import KINDS, ahead, for_all, make, rendered, unforeseen
from monitoring.words import DECIDES
from pipelines.audit import Tag, entries, vouched
from pipelines.audit.segments import key as ledger_key
from pipelines.base import releases
from pipelines.base.catalog import FAMILIES
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import ContractError
from pipelines.base.releases import Release
from pipelines.fairness import judge_counts, law
from pipelines.publish.versions import BEFORE, Documents, changes, distance, is_substantial
from tests.unit.judging import evidence
from tests.unit.test_publish import FAMILY, PURPOSE, Answers, back_to, proposed, released

SETTINGS = Documents(foreseen=("train.epochs",), metric_move=0.05, ratio_fall=0.1, shift=0.2)
NUMERIC = {"kind": "numeric", "n": 100, "missing_share": 0.0, "edges": [0.0, 5.0, 10.0], "shares": [0.5, 0.5]}
CATEGORY = {"kind": "categorical", "n": 100, "missing_share": 0.0, "categories": ["a", "b"], "shares": [0.5, 0.5]}


def contents():
    """What a release says of itself, by hand."""
    number = {"value": 0.8123, "low": 0.7123, "high": 0.9123}
    over = {"model": {"value": 0.21, "low": 0.1, "high": 0.3}}
    people = ["a"] * 200 + ["b"] * 100
    judged = evidence([place % 3 == 0 for place in range(300)], {"sex": people}, ["r"] * 300)
    return {
        "release": {
            "kind": "release",
            "sequence": 7,
            "released_at": "2026-11-01T00:00:00+00:00",
            "as_of": "2026-10-31",
            "model_sha256": "a1" * 32,
            "data_sha256": "b2" * 32,
            "verdict_sha256": "c3" * 32,
            "ledger": {"sequence": 41, "sha256": "d4" * 32},
            "approvers": [
                {
                    "name": "anna",
                    "approved_at": "2026-11-01",
                    "justification": "Read <b>it</b>.",
                    "accepted_gaps": ["x:9"],
                    "choice_reason": "Nobody can explain the 2nd.",
                }
            ],
        },
        "verdict": {
            "verdict": "allowed",
            "params_sha256": "e5" * 32,
            "purpose": "Orders applications for recruiters, who decide.",
            "findings": [{"check": "data:rows", "passed": True, "reason": "517 rows."}],
            "gaps": [{"name": "sex:unknown", "reason": "3 people did not say."}],
            "alternatives": {
                "chosen": "declared",
                "why": "None of 1 is better.",
                "metric": "auc",
                "n": 107,
                "alternatives": [
                    {
                        "name": "reweighed",
                        "what": "people weighed on sex",
                        "difference": {"value": -0.013, "low": -0.031, "high": None},
                        "selected_share": 0.43,
                        "impact_ratio": {"value": 0.78, "low": 0.66, "high": 0.92},
                        "is_equal": True,
                    }
                ],
            },
        },
        "card": {
            "as_of": "2026-10-31",
            "data_sha256": "b2" * 32,
            "cases": {"train": 1315, "valid": 107, "test": 106},
            "inputs": ["text_0", "hours"],
            "leaks": [{"column": "rating_1", "association": 0.987}],
            "params": {"seed": 17, "train": {"epochs": 31, "units": 32}, "prepare": {"work": ["overtime"]}},
        },
        "metrics": {
            "metric": "auc",
            "higher_is_better": True,
            "n": 106,
            "people": 105,
            "chance": 0.5,
            "model": number,
            "baseline": number,
            "difference": {"value": 0.01, "low": -0.02, "high": 0.04},
            "also": {"ndcg_at_10": {"model": 0.25, "baseline": 0.5}},
            "decide": {"threshold": 0.4},
            "slices": {
                "judged": [
                    {"axis": "sex", "slice": "female", "n": 53, "model": {"value": 0.7012, "low": 0.61, "high": 0.79}},
                    {
                        "axis": "sex",
                        "slice": "male",
                        "n": 53,
                        "model": {"value": 0.6997, "low": 0.6, "high": 0.8},
                        "is_told": False,
                    },
                    {"axis": "subject", "slice": "R-6", "n": 31, "model": {"value": 0.6, "low": 0.5, "high": 0.7}},
                ],
                "too_few": {"ethnicity": 4},
            },
            "parity": {
                "axes": [
                    {
                        "axis": "sex",
                        "groups": [
                            {
                                "group": "female",
                                "people": 53,
                                "rates": {
                                    "true": {"of": 20, "share": 0.55, "low": 0.34, "high": 0.74},
                                    "false": {"of": 33, "share": 0.21, "low": 0.11, "high": 0.38},
                                    "precision": {"of": 3},
                                },
                            },
                            {"group": "other", "people": 2},
                        ],
                    }
                ],
                "lists": [
                    {
                        "axis": "sex",
                        "groups": [
                            {"group": "female", "people": 50, "listed": 61, "ratio": 0.8432, "low": 0.7, "high": 1.02}
                            | {"by_merit": None},
                            {"group": "few", "people": 4},
                        ],
                    }
                ],
            },
            "stand_ins": [
                {"axis": "sex", "group": "female", "people": 50, "auc": 0.713, "low": 0.66, "high": 0.77}
                | {"input": "commute_days", "single": 0.684, "single_low": 0.63, "standing": []}
            ],
            "selective": [
                {
                    "stage": "offer",
                    "axis": "sex",
                    "reference": "male",
                    "groups": [
                        {"group": "female", "people": 50, "known_share": 0.4, "among_known": 0.25}
                        | {"low": 0.1, "high": 0.7, "ratio_low": 0.1667, "ratio_high": None},
                        {"group": "few", "people": 4},
                    ],
                }
            ],
            "popularity": {"courses": 40}
            | {"deciles": [{"place": 1, "before": 0.5, "next": 0.4, "model": 0.61, "baseline": 0.7} | {"excess": over}]}
            | {name: {"coverage": 0.25, "gini": 0.71} for name in ("before", "next", "model", "baseline")},
            "warnings": {"n": 104, "people": 103, "capacity": 0.1, "low": 0.25, "chance": 0.3}
            | {
                "precision": {
                    "model": {"value": 0.62, "low": 0.5, "high": 0.7},
                    "baseline": number,
                    "difference": number,
                }
            }
            | {"days_ahead": {"median": 30.2, "low": 28.0, "high": 31.0}},
            "grades": {"n": 44, "people": 43, "error": dict.fromkeys(("model", "baseline", "difference"), number)}
            | {
                "within": {"model": {"value": 0.88, "low": 0.8, "high": 0.93}, "baseline": number, "difference": number}
            },
            "acquaintance": {
                "judged": [
                    {"axis": "acquaintance", "slice": "never seen", "n": 61, "people": 60}
                    | {"model": {"value": 0.6512, "low": 0.55, "high": 0.75}}
                ],
                "too_few": {"acquaintance": 1},
            },
            "intervals": [
                {"axis": "everybody", "group": "everybody", "people": 105, "promised": 0.9, "share": 0.7733}
                | {"low": 0.66, "high": 0.86, "is_below": True}
            ],
            "swaps": [
                {
                    "signal": "club",
                    "one": "male",
                    "other": "female",
                    "pairs": 41,
                    "lost": 5,
                    "gained": 1,
                    "p_value": 0.000219,
                }
            ],
        },
        "groups": judged,
        "profile": {"hours": NUMERIC, "site": CATEGORY},
        "proposal": {"commit": "c0ffee", "requester": "engineer", "code_sha256": "f6" * 32},
        "found": {"as_of": "2026-11-30", "findings": [{"text": "Column hours moved by 0.31."}]},
        "oversight": {"decided": 60, "departed": {"value": 0.05, "low": 0.01, "high": 0.09}},
        "settings": SETTINGS.model_dump(mode="json"),
    }


def cited(**changed):
    found = contents() | changed
    kept = {name: json.loads(json.dumps(content)) for name, content in found.items() if content is not None}
    return Cited(
        {name: Source(f"file of {name}", sha256_bytes(name.encode()), content) for name, content in kept.items()}
    )


def both(**changed):
    """Sources of two releases, the newer one changed, and what differs."""
    before, now = contents(), json.loads(json.dumps(contents() | changed))
    found = changes(before, now, SETTINGS)
    of = {name: Source(name, "0" * 64, content) for name, content in now.items()}
    of |= {BEFORE + name: Source(BEFORE + name, "1" * 64, content) for name, content in before.items()}
    return Cited(of), found


class Reader(html.parser.HTMLParser):
    """Text outside of what is cited, and every cited value with its place."""

    def __init__(self, text):
        super().__init__()
        self.open, self.plain, self.values, self.quoted = [], "", [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "data":
            self.values.append(dict(attrs))
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "cite" in self.open:
            self.quoted += data
        elif not {"data", "code", "style", "title"} & set(self.open):
            self.plain += data


# ---------------------------------------------------------------- numbers and their places


@pytest.mark.parametrize("file", sorted(page.TEMPLATES.glob("documents_*.html")), ids=lambda file: file.name)
def test_no_template_holds_a_number(file):
    text = re.sub(r"\{#.*?#\}|<style>.*?</style>", "", file.read_text(), flags=re.DOTALL)
    text = re.sub(r'</?[a-z]+[0-9]?(?=[\s>])|utf-8|initial-scale=1|tabindex="0"|sha256', "", text)
    outside = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", text, flags=re.DOTALL)
    assert re.findall(r"\d", outside) == []
    words = re.findall(r"\"((?:[^\"\\])*)\"", text) if "words" in file.name else []
    assert [word for word in words if re.search(r"\d", word)] == []


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_number_of_a_document_is_in_the_file_that_it_names(kind, family):
    sources, found = both(card=contents()["card"] | {"inputs": ["text_0", "new_1"]})
    read = Reader(rendered(kind, family, sources, found).decode())
    assert re.findall(r"\d", read.plain.replace("sha256", "")) == []
    named = {source.name: name for name, source in sources.sources.items()}
    assert read.values
    for value in read.values:
        assert json.loads(value["value"]) == sources.raw(named[value["data-source"]], value["data-path"])
    text = rendered(kind, family, sources, found).decode()
    assert all(source.sha256 in text for source in sources.sources.values())


@pytest.mark.parametrize("kind", ["card", "dpia", "colorado"])
def test_beside_verdicts_and_intervals_a_document_says_which_of_them_decides(kind):
    assert DECIDES in unescape(rendered(kind, "screening", *both()).decode())


@pytest.mark.parametrize(
    ("code", "passed", "says"),
    [
        ("insufficient_data", True, "cannot say"),
        ("investigate", True, "look into it"),
        ("no_evidence", True, "passed"),
        ("adverse", False, "holds the release"),
    ],
)
def test_a_check_that_could_see_nothing_is_not_told_as_passed(code, passed, says):
    finding = {"check": "selection:sex", "passed": passed, "code": code, "reason": "As it is."}
    sources, found = both(verdict=contents()["verdict"] | {"findings": [finding]})
    text = rendered("card", "screening", sources, found).decode()
    assert re.findall(r"</th><td>([a-z ]*)</td><td><data[^>]*>As it is\.", text) == [says]


def test_a_value_says_its_file_its_place_and_its_letter():
    shown = cited().n("metrics", "model.value", 3)
    assert shown == (
        '<data value="0.8123" data-source="file of metrics" data-path="model.value" '
        'title="file of metrics: model.value">0.812</data><sup><a href="#source-d">d</a></sup>'
    )
    assert ">80%</data>" in Cited({"a": Source("a", "0", {"x": 0.8})}).n("a", "x", "share")
    assert ">12,345</data>" in Cited({"a": Source("a", "0", {"x": 12345})}).n("a", "x")
    many = Cited({f"s{number}": Source("", "", {}) for number in range(28)})
    assert [many.letter(f"s{number}") for number in (0, 25, 26, 27)] == ["a", "z", "aa", "ab"]


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("metrics", "nothing"),
        ("metrics", "model.value.more"),
        ("nobody", "x"),
        ("groups", "axes.9.n"),
        ("metrics", "metric"),
    ],
)
def test_what_is_not_there_is_not_known_and_never_nothing(source, path):
    assert cited().n(source, path) == UNKNOWN
    assert cited(metrics=contents()["metrics"] | {"chance": None}).n("metrics", "chance") == UNKNOWN


@pytest.mark.parametrize("kind", KINDS)
def test_a_release_of_which_little_is_known_has_its_documents(kind):
    text = rendered(
        kind, FAMILY, cited(card=None, metrics=None, groups=None, proposal=None, found=None, oversight=None), []
    )
    assert b"not known" in text


def test_a_release_from_before_approvers_were_asked_why_no_alternative_has_its_documents():
    about = contents()["release"]
    approvers = [{name: value for name, value in one.items() if name != "choice_reason"} for one in about["approvers"]]
    text = rendered("card", FAMILY, cited(release={**about, "approvers": approvers}), []).decode()
    assert "Read &lt;b&gt;it&lt;/b&gt;." in text
    assert "Why no alternative" not in text


def test_what_people_wrote_is_shown_and_not_run():
    text = rendered("card", FAMILY, cited(), []).decode()
    assert "Read &lt;b&gt;it&lt;/b&gt;." in text
    assert "<b>" not in text


# ---------------------------------------------------------------- what each must hold


def headings(kind, family=FAMILY):
    sources, found = both()
    return re.findall(r"<h2>(.*?)</h2>", rendered(kind, family, sources, found).decode())


def test_the_technical_file_has_the_sections_of_annex_iv():
    assert headings("annex-iv")[1:10] == [
        "General description",
        "Elements and development",
        "Monitoring, functioning and control",
        "Why these measures of performance fit",
        "Risk management",
        "Changes through the lifecycle",
        "Standards",
        "Declaration of conformity",
        "Post-market monitoring",
    ]


def test_the_technical_file_quotes_each_duty_that_it_is_to_meet():
    quoted = Reader(rendered("annex-iv", FAMILY, cited(), []).decode()).quoted
    pack = next(pack for pack in law.library() if pack.code == "eu-ai-act")
    elsewhere = {duty.code for duty in pack.duties if duty.asks not in quoted}
    assert elsewhere == {
        "no_emotion_inference",  # is no input
        "explanation",  # the packet of a person
        "serious_incident_death",
        "serious_incident_widespread",  # fifteen days are said to be the longest
    }


def test_what_may_change_is_determined_before_there_is_anything_to_compare():
    """Annex IV, 2(f): of the first release, too."""
    text = rendered("annex-iv", FAMILY, cited(), []).decode()
    before = text.split("<h3>Changes determined before</h3>")[1].split("<h3>")[0]
    assert re.findall(r'data-path="([\w.]+)"', before) == ["foreseen.0", "metric_move", "ratio_fall", "shift"]
    assert "There is no release before this one" in text.split("<h2>Changes through the lifecycle</h2>")[1]


def test_a_group_that_others_are_compared_with_is_called_that_and_one_that_is_not_compared_is_not_unknown_to_us():
    rows = [
        {"group": "male", "n": 90, "selected": 45, "rate": 0.5, "impact_ratio": 1.0, "is_reference": True},
        {"group": "female", "n": 80, "selected": 36, "rate": 0.45, "impact_ratio": 0.9, "low": 0.7, "high": None},
        {"group": "unknown", "n": 70, "selected": 35, "rate": 0.5, "is_unknown": True},
        {"group": "other", "n": 40, "selected": 20, "rate": 0.5, "is_small": True},
    ]
    groups = {
        "axes": [{"axis": "sex", "verdict": "NO_EVIDENCE", "groups": [r | {"verdict": "NO_EVIDENCE"} for r in rows]}]
    }
    text = rendered("colorado", FAMILY, cited(groups=groups), []).decode()
    cells = {
        row[0]: [re.sub("<.*?>", "", cell) for cell in row[1:-1]]
        for row in (
            re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", re.sub(r"<sup>.*?</sup>|</?data.*?>", "", line))
            for line in re.findall(r"<tr>.*?</tr>", text.split("The model, by")[1].split("</table>")[0])[1:]
        )
    }
    assert cells == {
        "male": ["90", "45", "50%", "the others are compared with it"],
        "female": ["80", "36", "45%", "0.90", "0.70", "not known"],
        "unknown": ["70", "35", "50%", "unknown, not compared"],
        "other": ["40", "20", "50%", "too few to judge"],
    }


def test_a_parameter_that_is_empty_is_none_and_one_that_is_nought_is_nought():
    params = {"encoder": "", "measures": ["hours", "sick"], "l2": 0.0, "left": []}
    text = rendered("card", FAMILY, cited(card=contents()["card"] | {"params": params}), []).decode()
    table = text.split("Everything that shaped the model")[1].split("</table>")[0]
    rows = re.findall(r"<code>(.*?)</code></th><td[^>]*>(.*?)</td>", re.sub(r"<sup>.*?</sup>|</?data.*?>", "", table))
    assert dict(rows) == {"encoder": "none", "l2": "0.0", "left": "none", "measures": "hours, sick"}


def test_the_technical_file_says_of_whom_the_model_learned():
    spread = {"half_year": [{"part": "2025H1", "cases": 61, "people": 53, "mean": 0.4123}], "job_family": []}
    card = contents()["card"] | {"labels": {"spread": spread}, "params": {"min_people": 10}}
    read = Reader(rendered("annex-iv", FAMILY, cited(card=card), []).decode())
    at = "labels.spread.half_year.0."
    values = {value["data-path"].removeprefix(at): value["value"] for value in read.values if at in value["data-path"]}
    assert values == {"part": '"2025H1"', "cases": "61", "people": "53", "mean": "0.4123"}
    assert read.plain.count("Of whom it learned") == 1


def test_the_developer_pack_has_what_colorado_asks_for():
    wanted = ["Intended uses", "Known harmful or inappropriate uses", "Categories of training data"]
    assert headings("colorado")[1:4] == wanted
    sources, found = both()
    text = rendered("colorado", FAMILY, sources, found).decode()
    assert {"Limits and known risks", "Human review", "Versions and changes"} <= set(headings("colorado"))
    assert 'data-source="law/us-co-sb26-189.yaml"' in text
    assert "Instructions" not in text or "review" in text


def test_the_assessment_is_a_draft_until_somebody_signs():
    text = rendered("dpia", FAMILY, cited(), []).decode()
    assert "it counts once somebody who answers for the processing has completed and signed it" in text
    assert text.count('class="open"') >= 3
    assert "Art. 35, from 2018-05-25: An impact assessment, signed before the first run." in Reader(text).quoted


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_words_of_its_own(family):
    own = [
        re.search(r"<h2>What it is for</h2><p>(.*?)</p>", rendered("card", each, cited(), []).decode())[1]
        for each in FAMILIES
    ]
    assert len(set(own)) == len(FAMILIES)
    for kind in KINDS:
        rendered(kind, family, cited(), [])


@pytest.mark.parametrize("kind", ["card", "annex-iv", "dpia", "colorado"])
def test_how_good_and_how_wrong_a_model_is_stands_there_for_each_group(kind):
    """Art. 13 of the AI Act asks for the performance on the groups that a system is used on."""
    read = Reader(rendered(kind, FAMILY, cited(), []).decode())
    values = {value["data-path"]: json.loads(value["value"]) for value in read.values}
    assert values["slices.judged.0.model.value"] == 0.7012
    assert "slices.judged.1.model.value" not in values, "figures of few people would follow"
    assert "slices.judged.2.model.value" not in values, "subjects are many, and in the verdict"
    assert values["parity.axes.0.groups.0.rates.true.share"] == 0.55
    assert values["parity.axes.0.groups.0.rates.false.high"] == 0.38
    assert (values["swaps.0.lost"], values["swaps.0.p_value"]) == (5, 0.000219)
    assert "&lt; 0.001" in rendered(kind, FAMILY, cited(), []).decode()
    assert (values["parity.lists.0.groups.0.ratio"], values["parity.lists.0.groups.0.low"]) == (0.8432, 0.7)
    assert "parity.lists.0.groups.1.listed" not in values
    assert (values["stand_ins.0.auc"], values["stand_ins.0.input"]) == (0.713, "commute_days")
    assert values["popularity.deciles.0.excess.model.value"] == 0.21
    assert values["popularity.model.gini"] == 0.71
    assert (values["warnings.precision.model.value"], values["warnings.chance"]) == (0.62, 0.3)
    assert (values["warnings.days_ahead.median"], values["grades.within.model.high"]) == (30.2, 0.93)
    assert values["acquaintance.judged.0.model.value"] == 0.6512
    assert (values["intervals.0.promised"], values["intervals.0.share"]) == (0.9, 0.7733)
    assert (values["selective.0.groups.0.low"], values["selective.0.groups.0.high"]) == (0.1, 0.7)
    assert "none of those turned away shows what they would have done" in read.plain
    assert read.plain.count("too few to tell") == 1 + 3 + 3 + 4
    newer = ("slices", "parity", "swaps", "selective")
    older = {name: value for name, value in contents()["metrics"].items() if name not in newer}
    text = rendered(kind, FAMILY, cited(metrics=older), []).decode()
    assert "How accurate it is for each group is <em>not known</em>" in text


# ---------------------------------------------------------------- differences


def changed(path, value):
    """What differs when one value of the newer release is another."""
    now = json.loads(json.dumps(contents()))
    *parents, last = path.split(".")
    node = now
    for name in parents:
        node = node[int(name)] if isinstance(node, list) else node[name]
    node[last] = value
    return changes(contents(), now, SETTINGS)


def test_the_same_release_twice_differs_in_nothing():
    assert changes(contents(), contents(), SETTINGS) == []


@pytest.mark.parametrize(
    ("path", "value", "kind", "is_foreseen"),
    [
        ("card.inputs", ["text_0"], "inputs", False),
        ("card.inputs", ["text_0", "hours", "more"], "inputs", False),
        ("card.params.train.epochs", 30, "parameters", True),
        ("card.params.train.units", 33, "parameters", False),
        ("card.params.train", {"units": 32}, "parameters", False),
        ("card.params.seed", 18, "parameters", False),
        ("metrics.decide.threshold", 0.41, "decision", False),
        ("metrics.decide", {"threshold": 0.4, "top_k": 5}, "decision", False),
        ("metrics.metric", "mae", "metrics", False),
        ("metrics.model.value", 0.8623, "metrics", True),
        ("metrics.model.value", 0.8624, "metrics", False),
        ("metrics.model.value", 0.7622, "metrics", False),
        ("metrics.model.value", None, "metrics", False),
        ("groups.axes.0.groups.1.verdict", "ADVERSE", "groups", False),
        ("groups.axes.0.groups.1.group", "c", "groups", False),
        ("profile.site.shares", [0.71, 0.29], "population", False),
        ("profile.hours.shares", [0.71, 0.29], "population", False),
        ("profile.hours.missing_share", 0.21, "population", False),
        ("profile.hours.kind", "categorical", "population", False),
        ("card.as_of", "2026-12-31", "data", True),
        ("verdict.purpose", "Orders applications for recruiters, and rejects the last.", "purpose", False),
        ("verdict.purpose", None, "purpose", False),
        ("proposal.code_sha256", "a7" * 32, "code", True),
    ],
)
def test_what_was_not_foreseen_is_a_substantial_modification(path, value, kind, is_foreseen):
    found = changed(path, value)
    assert {(change.kind, change.is_foreseen) for change in found} == {(kind, is_foreseen)}
    assert is_substantial(found) is not is_foreseen


def test_a_purpose_in_other_lines_and_another_commit_of_the_same_code_are_no_change():
    assert changed("verdict.purpose", "Orders applications\n  for recruiters, who decide. ") == []
    assert changed("proposal.commit", "decade") == []


def test_where_a_release_has_no_digest_of_its_code_commits_are_compared():
    older = contents()
    del older["proposal"]["code_sha256"]
    assert changes(older, contents(), SETTINGS) == []
    older["proposal"]["commit"] = "decade"
    (found,) = changes(older, contents(), SETTINGS)
    assert (found.kind, found.about, found.is_foreseen) == ("code", "commit", True)
    assert [change.kind for change in changes({**older, "proposal": {}}, contents(), SETTINGS)] == ["code"]


def test_a_purpose_declared_for_the_first_time_is_asked_about():
    older = contents()
    del older["verdict"]["purpose"]
    (found,) = changes(older, contents(), SETTINGS)
    assert (found.kind, found.path, found.path_before, found.is_foreseen) == ("purpose", "purpose", "", False)


@pytest.mark.parametrize("kind", ["card", "annex-iv", "dpia", "colorado"])
def test_a_document_has_the_purpose_of_its_release_and_the_differences_both(kind):
    quoted = 'data-path="purpose"'
    assert quoted in rendered(kind, FAMILY, cited(), []).decode()
    sources, found = both(verdict=contents()["verdict"] | {"purpose": "Rejects the last."})
    text = rendered("versions", FAMILY, sources, found).decode()
    assert text.count(quoted) == 2
    assert "Rejects the last." in text
    assert "It is to serve another purpose" in text


@pytest.mark.parametrize("shares", [[0.69, 0.31], [0.31, 0.69]])
def test_people_may_be_distributed_a_little_otherwise(shares):
    assert changed("profile.site.shares", shares) == changed("profile.hours.shares", shares) == []


def test_an_impact_ratio_may_rise_and_may_fall_a_little():
    rows = contents()["groups"]["axes"][0]["groups"]
    place = next(place for place, row in enumerate(rows) if row["impact_ratio"] != 1.0)
    ratio, path = rows[place]["impact_ratio"], f"groups.axes.0.groups.{place}.impact_ratio"
    assert [change.is_foreseen for change in changed(path, ratio + 0.3)] == [True]
    assert [change.is_foreseen for change in changed(path, ratio - 0.09)] == [True]
    assert [change.is_foreseen for change in changed(path, ratio - 0.11)] == [False]
    assert [change.is_foreseen for change in changed(path, None)] == [False]


def test_a_verdict_that_is_better_is_no_alarm():
    before, now = contents(), contents()
    before["groups"]["axes"][0]["groups"][1]["verdict"] = "ADVERSE"
    assert changes(before, now, SETTINGS) == []


def test_what_nobody_foresaw_comes_first_and_the_page_says_so():
    sources, found = both(card=contents()["card"] | {"as_of": "2026-12-31", "inputs": ["text_0"]})
    assert [change.is_foreseen for change in found] == [False, True]
    text = rendered("versions", FAMILY, sources, found).decode()
    assert "Substantial modification." in text
    assert "assessed as another system" in text
    foreseen = rendered("versions", FAMILY, sources, found[1:]).decode()
    assert "No substantial modification." in foreseen
    assert "There is no release before this one" in rendered("versions", FAMILY, cited(), []).decode()


@pytest.mark.parametrize(
    ("before", "now", "apart"),
    [
        (NUMERIC, NUMERIC, 0.0),
        (NUMERIC, NUMERIC | {"edges": [10.0, 15.0, 20.0]}, 1.0),
        # at 5 half of the old and, of one bin over [0, 10], half of the new
        (NUMERIC, NUMERIC | {"edges": [0.0, 10.0], "shares": [1.0]}, 0.0),
        # at 5 half of the old lies below, of [0, 20] a quarter; at 10 all against half
        (NUMERIC, NUMERIC | {"edges": [0.0, 20.0], "shares": [1.0]}, 0.5),
        (NUMERIC, NUMERIC | {"missing_share": 0.3}, 0.3),
        (CATEGORY, CATEGORY | {"categories": ["a", "c"]}, 0.5),
        (CATEGORY, CATEGORY | {"shares": [0.9, 0.1]}, 0.4),
        (NUMERIC | {"edges": [], "shares": [1.0]}, NUMERIC | {"edges": [], "shares": [1.0]}, 0.0),
        (NUMERIC | {"edges": [3.0, 3.0], "shares": [1.0]}, NUMERIC | {"edges": [3.0, 3.0], "shares": [1.0]}, 0.0),
    ],
)
def test_the_distance_of_two_distributions(before, now, apart):
    assert math.isclose(distance(before, now), apart, abs_tol=1e-12)
    assert math.isclose(distance(now, before), apart, abs_tol=1e-12)


@pytest.mark.parametrize("now", [CATEGORY, NUMERIC | {"edges": [], "shares": [1.0]}, {"kind": "numeric"}])
def test_what_cannot_be_compared_is_never_near(now):
    assert math.isnan(distance(NUMERIC, now))


# ---------------------------------------------------------------- from a store


@pytest.fixture
def made(store, tmp_path, keys):
    released(store, Answers(), tmp_path)
    released(store, Answers(), tmp_path, "r2", weights=b"weights 2", inputs=["postcode"])
    return store


def test_documents_are_the_same_whenever_they_are_made(made):
    pages, is_other = make(made, KINDS, FAMILY)
    assert make(made, KINDS, FAMILY) == (pages, is_other)
    assert make(made, ["card"], FAMILY, 1)[0]["card"] != pages["card"]
    read = Reader(pages["card"].decode())
    values = {(value["data-source"], value["data-path"]): json.loads(value["value"]) for value in read.values}
    assert values["release 2, evaluated/metrics.json", "model.value"] == 0.8
    assert values["release 2, verdict.json", "purpose"] == PURPOSE
    commit = next(value for (name, path), value in values.items() if path == "commit" and name.startswith("entry "))
    assert commit == "c0ffee"


def test_differences_tell_that_other_code_made_the_newer_release(store, tmp_path, keys, monkeypatch):
    released(store, Answers(), tmp_path)
    monkeypatch.setattr("pipelines.publish.proposals.code_of", lambda family: "0" * 64)
    released(store, Answers(), tmp_path, "r2", weights=b"weights 2")
    pages, is_other = make(store, ["versions"], FAMILY)
    assert not is_other
    assert f'"{"0" * 64}"' in html.unescape(pages["versions"].decode())
    assert "The code that makes and judges it is another." in pages["versions"].decode()


def test_a_file_that_was_changed_makes_no_document(made):
    key = next(key for key in made.list("releases") if key.endswith("metrics.json"))
    made.put(key, made.read(key).replace(b"0.8", b"0.9"))
    with pytest.raises(ContractError, match="its digest differs"):
        [make(made, ["card"], FAMILY, number) for number in (1, 2)]


def test_a_document_is_about_a_release_that_is_there(made):
    for number, family in ((9, FAMILY), (None, "outcomes")):
        with pytest.raises(ContractError, match="must be about a release"):
            make(made, ["card"], family, number)


def test_the_command_writes_the_page_and_says_whether_it_is_another_system(made, tmp_path, capsys):
    assert main(["make", "versions", FAMILY, "--to", str(tmp_path / "d.html")]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["sha256"] == sha256_bytes((tmp_path / "d.html").read_bytes())
    assert said["substantial_modification"] is True
    assert main(["make", "card", FAMILY, "--to", str(tmp_path / "nowhere/d.html")]) == 1
    assert "--to names none" in capsys.readouterr().err


def test_an_alarm_names_what_nobody_foresaw_in_the_release_that_scores(made, store, tmp_path):
    assert unforeseen(made, FAMILY) == unforeseen(made, FAMILY) == ("inputs: postcode",)
    assert unforeseen(made, "outcomes") == ()
    first, second = releases.pointers(made, FAMILY)
    back_to(made, first)
    assert unforeseen(made, FAMILY) == (), "the first release again is no other system than it was"
    selected, answers = [True, False] * 5000, ["a"] * 5000 + ["b"] * 5000
    other = evidence(selected, {"ethnicity": answers}, ["r"] * 10000)
    released(made, Answers(), tmp_path, "r3", weights=b"weights 3", groups=other)
    assert "groups: ethnicity: a" in unforeseen(made, FAMILY)
    back_to(made, second)
    assert unforeseen(made, FAMILY) == ("inputs: postcode",), "it is another system than the first, as it was"


def test_whether_a_release_is_another_system_is_not_known_where_no_named_key_signed_the_one_before(made, monkeypatch):
    """As after a key was replaced, and the former one is named no longer."""
    _, second = releases.pointers(made, FAMILY)
    monkeypatch.setattr(vouched, "history", lambda *_: [second])
    with pytest.raises(ContractError, match="before number 2 must be known, to say whether that is another system"):
        unforeseen(made, FAMILY)
    pages, is_other = make(made, ["versions", "card"], FAMILY, 2)
    assert is_other is None
    for said in pages.values():
        assert "<strong>Not known.</strong> There was a release before this one" in said.decode()
        assert "There is no release before this one" not in said.decode()
        assert "No substantial modification" not in said.decode()


def test_a_release_of_a_key_that_is_named_no_longer_is_not_passed_over(made, tmp_path, monkeypatch):
    """The second of three, and the first beside a rollback to it: what differs from what scored before is not known."""
    first, second = releases.pointers(made, FAMILY)
    third = released(made, Answers(), tmp_path, "r3", weights=b"weights 3")
    with monkeypatch.context() as gone:
        gone.setattr(vouched, "history", lambda *_: [first, third])
        with pytest.raises(ContractError, match="before number 3 must be known"):
            unforeseen(made, FAMILY)
        assert make(made, ["versions"], FAMILY, 3)[1] is None
    back = back_to(made, first)
    monkeypatch.setattr(vouched, "history", lambda *_: [second, third, back])
    with pytest.raises(ContractError, match="before number 4 must be known"):
        unforeseen(made, FAMILY)


def test_a_pointer_laid_before_the_first_release_makes_it_no_second(store, tmp_path, keys):
    first = released(store, Answers(), tmp_path)
    other = released(store, Answers(), tmp_path, "r2", weights=b"weights 2")
    assert vouched.follows(store, FAMILY, None, first)
    assert vouched.follows(store, FAMILY, first, other)
    assert not vouched.follows(store, FAMILY, None, other)
    assert vouched.follows(store, "outcomes", None, replace(other, family="outcomes")), "no entry has a number before"


def test_the_first_release_differs_from_nothing(store, tmp_path, keys):
    released(store, Answers(), tmp_path)
    assert unforeseen(store, FAMILY) == ()


@pytest.mark.parametrize("change", [
    lambda second: (replace(second, sequence=3), "none does: it was put there by hand"),
    lambda second: (replace(second, manifest_sha256="0" * 64), "none does: it was put there by hand"),
    lambda second: (None, "must have a pointer"),
])  # fmt: skip
def test_what_the_ledger_does_not_vouch_for_is_in_no_document_and_in_no_alarm(made, tmp_path, change):
    """The newest pointer is laid by hand, changed, or taken away, which leaves the one before it."""
    sha = proposed(made, tmp_path, "r3", weights=b"weights 3")["verdict_sha256"]
    assert ahead(made, FAMILY, sha).against == 2
    second = releases.live(made, FAMILY)
    forged, why = change(second)
    said = [entry for entry in entries(made) if entry.tag is Tag.MODEL_RELEASED][-1]
    made.put(ledger_key(said.sequence), replace(said, recorded_at="2026-01-01T00:00:00+00:00").to_json())
    if forged is None:
        made.delete(second.key)
    else:
        made.put(forged.key, forged.to_json())
    asked = (
        lambda: make(made, ["card"], FAMILY),
        lambda: unforeseen(made, FAMILY),
        lambda: ahead(made, FAMILY, sha),
    )
    for ask in asked:
        with pytest.raises(ContractError, match=why):
            ask()
    with pytest.raises(ContractError, match="that the ledger vouches for"):
        make(made, ["card"], FAMILY, forged.sequence if forged else 2)
    assert make(made, ["card"], FAMILY, 1)[0]["card"], "an older one is what it was"


def test_a_candidate_is_compared_once_and_anew_when_another_release_scores(made, tmp_path, monkeypatch):
    sha = proposed(made, tmp_path, "r3", weights=b"weights 3")["verdict_sha256"]
    monkeypatch.chdir(tmp_path)
    first = ahead(made, FAMILY, sha)
    assert (first.against, first.unforeseen) == (2, ["inputs: postcode"])
    with monkeypatch.context() as patch:
        patch.setattr(releases, "read_manifest", None)
        assert ahead(made, FAMILY, sha) is first
    back_to(made, releases.pointers(made, FAMILY)[0])
    assert ahead(made, FAMILY, sha).against == 3


def test_an_alarm_is_not_given_on_a_file_that_was_changed(made):
    key = next(key for key in made.list("releases") if key.endswith("metrics.json"))
    made.put(key, made.read(key).replace(b"0.8", b"0.9"))
    with pytest.raises(ContractError, match="its digest differs"):
        unforeseen(made, FAMILY)


@pytest.mark.parametrize("kind", ["card", "annex-iv"])
def test_what_else_was_tried_stands_beside_whom_the_model_selects(kind):
    text = rendered(kind, FAMILY, cited(), []).decode()
    assert "people weighed on sex" in text
    assert 'data-path="alternatives.alternatives.0.impact_ratio.value"' in text
    assert "Nobody can explain the 2nd." in text
    older = {name: value for name, value in contents()["verdict"].items() if name != "alternatives"}
    assert (
        "Whether others were tried is <em>not known</em>" in rendered(kind, FAMILY, cited(verdict=older), []).decode()
    )


def test_a_document_tells_what_monitoring_found_of_its_own_release_and_of_no_other(store):
    """Release 7 scored in October, release 8 since: the card of 7 tells October, that of 9 nothing."""

    def pointer(sequence):
        return Release("screening", sequence, "release", *("x",) * 5, "2026-10-31", "r", "", (), {}, "2026-11-01")

    for month, sequence in ((10, 7), (11, 8)):
        for name in ("findings.json", "oversight.json"):
            told = {"release": f"screening release {sequence}", "of": name}
            store.put(f"reports/screening/2026-{month}-30/{name}", json.dumps(told).encode())
    store.put("reports/screening/2026-12-30/findings.json", b"{}")  # of before reports named their release
    span = (date(2026, 1, 1), date(2026, 12, 31))
    found = {n: sources.of_monitoring(store, pointer(n), *span) for n in (7, 8, 9)}
    assert {source.name for source in found[7].values()} == {
        "report of 2026-10-30, findings.json", "report of 2026-10-30, oversight.json",
    }  # fmt: skip
    assert all(source.name.startswith("report of 2026-11-30") for source in found[8].values())
    assert found[9] == {}
    assert sources.of_monitoring(store, pointer(8), date(2026, 1, 1), date(2026, 10, 31)) == {}


def test_a_document_counts_no_few_people_and_nobody_who_would_tell_of_them_in_this_release_or_the_one_before():
    """Now 5 of x are few; before they were 40, beside whom 35 of u were withheld with nobody: both withhold both."""
    now, before = (
        {"axes": [judge_counts(counts, axis="sex", min_group_size=30).to_dict()], "human": {"axes": []}}
        for counts in (
            {"f": (400, 180), "m": (900, 500), "u": (35, 17), "x": (5, 3)},
            {"f": (400, 181), "m": (900, 501), "u": (35, 19), "x": (40, 13)},
        )
    )
    found = {"groups": Source("now", "0", now), BEFORE + "groups": Source("before", "1", before)}
    shown = for_all(found)
    for name, of in shown.items():
        rows = {row["group"]: row["selected"] for row in of.content["axes"][0]["groups"]}
        assert (rows["x"], rows["u"]) == (None, None), name
        assert None not in {rows["f"], rows["m"]}
    assert found["groups"].content is now
    assert now["axes"][0]["groups"][3]["selected"] == 3, "what is evidence stays as it is"
    assert shown["groups"].sha256 == "0"


def test_a_document_without_groups_has_none():
    assert for_all({"card": Source("card", "0", {})}).keys() == {"card"}
    assert for_all({"groups": Source("groups", "0", None)})["groups"].content is None
