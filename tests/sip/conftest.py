"""Other people's stacks, found or fetched before a loop runs: what is missing ends one test, not the loop of all."""

import pytest

from deploy.local.sip_peers import Stack, find_stack


@pytest.fixture(scope="session")
def sipp() -> Stack:
    """The SIPp program."""
    return find_stack("sipp")


@pytest.fixture(scope="session")
def kamailio() -> Stack:
    """The Kamailio proxy."""
    return find_stack("kamailio")


@pytest.fixture(scope="session")
def baresip() -> Stack:
    """The baresip telephone."""
    return find_stack("baresip")
