"""A list that is longer than is counted is not counted again for each of its pages, and not for ever taken for long."""

from services.api.edges.db.floors import REMEMBERED_SECONDS, Floors


def test_what_was_longer_than_is_counted_is_known_for_a_moment() -> None:
    now = 100.0
    floors = Floors(lambda: now)
    assert not floors.knows((1, "runs"))
    floors.note((1, "runs"))
    now += REMEMBERED_SECONDS - 0.1
    assert floors.knows((1, "runs"))
    assert not floors.knows((2, "runs")), "another organisation's list is another list"
    assert not floors.knows((1, "calls"))
    now += 0.2
    assert not floors.knows((1, "runs"))
