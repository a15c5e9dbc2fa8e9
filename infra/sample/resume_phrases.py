"""Wordings of the resume variants, in English and German: how people write what identifies them, what looks so.

Each wording is a pattern in which `{}` stands for the value; what surrounds it is its label. `TRAPS` tell nothing about
anybody and must stay as they are.
"""

from typing import Final

EN, DE = 0, 1
"""Language of a resume: an index into the pairs below."""

Wordings = tuple[tuple[str, ...], tuple[str, ...]]

# fmt: off
PARTICLES: Final = ("van der", "von", "de la", "dos", "van", "al", "di", "zu")
CREDENTIALS: Final = (", MBA", ", PhD", ", PMP", ", M.Sc.")
TOPS: Final = (("Curriculum Vitae", "Resume", "CURRICULUM VITAE", "Personal details"), ("Lebenslauf", "LEBENSLAUF",
    "Persönliche Daten", "Bewerbung"))
TITLES: Final = (("Senior Software Engineer", "Registered Nurse", "Account Manager", "Warehouse Supervisor"),
    ("Projektleiterin", "Kaufmännischer Angestellter", "Softwareentwickler", "Leitung Einkauf"))
NAMES: Final[Wordings] = (("Name: {}", "Full name: {}"), ("Name: {}", "Vor- und Nachname: {}"))
MAILS: Final[Wordings] = (("{}", "Email: {}", "E-mail: {}"), ("{}", "E-Mail: {}", "Mail: {}"))
PHONES: Final[Wordings] = (("{}", "Phone: {}", "Mobile: {}", "Tel. {}"), ("{}", "Telefon: {}", "Mobil: {}", "Tel.: {}"))
NUMBERS: Final = (
    ("+1 555 01{n:02d} 4{n:03d}", "(555) 0{n:02d}-4{n:03d}", "555-0{n:02d}-42{n:02d}", "+44 7700 900{n:03d}",
        "07700 900{n:03d}", "+1.555.0{n:02d}.42{n:02d}"),
    ("+49 (0)30 1234{n:03d}", "030/1234{n:03d}", "0151 234567{n:02d}", "+49-30-1234{n:03d}", "0049 30 1234{n:03d}",
        "+4930555{n:04d}"),
)
LINKS: Final = ("linkedin.com/in/{}", "https://www.linkedin.com/in/{}", "github.com/{}", "www.{}.example.org",
    "xing.com/profile/{}")
HOMES: Final[Wordings] = (("{}", "Address: {}", "Home address: {}"), ("{}", "Anschrift: {}", "Adresse: {}"))
ADDRESSES: Final = (
    ("{n} Linden Street, Springfield, IL 62704", "Flat 3, {n} Mill Lane, Ashford TN23 1AA",
        "{n} Castle Hill, Thornbury", "P.O. Box {n}, Riverton, TX 75001", "{n}B Station Road, Millbrook SO15 4AB",
        "{n} Orchard Ave., Apt. 4, Fairview, NJ 07022", "Springfield, IL 62704"),
    ("Lindenstraße {n}, 10115 Neustadt", "Am Mühlbach {n}a, 88131 Lindau", "Hauptstr. {n} · 65239 Hochheim",
        "Schlossallee {n}, D-84032 Altdorf", "Postfach {n}, 10115 Neustadt", "c/o Huber, Gartenweg {n}, 88131 Lindau",
        "Unter den Eichen {n}, 65239 Hochheim"),
)
BIRTHS: Final[Wordings] = (
    ("Date of birth: {}", "Born {}", "DOB: {}", "Born on {}", "D.O.B. {}", "Birthday: {}", "Date of Birth {}"),
    ("Geburtsdatum: {}", "geboren am {}", "geb. {}", "*{}", "Geb. am {}", "Geburtstag: {}", "Geburtsdatum {}"),
)
BIRTH_PLACES: Final[Wordings] = (("Place of birth: {}",), ("Geburtsort: {}",))
AGES: Final[Wordings] = (("Age: {}", "{} years old", "Age {}"), ("Alter: {}", "{} Jahre alt", "Alter: {} Jahre"))
TOLD_AGES: Final[Wordings] = (("I am {} years old",), ("Ich bin {} Jahre alt",))
NATIONS: Final[Wordings] = (("Nationality: {}", "Citizenship: {}", "Nationality {}"), ("Staatsangehörigkeit: {}",
    "Nationalität: {}", "Staatsbürgerschaft: {}"))
