"""Exports below a prefix of a bucket on a real S3 server."""

import contextlib
import gc
import queue
import secrets
import shutil
import tempfile
import threading
import tracemalloc
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import boto3
import pytest
import yaml

from infra.setup import radosgw
from pipelines.base.digests import sha256_bytes
from pipelines.base.errors import SettingsError, SourceUnavailable
from pipelines.base.store import connection as speaking
from pipelines.ingest import __main__ as command
from pipelines.ingest import check, discover, pickup, s3
from pipelines.ingest import feeds as declared
from pipelines.ingest.batch import Batch
from pipelines.ingest.land import CHANGED
from pipelines.ingest.notices import Kind, kind
from pipelines.ingest.servers import Entry, connected
from tests.kills.roads import nothing_failed
from tests.sources.conftest import courses
from tests.sources.test_pgp import Person
from tests.unit.document_files import LIMITS

from .breaking import proxy
from .conftest import deny

pytestmark = pytest.mark.usefixtures("keys")
CSV = b"id,title\nC1,Course 1\nC2,Course 2\n"
OTHER = CSV.replace(b"Course 2", b"Course X")
NAME = "courses_2026-05.csv"
ROWS = 12_000


def large(sign=b"x"):
    """More than a range, all of whose titles are of one sign."""
    return b"id,title\n" + b"".join(b"C%d,%s\n" % (row, sign * 1000) for row in range(ROWS))


@pytest.fixture
def bucket(client):
    name = f"outbound-{secrets.token_hex(4)}"
    client.create_bucket(Bucket=name)
    return name


@pytest.fixture
def versions(client, bucket):
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


@pytest.fixture(params=[False, True], ids=["plain", "versions"])
def keeps(request, bucket):
    """Whether the bucket keeps versions."""
    if request.param:
        request.getfixturevalue("versions")
    return request.param


