"""All words of the Audit page and the daily report stand in one catalogue, and a language changes all of them."""

import ast
import io
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from monitoring import page
from monitoring.portal import evidence, pages
from monitoring.portal.evidence import Day, Ledger, Model
from monitoring.portal.ingested import Check, Feed, HeldFile, Ingested, Late, Missed, NewColumns
from monitoring.portal.roles import Reader, Role
from monitoring.portal.scope import Part, Scope
from monitoring.results import Axis, Bias, Finding, Findings
from monitoring.texts import _read as texts_read
from monitoring.texts import counted, found, say, say_html, speaking, wanted
from monitoring.texts.spoken import Said
from pipelines.audit import Entry, Head, Tag
from pipelines.audit.lived import Stretch
from pipelines.base.catalog import FAMILIES
from pipelines.base.errors import SettingsError
from pipelines.fairness import judge_counts
from pipelines.fairness.law import Clock, Duty, Standing, library
from tests.stages import monitored_company as company

DAY = date(2026, 10, 31)
WHO = Reader("clara", Role.COMPLIANCE)
DATA = "quux"
"""Stands for whatever a company's records say."""


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A language in which every text is itself within brackets."""
    catalog = read_po(io.BytesIO(found.CATALOGUE.read_bytes()))
    for message in catalog:
        if message.id:
            is_one = isinstance(message.id, str)
            message.string = f"⟦{message.id}⟧" if is_one else tuple(f"⟦{text}⟧" for text in message.id)
    catalog.locale = "eo"
    return named(tmp_path, monkeypatch, catalog)


def named(folder, monkeypatch, catalog):
    path = folder / "language.po"
    fresh = Catalog(locale=catalog.locale)
    for message in catalog:
        if message.id:
            fresh.add(message.id, message.string)
    with path.open("wb") as file:
        write_po(file, fresh)
    monkeypatch.setenv("CANDOR_TEXTS", str(path))
    return path


class Shown(HTMLParser):
    """What somebody sees or hears of a page, element by element; code and styles are no language."""

    def __init__(self, html):
        super().__init__()
        self.texts, self.inside = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "link", "br", "path", "rect", "line", "circle", "img", "input"):
            self.inside.append(tag)
        self.texts += [value for name, value in attrs if name in ("title", "aria-label", "alt") and value]

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"code", "style", "script"} & set(self.inside):
            self.texts.append(data)


def english(html):
    """Words that no text of the catalogue said."""
    text, before = "|".join(Shown(html).texts), ""
    while before != text:  # a value within a text may hold one
        before, text = text, re.sub(r"⟦[^⟦⟧]*⟧", "", text)
    assert not {"⟦", "⟧"} & set(text)
    return set(re.findall(r"[A-Za-z]+(?:[ _][A-Za-z]+)*", text))


def plain(text):
    return text.replace("_", " ").lower()


def everything(store):
    """Every page, each with something in all of its places."""
    company.release(store, "screening")
    live = evidence.model(store, "screening")
    counts = {DATA: (120, 30), "male": (120, 72), "few": (5, 1), "unknown": (9, 2)}
    judged = judge_counts(counts, axis=DATA, min_group_size=30)
    item = Axis(source="human", stage=DATA, subject=DATA, judgement=judged.to_dict())
    told = Findings(
        family="screening",
        as_of=DAY,
        retrain=True,
        reasons=(DATA,),
        findings=(Finding(rule=DATA, subject=DATA, text=DATA),),
    )
    bias = Bias(family="screening", as_of=DAY, status="ok", pools=(item,), subjects=(item,))
    day = Day(DAY, told, bias, names=("index.html", "bias.html"))
    watched = Model("screening", live.live, newest=day, days=(DAY, DAY), history=live.history * 2, faults=(DATA,))
    ledger = Ledger(Head(1, DATA), (DATA,), (Entry(1, Tag.MODEL_HELD, DATA, {DATA: DATA}, DATA, DATA),))
    feeds = [Feed(DATA, dict.fromkeys(("in", "accepted", "quarantined", "filtered", "held"), 1), {DATA: 1})]
    arrived = Ingested(
        feeds,
        [Check(DATA, DATA, 1, 1, DATA, "warn", 2)],
        [HeldFile(DATA, DATA, DATA, DATA, DATA, None)],
        [Missed(DATA, DATA, (DATA,), DATA, 1, 1, 1, 1, {DATA: 1})],
        [Late(DATA, DATA, DATA, DATA, DATA)],
        [NewColumns(DATA, DATA, 1, (DATA,), 1)],
    )
    said = dict.fromkeys(("by", "why", "reason", "asked_by", "requester", "as_of", "commit"), DATA)
    said |= {f"{name}_sha256": DATA for name in ("model", "data", "verdict", "manifest")}
    lived = Stretch("screening", DATA, DATA, "rollback", 1, {**said, "approvers": [{"name": DATA}]})
    parts = (Part(DATA, DATA, "sole", DATA, DATA, DATA), Part(DATA, DATA))
    used = Scope(parts, ((DATA, ()), (DATA, (DATA,))))
    stop, then = Stretch("scoring", DATA, None, "stop", 2, said), replace(lived, scorings=({"rows": 2, "as_of": DATA},))
    clock = Clock(amount=1, unit="days", side="after", trigger="use").model_copy(
        update=dict.fromkeys(("unit", "side", "trigger"), DATA)
    )
    duty = Duty(code="a", kind="clock", asks=DATA, where=DATA, basis="known", clock=clock, is_recommended=True)
    pack = library()[0].model_copy(
        update={**dict.fromkeys(("title", "note", "jurisdiction", "replaced_by", "sha256"), DATA), "source": (DATA,)}
    )
    pack = pack.model_copy(update={"duties": (duty,), "ends_on": date(2099, 1, 1)})
    return {
        "laws": pages.laws(Standing(DAY, (DATA,), (pack,)), [(DAY, pack, 2)], [pack], WHO),
        "no laws": pages.laws(Standing(DAY, (DATA,), ()), [], [], WHO),
        "report": page.report(told, None, None, bias),
        "overview": pages.overview([live, watched, Model("outcomes")], ledger, WHO, stops=[DATA]),
        "model": pages.model(live, ledger, feeds, WHO),
        "watched": pages.model(watched, ledger, feeds, WHO, scope=used),
        "shadow": pages.model(live, ledger, [], WHO, scope=Scope(places=None)),
        "unread": pages.model(live, ledger, [], WHO, scope=Scope(fault=DATA)),
        "nothing": pages.model(Model("performance"), ledger, [], WHO),
        "records": pages.records(ledger, arrived, WHO, [lived, stop]),
        "that day": pages.records(ledger, arrived, WHO, [lived], day=DAY, then=[lived, stop, then]),
        "another day": pages.records(ledger, arrived, WHO, [lived], day=DAY),
        "rollback": pages.rollback("screening", live.live.pointer, live.live.pointer, WHO),
        "frame": pages.report("screening", "2026-10-31", "bias.html", WHO),
        "refusal": pages.refusal(404, "There is no such page or report."),
    }


def test_the_catalogue_has_every_text_and_no_other():
    assert found.CATALOGUE.read_bytes() == found.catalogue(), "run python -m monitoring.texts"


def test_in_another_language_no_english_is_left_but_what_records_say(elsewhere, store):
    shown = everything(store)
    live = evidence.model(store, "screening").live
    records = plain(f"{live.verdict} {live.pointer} {FAMILIES} {DATA} {WHO} scoring warn held {DATA} {DATA} {DATA}")
    judgement = judge_counts(
        {DATA: (120, 30), "male": (120, 72), "few": (5, 1), "unknown": (9, 2)}, axis=DATA, min_group_size=30
    )
    records += plain(
        f"{judgement.to_dict()} commit data sha manifest sha verdict sha model sha"
    )  # names of what is proved
    assert {
        name: {words for words in english(html) if plain(words) not in records} for name, html in shown.items()
    } == {name: set() for name in shown}
    assert all('<html lang="eo">' in html for html in shown.values())


def test_what_is_said_may_hold_neither_html_nor_another_value(tmp_path, monkeypatch):
    catalog = read_po(io.BytesIO(found.CATALOGUE.read_bytes()))
    catalog["Not trusted: {fault}"].string = "<b>{fault}</b>"
    named(tmp_path, monkeypatch, catalog)
    text = pages.model(Model("screening", faults=("<i>",)), Ledger(Head(7, "e" * 64), ()), [], WHO)
    assert "&lt;b&gt;&lt;i&gt;&lt;/b&gt;" in text


def test_views_hold_no_sentence_that_is_not_said():
    """Where pages and drawings are made. A text of two words or more is for people; docstrings are for us."""
    left = []
    for file in ("page.py", "portal/pages.py", "portal/roles.py", "svg.py"):
        tree = ast.parse((found.PACKAGE / file).read_text(encoding="utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        said = {
            id(part)
            for call in calls
            if isinstance(call.func, ast.Name) and call.func.id in ("say", "noted", "counted")
            for part in ast.walk(call)
        }
        notes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        left += [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and re.search(r"[a-z]{2,} [a-z]{2,}", node.value)
            and "<" not in node.value
            and id(node) not in said | notes
        ]
    assert left == []


def said(html):
    template = Said()
    template.rewrite(page.environment(None).parse(html))
    return template.texts, template.plurals


def test_what_stands_between_two_tags_is_one_text():
    assert said("<p>On {{ d.on }} by {{ d.by }}, <b>in time</b> <code>no word</code></p>")[0] == [
        "On {on} by {by},",
        "in time",
    ]
    assert said('<a title="Go back" class="word">{{ "yes" if x else "no" }}</a>')[0] == ["Go back", "yes", "no"]
    assert said('<i{% if x %} class="one two"{% endif %}>A</i>')[0] == ["A"]
    assert said('{{ judged("By " ~ axis ~ (" at " ~ stage if stage else "")) }}')[0] == [
        "at {stage}",
        "By {axis}{stage}",
    ]
    assert said("<p>{{ a.low }} to {{ b.low }} &amp; {{ a.low }}</p>")[0] == ["{a_low} to {b_low} & {a_low_2}"]
    assert said('<p>{{ counted("{n} duty", "{n} duties", n) }} 1 + 2</p>') == ([], [("{n} duty", "{n} duties")])


def test_numbers_take_the_form_of_the_language(tmp_path, monkeypatch):
    """Polish: 1 alert, 2 alerty, 5 alertow, 22 alerty, by the rule of gettext's manual."""
    catalog = read_po(io.BytesIO(found.CATALOGUE.read_bytes()))
    catalog.locale = "pl"
    catalog[("{n} alert", "{n} alerts")].string = ("{n} alert", "{n} alerty", "{n} alertow")
    named(tmp_path, monkeypatch, catalog)
    with speaking(wanted()):
        told = [counted("{n} alert", "{n} alerts", n) for n in (1, 2, 5, 22)]
        assert say("Overview") == "Overview", "what is not translated stays English"
    assert told == ["1 alert", "2 alerty", "5 alertow", "22 alerty"]
    assert [counted("{n} alert", "{n} alerts", n) for n in (0, 1, 1200)] == ["0 alerts", "1 alert", "1,200 alerts"]


