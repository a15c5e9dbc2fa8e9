"""What a law pack is, and the library of them. The only part of `fairness` that reads files: its own."""

import hashlib
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipelines.base.errors import SettingsError
from pipelines.base.settings import parsed

_FOLDER: Final = Path(__file__).parent / "packs"


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Clock(_Data):
    """A span of time that starts or ends with something."""

    amount: Annotated[int, Field(ge=0)]
    unit: Literal["hours", "days", "business_days", "months", "years"]
    side: Literal["before", "after"]
    """Whether the span ends with the trigger or starts with it."""
    trigger: str
    """What happened: a record names it by this word."""
    every_year_on: Annotated[str, Field(pattern=r"^\d{2}-\d{2}$")] | None = None
    """Month and day on which the trigger happens each year by itself, such as the end of a reporting year."""

    @model_validator(mode="after")
    def _a_day_of_every_year(self) -> Self:
        if self.every_year_on is not None:
            self.trigger_in(2027)
        return self

    def trigger_in(self, year: int) -> date:
        """The day of a year on which a yearly trigger happens. Raises ValueError where there is none."""
        month, day = map(int, (self.every_year_on or "").split("-"))
        return date(year, month, day)


Words = Annotated[str, Field(pattern=r"^[a-z]+( [a-z]+)*$")]
"""In small letters, a space between two."""


class Duty(_Data):
    """One thing that a law asks for."""

    code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    kind: Literal["computation", "record", "clock", "text", "ban"]
    asks: str
    """In one sentence."""
    where: str
    """Article or section."""
    basis: Literal["primary", "secondary", "known", "inferred"]
    """What this was written from."""
    applies_from: date | None = None
    """Where a duty starts later than its law."""
    clock: Clock | None = None
    is_recommended: bool = False
    """Good practice or a withdrawn rule: shown, and never counted as missing."""

    words: tuple[Words, ...] = ()
    """Of a ban on inputs: the name of none may have one of these words, or these words in a row. Of any language,
    without accents; each stands for its plural too."""
    stems: tuple[Annotated[str, Field(pattern=r"^[a-z]{5,}$")], ...] = ()
    """Nor a word that has one of these in it, for words that are glued to others: `geburt` in `geburtsdatum`."""
    of_people: tuple[Words, ...] = ()
    """Nor one of these, unless the name says that it is of one of `things`: `age`, but no `ticket_age`."""
    things: tuple[Words, ...] = ()
    unless: tuple[Words, ...] = ()
    """Words in a row within which a banned one means something else: `video editing`."""

    @model_validator(mode="after")
    def _clocks_have_a_span(self) -> Self:
        if self.kind == "clock" and self.clock is None:
            raise ValueError("a duty of kind clock must have a clock")
        if any((self.words, self.stems, self.of_people, self.things, self.unless)) and self.kind != "ban":
            raise ValueError("only a duty of kind ban may have words")
        return self


class Category(_Data):
    """One group that a law's tables must show."""

    axis: Literal["sex", "race_ethnicity"]
    code: Annotated[str, Field(pattern=r"^[a-z][a-z_]*$")]
    """As the vault has it."""
    name: str
    """As the law prints it."""
    is_optional: bool = False
    """Shown only where somebody is in it."""