@pytest.fixture(autouse=True)
def declare(bucket, store, tmp_path, monkeypatch):
    """Write the one feed of a company whose store is a folder. Great Expectations has no say here."""
    for name in ("feeds", "exports"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(f"CANDOR_{name.upper()}", str(tmp_path / name))
    for module in (command, check):
        monkeypatch.setattr(module, "validator", lambda: contextlib.nullcontext(nothing_failed))

    def write(**changes):
        feed = {
            "name": "courses",
            "owner": "Learning",
            "cadence": "once",
            "location": f"s3://{bucket}/hr/out",
            "files": r"courses_(?P<period>\d{4}-\d{2})\.csv",
            "dialect": "csv",
            "options": {"delimiter": ",", "quote": '"'},
            "extracted_at": {"end_of": "period"},
            "required": ["id", "title"],
            "tables": [{"table": "courses", "columns": {"course_id": {"from": "id"}, "title": {"from": "title"}}}],
        }
        text = yaml.safe_dump({name: value for name, value in (feed | changes).items() if value is not None})
        (tmp_path / "feeds" / "courses.yaml").write_text(text)

    write()
    return write


@pytest.fixture
def deliver(client, bucket):
    def put(name, content, **words):
        return client.put_object(Bucket=bucket, Key=f"hr/out/{name}", Body=content, **words)

    return put


@pytest.fixture
def ingest(capsys):
    def run(*words):
        code = command.main(list(words))
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def feed():
    return declared.load(declared.folder())["courses"]


def seen(store):
    return pickup.sighted(store, [feed()])["courses"]


def names(store):
    return [unit.name for unit in seen(store).units]


def landed(store):
    return store.list("landing")


def titles(store):
    from pipelines.base.lake import Lake

    return sorted(Lake(store).read("courses", Lake(store).require())["title"])


def test_an_object_becomes_rows_once_and_stays_there(store, client, bucket, deliver, ingest):
    etag = deliver(NAME, CSV)["ETag"]
    code, said = ingest("run", "--batch", "first")
    assert (code, courses(store)) == (0, ["C1", "C2"]), said
    (key,) = landed(store)
    assert key == f"landing/courses/2026-05/{sha256_bytes(CSV)}/{NAME}"
    assert CSV not in store.read(key)
    assert "nothing new" in ingest("run", "--batch", "second")[1]
    (item,) = client.list_objects_v2(Bucket=bucket)["Contents"]
    assert (item["Key"], item["ETag"]) == (f"hr/out/{NAME}", etag)


def test_a_known_object_is_not_read_again(store, client, bucket, deliver):
    deliver(NAME, CSV)
    assert names(store) == [NAME]
    deny(client, bucket, f"{bucket}/*", "s3:GetObject")
    assert names(store) == [NAME]


def test_an_object_waits_for_its_marker_when_the_feed_has_one(store, deliver, declare):
    declare(ready={"marker": ".done"})
    deliver(NAME, CSV)
    assert seen(store) == pickup.Sighted([], 1, {})
    deliver(f"{NAME}.done", b"")
    assert names(store) == [NAME]


def test_an_object_that_must_be_untouched_is_taken_after_two_looks_that_saw_the_same(store, deliver, declare):
    declare(ready={"untouched_seconds": 1})
    deliver(NAME, CSV)
    looks = pickup.Looks(store, "courses")
    with connected(feed()) as server:
        (entry,) = server.listing()
        assert looks.see(entry, 100)[0] == 100
        assert looks.see(entry, 200)[0] == 200, "an entry that no earlier look saw"
    assert names(store) == [NAME]


def test_a_manifest_beside_an_object_must_say_what_it_is(store, deliver, declare, ingest):
    declare(ready={"manifest": ".json"})
    deliver(NAME, CSV)
    told = '{{"files": [{{"name": "courses_2026-05.csv", "sha256": "{}", "records": {}}}]}}'
    deliver(f"{NAME}.json", told.format(sha256_bytes(CSV), 3).encode())
    assert "other_records_than_manifest" in ingest("run", "--batch", "first")[1]
    deliver(f"{NAME}.json", told.format(sha256_bytes(CSV), 2).encode())
    ingest("run", "--batch", "second")
    assert courses(store) == ["C1", "C2"]


def test_a_prefix_is_a_folder_and_not_the_beginning_of_a_name(store, client, bucket, deliver):
    deliver(NAME, CSV)
    client.put_object(Bucket=bucket, Key=f"hr/out-old/{NAME}", Body=OTHER)
    client.put_object(Bucket=bucket, Key=NAME, Body=OTHER)
    client.put_object(Bucket=bucket, Key="hr/out/", Body=b"")
    found = seen(store)
    assert ([unit.sha256 for unit in found.units], found.passed_over) == ([sha256_bytes(CSV)], {})


def test_bytes_that_replace_others_of_the_same_size_in_the_same_second_are_other_bytes(store):
    looks = pickup.Looks(store, "courses")
    for pin in ("v1 e1", "v1 e2", "v2 e2"):
        looks.see(Entry(NAME, 1, 5.0, is_file=True, pin=pin), 100)
    looks.save()
    assert len(looks._now) == 3


def test_prefixes_below_are_looked_into_as_deep_as_the_pattern_has_slashes(store, deliver, declare):
    for name in (f"2026/{NAME}", f"2026/deeper/{NAME}"):
        deliver(name, CSV)
    declare(files=r".*courses_(?P<period>\d{4}-\d{2})\.csv")
    assert names(store) == []
    declare(files=r"(\d{4}/)?.*courses_(?P<period>\d{4}-\d{2})\.csv")
    assert names(store) == [f"2026/{NAME}"]


@pytest.mark.usefixtures("keeps")
def test_a_listing_of_many_pages_is_whole_and_keeps_only_what_the_feed_declares(store, deliver, monkeypatch):
    monkeypatch.setattr(s3, "PAGE", 7)
    months = [f"courses_20{year}-{month:02d}.csv" for year in range(10, 20) for month in range(1, 6)]
    for name in months:
        deliver(name, name.encode())
        deliver(f"a_{name}", b"")
    with connected(feed()) as server:
        assert len(list(server.listing())) == 100
        assert len(pickup._declared(feed(), server.listing(), pickup.Counter())[0]) == 50
    assert names(store) == months
    monkeypatch.setattr(pickup, "MOST", 49)
    with pytest.raises(Exception, match="must hold at most"):
        seen(store)


def test_names_that_are_no_plain_paths_are_passed_over_and_counted(store, deliver, ingest):
    for name in ("../x.csv", "a//b.csv", "./b.csv", "x\n.csv", "x\u202e.csv"):
        deliver(name, CSV)
    deliver(NAME, CSV)
    found = seen(store)
    assert ([unit.name for unit in found.units], found.passed_over) == ([NAME], {"unsafe_name": 2})
    assert "files_passed_over" in ingest("run", "--batch", "first")[1]


def test_a_larger_object_than_its_feed_allows_is_not_even_read(store, client, bucket, deliver, declare):
    declare(limits={"max_bytes": len(CSV) - 1})
    deliver(NAME, CSV)
    deny(client, bucket, f"{bucket}/*", "s3:GetObject")
    found = seen(store)
    assert (found.units, found.waiting, found.passed_over) == ([], 0, {"too_many_bytes": 1})


def uploaded_in_parts(client, bucket, data, **words):
    """Whose ETag is no digest of the bytes."""
    place = {"Bucket": bucket, "Key": f"hr/out/{NAME}"}
    upload = client.create_multipart_upload(**place, **words)["UploadId"]
    sizes = range(0, len(data), 5 << 20)
    parts = [
        client.upload_part(**place, UploadId=upload, PartNumber=n, Body=data[at : at + (5 << 20)])["ETag"]
        for n, at in enumerate(sizes, 1)
    ]
    listed = {"Parts": [{"PartNumber": n, "ETag": etag} for n, etag in enumerate(parts, 1)]}
    client.complete_multipart_upload(**place, UploadId=upload, MultipartUpload=listed)
    return client.head_object(**place)["ETag"]


@pytest.mark.parametrize("words", [{}, {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": radosgw.KMS_KEY}])
def test_an_object_that_was_uploaded_in_parts_lands_whole(store, client, bucket, ingest, words):
    data = large()
    assert uploaded_in_parts(client, bucket, data, **words).endswith('-3"')
    code, said = ingest("run", "--batch", "first")
    (key,) = landed(store)
    assert (code, len(courses(store)), key.split("/")[3]) == (0, ROWS, sha256_bytes(data)), said


@pytest.mark.parametrize("kind", ["AES256", "aws:kms"])
def test_an_object_that_the_server_encrypts_is_read_like_any_other(*, store, client, bucket, deliver, ingest, kind):
    key = {"SSEKMSKeyId": radosgw.KMS_KEY} if kind == "aws:kms" else {}
    deliver(NAME, CSV, ServerSideEncryption=kind, **key)
    said = client.head_object(Bucket=bucket, Key=f"hr/out/{NAME}").get("ServerSideEncryption")
    assert kind in ("AES256", said)  # Ceph 16 takes the word AES256 and does not act on it
    ingest("run", "--batch", "first")
    assert courses(store) == ["C1", "C2"]


def test_an_object_under_a_key_that_its_reader_must_send_is_passed_over_and_counted(store, deliver):
    deliver(NAME, CSV, SSECustomerAlgorithm="AES256", SSECustomerKey=b"k" * 32)
    deliver("courses_2026-06.csv", CSV)
    found = seen(store)
    assert ([unit.name for unit in found.units], found.passed_over) == (["courses_2026-06.csv"], {"unreadable": 1})


def test_memory_does_not_grow_with_an_object(client, bucket, deliver):
    digest = sha256_bytes(bytes(64 << 20))
    deliver(NAME, bytes(64 << 20))
    with connected(feed()) as server:
        (entry,) = server.listing()
        gc.collect()
        tracemalloc.start()
        assert server.sha256(entry) == digest
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 40 << 20


@pytest.mark.usefixtures("versions")
def test_each_version_is_an_arrival_and_the_newest_counts(store, deliver, ingest):
    deliver(NAME, CSV)
    deliver(NAME, OTHER)
    both = [sha256_bytes(CSV), sha256_bytes(OTHER)]
    with connected(feed()) as server:
        assert [server.sha256(entry) for entry in server.listing()] == both, "times may be the same"
    assert [unit.sha256 for unit in seen(store).units] == both
    code, said = ingest("run", "--batch", "first")
    assert (code, len(landed(store))) == (0, 2), said
    assert titles(store) == ["Course 1", "Course X"]
    assert "nothing new" in ingest("run", "--batch", "second")[1]
    deliver(NAME, CSV.replace(b"Course 2", b"Course Y"))
    ingest("run", "--batch", "third")
    assert (len(landed(store)), titles(store)) == (3, ["Course 1", "Course Y"])
    deliver(NAME, OTHER)
    ingest("run", "--batch", "fourth")
    assert titles(store) == ["Course 1", "Course X"], "the newest says what a version of before said"
    assert "nothing new" in ingest("run", "--batch", "fifth")[1]


@pytest.mark.usefixtures("versions")
def test_a_version_that_was_seen_lands_though_another_came_meanwhile(store, deliver, ingest):
    deliver(NAME, CSV)
    ingest("discover", "--batch", "first")
    deliver(NAME, OTHER)
    ingest("run", "--batch", "first")
    assert [key.split("/")[3] for key in landed(store)] == [sha256_bytes(CSV)]
    ingest("run", "--batch", "second")
    assert titles(store) == ["Course 1", "Course X"]


@pytest.mark.usefixtures("versions")
@pytest.mark.parametrize("page", [1, 2, 3, 1000])
def test_a_deletion_is_no_arrival_and_takes_back_what_it_hides(*, store, client, bucket, deliver, monkeypatch, page):
    monkeypatch.setattr(s3, "PAGE", page)
    for month in (4, 5, 6):
        deliver(f"courses_2026-0{month}.csv", CSV)
        deliver(f"courses_2026-0{month}.csv", OTHER)
    for month in (4, 6):
        client.delete_object(Bucket=bucket, Key=f"hr/out/courses_2026-0{month}.csv")
    deliver("courses_2026-06.csv", CSV + b"C3,Course 3\n")
    found = [(unit.name, unit.size) for unit in seen(store).units]
    assert found == [(NAME, len(CSV))] * 2 + [("courses_2026-06.csv", size) for size in (len(CSV), len(CSV), 45)]


@pytest.mark.usefixtures("versions")
def test_of_documents_the_newest_version_counts(store, deliver, declare, ingest):
    for content in (b"old", b"newer"):
        deliver("2026-05/a.txt", content)
    declare(
        dialect="documents",
        files=r"(?P<period>\d{4}-\d{2})/(?P<who>\w+)\.txt",
        ready={"untouched_seconds": 1},
        options={"unit_by": ["period"], **LIMITS.model_dump()},
        required=[],
        tables=[],
    )
    (unit,) = seen(store).units
    assert unit.documents == (("2026-05/a.txt", sha256_bytes(b"newer"), 5),)
    discover.discover(Batch(store, "first"))
    code, said = ingest("land", "first", unit.id)
    assert (code, len(landed(store))) == (0, 2), said


def test_an_object_that_is_replaced_while_it_is_read_is_never_a_mix(deliver, keeps):
    before, after = large(b"x"), large(b"y")
    deliver(NAME, before)
    with connected(feed()) as server:
        (entry,) = server.listing()
        with server.opened(entry) as file:
            start = file.read(1000)
            deliver(NAME, after)
            if keeps:
                assert start + file.read() == before
            else:
                with pytest.raises(s3.Gone):
                    file.read()
        assert server.sha256(entry) == (sha256_bytes(before) if keeps else None)


def test_a_server_that_does_not_heed_a_condition_gives_no_mix_either(deliver, monkeypatch):
    deliver(NAME, CSV)
    with connected(feed()) as server:
        (entry,) = server.listing()
        deliver(NAME, OTHER)
        ask = server._client.get_object
        monkeypatch.setattr(server._client, "get_object", lambda IfMatch, **words: ask(**words))  # noqa: N803  boto3's
        assert server.sha256(entry) is None


def test_an_object_that_changes_between_discovery_and_landing_is_held_and_comes_up_again(store, deliver, ingest):
    deliver(NAME, CSV)
    ingest("discover", "--batch", "first")
    deliver(NAME, OTHER)
    assert CHANGED in ingest("run", "--batch", "first")[1]
    assert landed(store) == []
    ingest("run", "--batch", "second")
    assert titles(store) == ["Course 1", "Course X"]


def test_an_object_that_is_gone_before_it_lands_is_held(store, client, bucket, deliver, ingest):
    deliver(NAME, CSV)
    ingest("discover", "--batch", "first")
    client.delete_object(Bucket=bucket, Key=f"hr/out/{NAME}")
    code, said = ingest("run", "--batch", "first")
    assert (code, CHANGED in said, landed(store)) == (0, True, [])


def test_an_encrypted_object_is_opened_for_its_reader_only(*, store, deliver, declare, ingest, tmp_path, monkeypatch):
    if not shutil.which("gpg"):
        pytest.skip(reason="PGP needs the gpg program (see README, Tests)")
    with tempfile.TemporaryDirectory(prefix="pgp-", ignore_cleanup_errors=True) as top:
        sender, receiver = Person(Path(top) / "s"), Person(Path(top) / "r")
        for name, person in (("sender", sender), ("receiver", receiver)):
            person.home.mkdir(mode=0o700)
            person.make_key(name)
        sender.gpg("--import", given=receiver.gpg("--export"))
        secret = sender.gpg("--recipient", "receiver", "--local-user", "sender", "--sign", "--encrypt", given=CSV)
        (tmp_path / "feeds" / "sender.asc").write_bytes(sender.gpg("--armor", "--export", "sender"))
        monkeypatch.setenv("CANDOR_PGP_TEST", receiver.gpg("--armor", "--export-secret-keys").decode())
        pgp = {"private_keys": "CANDOR_PGP_TEST", "signers": sender.fingerprints, "public_keys": "sender.asc"}
        declare(pgp=pgp, files=r"courses_(?P<period>\d{4}-\d{2})\.csv\.pgp")
        deliver(f"{NAME}.pgp", secret)
        code, said = ingest("run", "--batch", "first")
        for person in (sender, receiver):
            person.stop()
    (key,) = landed(store)
    assert (code, courses(store), key.split("/")[3]) == (0, ["C1", "C2"], sha256_bytes(secret)), said


def test_a_copy_of_an_object_is_explained_without_its_marker(declare, ingest, tmp_path):
    declare(ready={"marker": ".done"})
    (tmp_path / NAME).write_bytes(CSV)
    code, said = ingest("check", "courses", str(tmp_path / NAME))
    assert (code, "not yet, by the feed's `ready`" in said) == (0, False), said


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(speaking, "READ_SECONDS", 10)
    monkeypatch.setattr(speaking, "TRIES", 2)
    speaking._client.cache_clear()
    yield
    speaking._client.cache_clear()


def test_wrong_credentials_are_a_settings_error_that_does_not_tell_them(ingest, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "forged-0123")
    code, said = ingest("run", "--batch", "first")
    assert (code, "SettingsError: AWS_ACCESS_KEY_ID and" in said, "forged" in said) == (1, True, False), said


def test_a_missing_bucket_is_a_mistake_of_the_feed(ingest, declare):
    declare(location="s3://no-such-bucket/x")
    code, said = ingest("run", "--batch", "first")
    assert (code, "SettingsError: The bucket no-such-bucket of courses must exist" in said) == (1, True), said


@pytest.mark.parametrize("action", ["s3:ListBucket", "s3:GetObject", "s3:GetBucketVersioning"])
def test_a_denied_prefix_is_a_settings_error_that_names_the_feed(store, client, bucket, deliver, action):
    deliver(NAME, CSV)
    deny(client, bucket, f"{bucket}/*" if "Object" in action else bucket, action)
    with pytest.raises(SettingsError, match=r"allowed to list and read the location of courses; .* AccessDenied"):
        seen(store)
    assert landed(store) == []


@pytest.mark.usefixtures("impatient")
def test_a_server_that_is_not_there_may_be_asked_again(ingest, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    code, said = ingest("run", "--batch", "first")
    assert (code, "SourceUnavailable" in said) == (75, True), said


@pytest.mark.usefixtures("impatient")
def test_a_read_that_breaks_off_goes_on_with_its_range_and_one_that_always_does_lands_nothing(
    store, account, deliver, ingest, monkeypatch
):
    data = large(b"x") + b"END,of the second range\n"
    deliver(NAME, data)
    with proxy(account.url) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL", between.url)
        between.broken = [b"END,of"] * 2
        assert [unit.sha256 for unit in seen(store).units] == [sha256_bytes(data)]
        assert between.broken == []
        ingest("discover", "--batch", "first")
        between.broken = [b"END,of"] * 50
        code, said = ingest("run", "--batch", "first")
        assert (code, "SourceUnavailable" in said, landed(store)) == (75, True, []), said
        between.broken = []
        code, said = ingest("run", "--batch", "first")
    assert (code, len(courses(store))) == (0, ROWS + 1), said


@pytest.mark.usefixtures("impatient")
def test_a_listing_that_ends_in_the_middle_is_no_listing(store, account, deliver, monkeypatch):
    monkeypatch.setattr(s3, "PAGE", 2)
    for month in range(1, 8):
        deliver(f"courses_2026-0{month}.csv", CSV)
    with proxy(account.url) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL", between.url)
        between.broken = [b"courses_2026-05.csv"] * 50
        with pytest.raises(SourceUnavailable, match="must answer"):
            seen(store)
    assert store.list("lake/looks") == []


@pytest.fixture
def told():
    """What is posted to an address of ours."""
    bodies: queue.Queue[str] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words):
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", bodies
    server.shutdown()
    server.server_close()


def test_what_a_real_server_tells_of_an_object_is_known_for_what_it_is(account, client, bucket, deliver, told):
    address, bodies = told
    topics = boto3.client("sns", endpoint_url=account.url, region_name="default")
    topic = topics.create_topic(Name=bucket, Attributes={"push-endpoint": address})["TopicArn"]
    events = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]
    wanted = {"TopicConfigurations": [{"Id": "n", "TopicArn": topic, "Events": events}]}
    client.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=wanted)
    deliver(NAME, CSV)
    assert kind(bodies.get(timeout=30)) == Kind.CREATED
    client.delete_object(Bucket=bucket, Key=f"hr/out/{NAME}")
    assert kind(bodies.get(timeout=30)) == Kind.OTHER
