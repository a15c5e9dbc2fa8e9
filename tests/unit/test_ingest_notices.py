"""What a message on the queue is taken for."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.base.errors import SettingsError
from pipelines.ingest.notices import Kind, Queue, kind

PUT = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"object": {"key": "a"}}}
DELETE = {**PUT, "eventName": "ObjectRemoved:DeleteMarkerCreated"}


def by_sns(body: str) -> str:
    return json.dumps({"Type": "Notification", "TopicArn": "arn:aws:sns:x", "Message": body})


@pytest.mark.parametrize("wrapped", [str, by_sns])
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"Records": [PUT]}, Kind.CREATED),
        ({"Records": [DELETE, {**PUT, "eventName": "ObjectCreated:CompleteMultipartUpload"}]}, Kind.CREATED),
        ({"Records": [{**PUT, "eventSource": "ceph:s3", "eventName": "s3:ObjectCreated:Put"}]}, Kind.CREATED),
        ({"Records": [DELETE]}, Kind.OTHER),
        ({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}, Kind.TEST),
        ({"Records": []}, Kind.FOREIGN),
        ({"Records": [{**PUT, "eventSource": "aws:dynamodb"}]}, Kind.FOREIGN),
        ({"Records": "ObjectCreated:"}, Kind.FOREIGN),
        ({"Type": "Notification"}, Kind.FOREIGN),
        ([1], Kind.FOREIGN),
        (None, Kind.FOREIGN),
    ],
)
def test_a_message_is_known_by_its_events(wrapped, said, expected):
    assert kind(wrapped(json.dumps(said))) == expected


@pytest.mark.parametrize("body", ["", "{", "[" * 100_000, '{"Records": [{"eventName": NaN}]}'])
def test_what_is_no_json_of_ours_is_foreign(body):
    assert kind(body) == Kind.FOREIGN


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["Records", "eventName", "eventSource", "Type", "Message", "Event"]), inner
            )
        ),
    )
)
def test_no_message_makes_it_fail(said):
    assert kind(json.dumps(said)) in Kind


@pytest.mark.parametrize(
    ("url", "region", "server"),
    [
        ("https://sqs.eu-west-3.amazonaws.com/1/q", "eu-west-3", "https://sqs.eu-west-3.amazonaws.com"),
        ("http://queues.example.com:9324/1/q", "eu-central-1", "http://queues.example.com:9324"),
    ],
)
def test_a_queue_is_asked_where_its_url_says_whatever_serves_the_store(monkeypatch, url, region, server):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    made = Queue(url)._client.meta
    assert (made.region_name, made.endpoint_url) == (region, server)


@pytest.mark.parametrize("url", ["arrivals", "https://key:secret@sqs.example.com/1/q", "ftp://h/1/q", "https://h"])
def test_what_is_no_url_of_a_queue_is_refused_and_not_shown(url):
    with pytest.raises(SettingsError, match="must hold the URL of an SQS queue") as error:
        Queue(url)
    assert "secret" not in str(error.value)