NATIONALITIES: Final = (("German", "British", "Namibian", "German and Brazilian", "U.S."), ("deutsch",
    "österreichisch", "namibisch", "deutsch / brasilianisch"))
CITIZENS: Final = ("US citizen", "British national", "Citizen of Namibia", "U.S. citizen")
FAMILIES: Final[Wordings] = (("Marital status: {}", "Civil status: {}", "{}"), ("Familienstand: {}", "{}"))
FAMILY: Final = (("married", "Single", "Married, two children", "divorced", "mother of two"), ("verheiratet", "ledig",
    "verheiratet, zwei Kinder", "geschieden, 1 Kind"))
SEXES: Final[Wordings] = (("Gender: {}", "Sex: {}"), ("Geschlecht: {}",))
SEX: Final = (("female", "male", "F", "M"), ("weiblich", "männlich", "w", "m"))
PHOTOS: Final = (("Photo attached", "[Photo]", "Photo: IMG_2041.jpg", "Photograph enclosed"), ("Foto",
    "Bewerbungsfoto anbei", "Foto: portrait.png", "Lichtbild"))
PRONOUNS: Final[Wordings] = (("Pronouns: {}", "({})", "My pronouns are {}"), ("Pronomen: {}", "({})"))
PAIRS: Final = (("she/her", "he/him", "they/them", "she/her/hers", "He / Him"), ("sie/ihr", "er/ihn", "sie / ihr",
    "er/ihm"))
THIRD: Final = (
    (("{} leads a team of seven and likes to teach.", "She"), ("Colleagues describe {} as calm under pressure.",
        "him"), ("Known for {} careful planning.", "her"), ("Since 2016 {} has run the night shift.", "he"),
        ("Taught {} to speak in public.", "himself")),
    (("Seit 2016 leitet {} das Lager.", "er"), ("Das Team schätzt {} als ruhigen Kollegen.", "ihn"),
        ("In dieser Zeit führte {} drei Systeme ein.", "sie"), ("Man schätzt {} Sorgfalt.", "ihre")),
)
ADDRESSED: Final = (("Ms.", "Mr.", "Mrs", "Mr", "Miss"), ("Frau", "Herr", "Frau", "Herr"))
SIGNED: Final = (("Yours sincerely,", "Kind regards", "Signed:", "Best regards,"), ("Mit freundlichen Grüßen",
    "Neustadt, den 4. Mai 2026", "gez.", "Unterschrift:"))
FEET: Final[Wordings] = (("Resume of {}", "{} - Page 2", "Page 2 of 3 | {}", "CV {}", "{} | Resume"),
    ("Lebenslauf von {}", "{} - Seite 2", "Seite 2 von 3 | {}", "Lebenslauf {}", "Bewerbungsunterlagen {}"))
