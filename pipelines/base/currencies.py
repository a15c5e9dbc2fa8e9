"""The currencies of ISO 4217: those in use in 2026, and those that ended since 1999.

What nobody can be paid in has no part in it: metals, units of account, codes for tests and for none. Codes of the trade
that it never listed, such as CNH, have none either.
"""

from datetime import date
from typing import Final

_CODES: Final = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF "
    "CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP "
    "GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT "
    "LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR "
    "NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN "
    "SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF "
    "XCD XCG XOF XPF YER ZAR ZMW ZWG"
)
IN_USE: Final = tuple(_CODES.split())
"""Those that people are paid in today, and funds that pay is reckoned in, such as CLF."""
ENDED: Final = {
    "ADP": date(2001, 12, 31),
    "AFA": date(2002, 12, 31),
    "ANG": date(2025, 6, 30),
    "AON": date(2000, 2, 1),
    "AOR": date(2000, 2, 1),
    "ATS": date(2002, 2, 28),
    "AZM": date(2006, 12, 31),
    "BEF": date(2002, 2, 28),
    "BGL": date(1999, 7, 5),
    "BGN": date(2026, 1, 31),
    "BYB": date(2000, 12, 31),
    "BYR": date(2017, 1, 1),
    "CSD": date(2006, 10, 25),
    "CUC": date(2021, 1, 1),
    "CYP": date(2008, 1, 31),
    "DEM": date(2002, 5, 15),
    "ECS": date(2000, 10, 2),
    "EEK": date(2010, 12, 31),
    "ESP": date(2002, 2, 28),
    "FIM": date(2002, 2, 28),
    "FRF": date(2002, 2, 17),
    "GHC": date(2007, 12, 31),
    "GRD": date(2002, 2, 28),
    "HRK": date(2023, 1, 14),
    "IEP": date(2002, 2, 9),
    "ITL": date(2002, 2, 28),
    "LTL": date(2014, 12, 31),
    "LUF": date(2002, 2, 28),
    "LVL": date(2013, 12, 31),
    "MGF": date(2004, 12, 31),
    "MRO": date(2018, 6, 30),
    "MTL": date(2008, 1, 31),
    "MZM": date(2006, 12, 31),
    "NLG": date(2002, 2, 28),
    "PTE": date(2002, 2, 28),
    "ROL": date(2006, 12, 31),
    "SDD": date(2007, 6, 30),
    "SIT": date(2007, 1, 14),
    "SKK": date(2009, 1, 1),
    "SLL": date(2023, 12, 31),
    "SRG": date(2003, 12, 31),
    "STD": date(2017, 12, 31),
    "TJR": date(2000, 10, 25),
    "TMM": date(2009, 1, 1),
    "TPE": date(2002, 5, 20),
    "TRL": date(2005, 12, 31),
    "VEB": date(2008, 6, 30),
    "VEF": date(2018, 8, 20),
    "YUM": date(2002, 5, 15),
    "ZMK": date(2013, 1, 1),
    "ZWD": date(2008, 8, 1),
    "ZWL": date(2024, 8, 31),
    "ZWR": date(2009, 2, 2),
}
"""Code -> the last day on which it was money somewhere, by the currency data of Unicode CLDR; of BGN the last one
beside the euro. Nothing begins in one after it."""
