"""The broker's cluster id."""

from deploy.local.kafka_broker import new_cluster_id


def test_a_cluster_id_never_looks_like_an_option() -> None:
    drawn = iter([b"\xf8" + b"x" * 15, b"\xfb" + b"x" * 15, b"a" * 16])  # the first two would begin with a dash
    made = new_cluster_id(lambda _: next(drawn))
    assert made == "YWFhYWFhYWFhYWFhYWFhYQ"
    assert next(drawn, None) is None