REFEREES: Final = (
    (("", "", ", Head of Operations, Northwind Trading"), ("", "Dr. ", ", Quartz Systems"), ("", "",
        " (former manager, Alder Group)"), ("", "Reference: ", ", Bluebird Retail")),
    (("", "", ", Leiter Einkauf, Northwind Trading"), ("", "Prof. Dr. ", ", Technical University of Altdorf"), ("",
        "Referenz: ", ", Alder Group"), ("Herr", " ", ", Quartz Systems")),
)
"""Salutation, what announces the name, what follows it."""
HEADINGS: Final = (
    (("Experience", "Skills", "Education", "References"), ("WORK HISTORY", "KEY SKILLS", "EDUCATION AND TRAINING",
        "REFEREES"), ("Employment", "Core Competencies", "Academic Background", "References")),
    (("Berufserfahrung", "Kenntnisse", "Ausbildung", "Referenzen"), ("BERUFLICHER WERDEGANG", "FÄHIGKEITEN",
        "SCHULBILDUNG UND STUDIUM", "REFERENZEN"), ("Berufspraxis", "EDV-Kenntnisse", "Akademische Ausbildung",
        "Referenzen")),
)
STUDIES: Final = (
    ("Bachelor of Science, Lakeside University, {}", "{} Vocational diploma, Open College",
        "BA History ({}), City College", "Graduated {} from Northern Polytechnic", "High school diploma, class of {}",
        "M.Sc. in Logistics, {}, Lakeside University", "Lakeside University\t{}"),
    ("Diplom-Kaufmann, Technical University of Altdorf, {}", "{} Abitur, Gymnasium Lindau",
        "Bachelor of Science ({}), Hochschule Neustadt", "Abitur {}",
        "{} Ausbildung zum Industriemechaniker, Abschluss: sehr gut",
        "Studium der Informatik, {}, Universität Altdorf"),
)
SPANS: Final = ("{b}", "{a} - {b}", "{a}\u2013{b}", "Sep {a} - Jun {b}", "09/{a} - 06/{b}", "10.{a} bis 07.{b}",
    "June {b}")
JOBS: Final = (
    ("Shift leader, Northwind Trading, Mar {a} - Nov {b}", "{a} - {b} Analyst at Meridian Works",
        "Lecturer, Lakeside University, {a} \u2013 {b}", "03/{a} - 11/{b}: Buyer, Alder Group",
        "Teaching assistant at City College in {a}, research until {b}"),
    ("Schichtleitung, Northwind Trading, M\u00e4rz {a} - Nov. {b}", "{a} - {b} Sachbearbeitung, Meridian Works",
        "Dozentin an der Hochschule Neustadt, {a} \u2013 {b}", "03.{a} - 11.{b}: Einkauf, Alder Group"),
)
TRAPS: Final = (
    (
        "Worked with HIS and PACS systems and MS Office", "Grew revenue from 1,250 to 4,000 units in May 2017",
            "A born leader of field teams, may travel",
        "Photo editing and photography with Lightroom", "Prepared returns for married couples filing jointly",
            "Reviewed accounts aged 60 days and more",
        "Cared for senior citizens and 5 year old children", "Modernised a 50-year-old plant",
            "Managed the Park Row project, 2015 - 2019",
        "Ran 3 stores with 24 staff, 12 hours a day", "Corporate Citizenship programme, 2018",
            "Windows Server 2012 and 2016, ISO 9001:2015",
        "Helped master's students with their degree projects in 2014", "Address book migration for 300 users",
            "Single point of contact for 40 sites",
        "Answered 120 calls a day, 95% within 30 seconds", "Case no. 4711 0815 was closed in 2013",
            "Name resolution with DNS, age of records and caching",
    ),
    (
        "Arbeit mit SAP R/3 und MS Office", "Umsatz von 1.250 auf 4.000 Stück gesteigert, Mai 2017",
            "Sie erreichen mich nach 18 Uhr",
        "Fotografie und Bildbearbeitung", "Steuererklärungen für Ehepaare, 2015 - 2019",
            "Inventur in 12 Filialen, lediglich 3 Abweichungen",
        "Betreuung von Kindern im Alter von 5 Jahren", "Modernisierung einer 50 Jahre alten Anlage",
            "Projekt Parkallee, 2015 - 2019",
        "Windows Server 2012 und 2016, ISO 9001:2015", "Betreuung von Diplomarbeiten im Jahr 2014",
            "Vertrag Nr. 4711 0815 im Jahr 2013 verlängert",
    ),
)
# fmt: on