def test_a_text_that_loses_a_value_is_refused_by_name(tmp_path, monkeypatch):
    catalog = read_po(io.BytesIO(found.CATALOGUE.read_bytes()))
    catalog["Not trusted: {fault}"].string = "Nicht vertrauenswürdig"
    path = named(tmp_path, monkeypatch, catalog)
    with pytest.raises(SettingsError, match=r"Not trusted: \{fault\}"):
        wanted()
    catalog["Not trusted: {fault}"].string = "{fault} {other}"
    named(tmp_path, monkeypatch, catalog)
    texts_read.cache_clear()
    with pytest.raises(SettingsError, match=r"Not trusted: \{fault\}"):
        wanted()
    for plural in ("nplurals=2; plural=n;", "nplurals=2; plural=1/(n-3);", "nplurals=2; plural=n n;"):
        odd = path.with_name("odd.po")
        head = ("Content-Type: text/plain; charset=utf-8", f"Plural-Forms: {plural}")
        odd.write_text('msgid ""\nmsgstr ""\n' + "".join(f'"{line}\\n"\n' for line in head))
        monkeypatch.setenv("CANDOR_TEXTS", str(odd))
        texts_read.cache_clear()
        with pytest.raises(SettingsError, match="CANDOR_TEXTS must"):
            wanted()
    monkeypatch.setenv("CANDOR_TEXTS", str(path.with_name("none.po")))
    with pytest.raises(SettingsError, match="CANDOR_TEXTS must name"):
        wanted()
    path.with_name("junk.po").write_bytes(b'msgid "a\nmsgstr 7\n\xff')
    monkeypatch.setenv("CANDOR_TEXTS", str(path.with_name("junk.po")))
    with pytest.raises(SettingsError, match="CANDOR_TEXTS must name"):
        wanted()


def test_values_are_escaped_once():
    assert say_html("{a} & b", a="<i>") == "&lt;i&gt; &amp; b"
    assert say_html("{a}", a=say_html("x < y")) == "x &lt; y"
    assert say("{a} {b}", a="{b}", b="1") == "{b} 1"
