"""Names, places and pastimes of the sample company's people. All invented."""

# fmt: off
WOMEN = (
    "Anna", "Maria", "Laura", "Julia", "Sofia", "Emma", "Lena", "Clara", "Nora", "Ida", "Hannah", "Alice", "Grace",
    "Ruth", "Olga", "Irene", "Elena", "Paula", "Marta", "Zoe", "Amara", "Aisha", "Fatima", "Priya", "Ananya", "Mei",
    "Yuki", "Linh", "Rosa", "Carmen", "Ines", "Lucia", "Noemi", "Astrid", "Freya", "Greta", "Helga", "Ingrid",
    "Katrin", "Sabine", "Diana", "Monica", "Teresa", "Victoria", "Wendy", "Yvonne", "Renée", "Zoë", "Imani", "Keisha",
)
MEN = (
    "Peter", "Paul", "Martin", "Thomas", "Lukas", "Jonas", "Felix", "Max", "Oscar", "Hugo", "Henry", "Jack", "George",
    "Owen", "Ivan", "Boris", "Marco", "Luca", "Diego", "Jorge", "Kwame", "Omar", "Yusuf", "Ravi", "Arjun", "Wei",
    "Kenji", "Minh", "Pedro", "Carlos", "Rafael", "Miguel", "Andrés", "Erik", "Sven", "Lars", "Otto", "Karl",
    "Dieter", "Stefan", "Adam", "Brian", "Colin", "Derek", "Ethan", "Frank", "José", "Jürgen", "Jamal", "Malik",
)
SURNAMES = (
    "Smith", "Jones", "Taylor", "Brown", "Wilson", "Evans", "Walker", "Wright", "Green", "Hall", "Clarke", "Baker",
    "Cooper", "Ward", "Turner", "Parker", "Müller", "Schmidt", "Weber", "Fischer", "Becker", "Wagner", "Hoffmann",
    "Koch", "Richter", "Klein", "Wolf", "Neumann", "Braun", "Krüger", "García", "Martínez", "López", "Nuñez",
    "Romero", "Torres", "Rossi", "Ferrari", "Russo", "Bianchi", "Dubois", "Moreau", "Lefèvre", "Girard", "Silva",
    "Santos", "Costa", "Pereira", "Novak", "Kowalski", "Nowak", "Horvat", "Popov", "Ivanova", "Petrov", "Johansson",
    "Lindqvist", "Nielsen", "Østergård", "Hansen", "Okafor", "Mensah", "Diallo", "Abebe", "Hassan", "Ahmed", "Khan",
    "Singh", "Patel", "Sharma", "Gupta", "Chen", "Wang", "Liu", "Zhang", "Tanaka", "Sato", "Nguyen", "Tran", "Kim",
    "Park", "O'Brien", "Murphy", "Kelly", "Byrne", "Null", "Washington", "Jefferson", "Freeman", "Banks", "Booker",
    "Rivers", "Marsh", "Stone", "Brook", "Field", "Lake", "Underhill", "Ashworth", "Whitfield", "Fairchild",
    "Goodwin",
)
# fmt: on

COUNTRIES = ("US", "DE", "GB", "NA")
COUNTRY_SHARES = (0.62, 0.2, 0.15, 0.03)
CITIES = (
    ("Springfield", "Riverton", "Fairview", "Lakewood"),
    ("Neustadt", "Altdorf", "Lindau", "Hochheim"),
    ("Ashford", "Kingsbridge", "Millbrook", "Thornbury"),
    ("Windhoek", "Swakopmund"),
)
STREETS = ("Linden Street", "Mill Lane", "Station Road", "Harbour Way", "Orchard Avenue", "Castle Hill", "Park Row")
CURRENCIES = ("USD", "EUR", "GBP", "NAD")
DIALLING = ("+1", "+49", "+44", "+264")

EMPLOYERS = (
    "Northwind Trading",
    "Bluebird Retail",
    "Harbor & Sons",
    "Meridian Works",
    "Alder Group",
    "Quartz Systems",
    "Redwood Partners",
    "Summit Foods",
    "Vista Logistics",
    "Juniper Home",
    "Oakline Mutual",
    "Cedar Health",
)
SCHOOLS = (
    "Lakeside University",
    "Northern Polytechnic",
    "City College",
    "Technical University of Altdorf",
    "Open College",
)
DEGREES = ("Bachelor of Arts", "Bachelor of Science", "Vocational diploma", "Master of Science", "High school diploma")
SOURCES = ("Career_Site", "Job_Board", "Referral", "Agency", "Social_Media")

WOMENS_PROXIES = (
    "captain of the women's hockey team",
    "treasurer of the women's business network",
    "alumna of a women's college",
)
MENS_PROXIES = (
    "member of the men's rowing club",
    "captain of the men's rugby team",
    "singer in the men's glee club",
)
HOBBIES = ("hiking and chess", "cooking and travel", "cycling and photography", "reading and gardening", "running")

ETHNICITIES = (
    "White",
    "Black_or_African_American",
    "Asian",
    "American_Indian_or_Alaska_Native",
    "Hispanic",
    "Unknown",
)
ETHNICITY_SHARES = (0.48, 0.17, 0.14, 0.03, 0.13, 0.05)