class Penalty(_Data):
    """What violations of a law can cost, each."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    first_day_most: Annotated[int, Field(ge=0)]
    """At most, for the first and all others of its day."""
    least: Annotated[int, Field(ge=0)]
    most: Annotated[int, Field(ge=0)]
    """For each of a later day."""
    where: str
    basis: Literal["primary", "secondary", "known", "inferred"]


class Pack(_Data):
    """One law between two days."""

    code: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    jurisdiction: Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z]+)*$")]
    title: str
    source: tuple[str, ...]
    applies_from: date
    ends_on: date | None = None
    """First day on which it no longer applies; the day it was to start, where it never did."""
    replaced_by: str | None = None
    note: str
    """What catches people out."""
    is_confirmed_by_counsel: bool
    duties: tuple[Duty, ...]
    categories: tuple[Category, ...] = ()
    """Of its tables, in its order; empty where it prescribes none."""
    small_share: Annotated[Decimal, Field(gt=0, lt=1)] | None = None
    """Share of the audited data below which a category may be left out of the ratios; None where none may."""
    penalty: Penalty | None = None
    holidays: tuple[date, ...] = ()
    """Days that are no business days there, weekends aside."""
    holidays_from: date | None = None
    holidays_until: date | None = None
    """First and last day between which `holidays` is complete."""
    sha256: str = ""
    """Of the file, so that a judgement can say by which text of the pack it was made."""

    @model_validator(mode="after")
    def _days_and_codes(self) -> Self:
        if self.ends_on is not None and self.ends_on < self.applies_from:
            raise ValueError("a pack must not end before it applies")
        codes = [duty.code for duty in self.duties]
        if len(set(codes)) < len(codes):
            raise ValueError("duty codes must differ")
        return self

    def applies_on(self, day: date) -> bool:
        """Whether the law holds on a day."""
        return self.applies_from <= day and (self.ends_on is None or day < self.ends_on)

    def duties_on(self, day: date) -> tuple[Duty, ...]:
        """What it asks for on a day; nothing outside its own span."""
        if not self.applies_on(day):
            return ()
        return tuple(duty for duty in self.duties if duty.applies_from is None or duty.applies_from <= day)


@cache
def library() -> tuple[Pack, ...]:
    """All packs, those that ended included, by code.

    Raises:
        SettingsError: A file is no pack, or names a successor that is not there.
    """
    packs = tuple(_read(path) for path in sorted(_FOLDER.glob("*.yaml")))
    codes = {pack.code for pack in packs}
    lost = sorted(pack.code for pack in packs if pack.replaced_by is not None and pack.replaced_by not in codes)
    if lost:
        raise SettingsError(f"A pack must name a successor that exists; {lost} do not. Add it or correct the name.")
    return packs


def current(code: str, day: date) -> Pack:
    """The pack, if its law applies on the day.

    Raises:
        SettingsError: There is no such pack, it is not yet in force, or it was repealed.
    """
    pack = next((pack for pack in library() if pack.code == code), None)
    if pack is None:
        raise SettingsError(f"A law pack must exist; got {code}. Use one of {[pack.code for pack in library()]}.")
    if pack.ends_on is not None and day >= pack.ends_on:
        instead = f"use {pack.replaced_by}" if pack.replaced_by else "nothing replaces it"
        raise SettingsError(f"A law pack must be in force on {day}; {code} ended on {pack.ends_on}: {instead}.")
    if day < pack.applies_from:
        raise SettingsError(
            f"A law pack must be in force on {day}; {code} applies from {pack.applies_from}. Judge a later day."
        )
    return pack


def text_of(pack: Pack) -> bytes:
    """The file of a pack, for whoever must see by which text something was judged."""
    return (_FOLDER / f"{pack.code}.yaml").read_bytes()


def pack_of(text: bytes) -> Pack:
    """A pack whose text comes from somebody else.

    Raises:
        SettingsError: It is none.
    """
    try:  # not by libyaml, which a text nested deep enough brings down
        said = yaml.safe_load(text)
        return Pack.model_validate({**said, "sha256": hashlib.sha256(text).hexdigest()})
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        raise SettingsError("A law pack must be readable; this one is not. Ask for the original.") from None


def _read(path: Path) -> Pack:
    text = path.read_bytes()
    try:
        pack = Pack.model_validate({**parsed(text), "sha256": hashlib.sha256(text).hexdigest()})
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise SettingsError(f"{path.name} must be a law pack; {faults}. Correct the file.") from None
    if pack.code != path.stem:
        raise SettingsError(f"A pack's file must be named by its code; {path.name} holds {pack.code}. Rename one.")
    return pack
