"""RFC 3261's timers to the millisecond: what is sent when, and when it is forgotten."""

import asyncio
from collections.abc import Callable

import pytest
from aiosipua.message import SipRequest, SipResponse

from services.caller.edges.sip.agent import Address
from services.caller.edges.sip.limits import Timing
from services.caller.edges.sip.transactions.table import Full, Transactions
from services.caller.edges.sip.wire import Request, Response, read
from tests.support.virtual_time import in_virtual_time

THERE: Address = ("127.0.0.1", 5060)
FIRST_LINES = {"INVITE": "INVITE sip:1@127.0.0.1 SIP/2.0", "BYE": "BYE sip:1@127.0.0.1 SIP/2.0"}


class Network:
    """Keeps what is sent, with its time."""

    def __init__(self) -> None:
        self.timing = Timing()
        self.sent: list[tuple[float, str]] = []
        self.transactions = Transactions(self)

    def send(self, datagram: bytes, to: Address) -> None:
        """Keep it."""
        self.sent.append((round(_now(), 3), datagram.decode().split(" SIP/2.0")[0].split("\r\n")[0]))

    def times(self, begins: str) -> list[float]:
        """When messages that begin so were sent."""
        return [at for at, line in self.sent if line.startswith(begins)]


def _now() -> float:
    return asyncio.get_running_loop().time()


def a_request(method: str, branch: str = "z9hG4bKa") -> Request:
    text = (
        f"{method} sip:1@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch={branch}\r\n"
        f"From: <sip:2@x>;tag=f\r\nTo: <sip:1@x>\r\nCall-ID: c\r\nCSeq: 7 {method}\r\n\r\n"
    )
    read_back = read(text.encode(), THERE)
    assert isinstance(read_back, Request)
    return read_back


def asked(method: str) -> SipRequest:
    return a_request(method).message


def a_response(status: int, method: str) -> Response:
    text = (
        f"SIP/2.0 {status} X\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKa\r\n"
        f"From: <sip:2@x>;tag=f\r\nTo: <sip:1@x>;tag=t\r\nCall-ID: c\r\nCSeq: 7 {method}\r\n\r\n"
    )
    read_back = read(text.encode(), THERE)
    assert isinstance(read_back, Response)
    return read_back


def said(status: int) -> SipResponse:
    return a_response(status, "INVITE").message


def test_timers_a_and_b_an_invite_that_nobody_hears() -> None:
    async def test() -> None:
        network, heard = Network(), list[tuple[float, object]]()
        network.transactions.invite(asked("INVITE"), THERE, lambda response: heard.append((_now(), response)))
        await asyncio.sleep(60)
        assert network.times("INVITE") == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
        assert heard == [(32, None)]
        assert len(network.transactions) == 0

    in_virtual_time(test)


def test_a_provisional_ends_retransmissions_and_no_timer_ends_the_ringing() -> None:
    async def test() -> None:
        network = Network()
        network.transactions.invite(asked("INVITE"), THERE, lambda response: None)
        await asyncio.sleep(1)
        network.transactions.response(a_response(180, "INVITE"))
        await asyncio.sleep(120)
        assert network.times("INVITE") == [0, 0.5]
        assert len(network.transactions) == 1

    in_virtual_time(test)


def test_timer_d_a_refusal_is_acknowledged_each_time_for_32_seconds() -> None:
    async def test() -> None:
        network, heard = Network(), list[object]()
        network.transactions.invite(asked("INVITE"), THERE, heard.append)
        for _ in range(3):
            network.transactions.response(a_response(486, "INVITE"))
            await asyncio.sleep(1)
        assert network.times("ACK") == [0, 1, 2]
        assert len(heard) == 1
        await asyncio.sleep(28.9)
        assert len(network.transactions) == 1
        await asyncio.sleep(0.2)
        assert len(network.transactions) == 0

    in_virtual_time(test)


def test_timer_m_each_200_is_handed_over_for_32_seconds_and_not_acknowledged_here() -> None:
    async def test() -> None:
        network, heard = Network(), list[object]()
        network.transactions.invite(asked("INVITE"), THERE, heard.append)
        network.transactions.response(a_response(200, "INVITE"))
        network.transactions.response(a_response(200, "INVITE"))
        network.transactions.response(a_response(486, "INVITE"))
        await asyncio.sleep(33)
        assert (len(heard), network.times("ACK"), len(network.transactions)) == (2, [], 0)

    in_virtual_time(test)


def test_timers_e_and_f_a_bye_that_nobody_answers() -> None:
    async def test() -> None:
        network, heard = Network(), list[tuple[float, object]]()
        network.transactions.ask(asked("BYE"), THERE, lambda response: heard.append((_now(), response)))
        await asyncio.sleep(60)
        assert network.times("BYE") == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
        assert heard == [(32, None)]
        assert len(network.transactions) == 0

    in_virtual_time(test)


def test_timer_e_after_a_provisional_and_timer_k_after_the_answer() -> None:
    async def test() -> None:
        network, heard = Network(), list[object]()
        network.transactions.ask(asked("BYE"), THERE, heard.append)
        network.transactions.response(a_response(100, "BYE"))
        await asyncio.sleep(9)
        assert network.times("BYE") == [0, 4, 8]
        network.transactions.response(a_response(200, "BYE"))
        network.transactions.response(a_response(200, "BYE"))
        await asyncio.sleep(4.9)
        assert (len(heard), len(network.transactions)) == (1, 1)
        await asyncio.sleep(0.2)
        assert len(network.transactions) == 0

    in_virtual_time(test)


def test_timers_g_and_h_a_refusal_that_nobody_acknowledges() -> None:
    async def test() -> None:
        network, told = Network(), list[float]()
        served = network.transactions.invited(a_request("INVITE"))
        served.unacknowledged = lambda: told.append(_now())
        served.respond(said(486))
        await asyncio.sleep(60)
        assert network.times("SIP/2.0 486")[:6] == [0, 0.5, 1.5, 3.5, 7.5, 11.5]
        assert (told, len(network.transactions)) == ([32], 0)

    in_virtual_time(test)


def test_timer_i_after_the_ack_of_a_refusal() -> None:
    async def test() -> None:
        network = Network()
        served = network.transactions.invited(a_request("INVITE"))
        served.respond(said(486))
        served.acknowledged()
        await asyncio.sleep(4.9)
        assert (len(network.sent), len(network.transactions)) == (1, 1)
        await asyncio.sleep(0.2)
        assert len(network.transactions) == 0

    in_virtual_time(test)


def test_timer_l_a_200_is_sent_until_its_ack_and_the_invite_absorbed_for_32_seconds() -> None:
    async def test() -> None:
        network = Network()
        served = network.transactions.invited(a_request("INVITE"))
        served.respond(said(200))
        await asyncio.sleep(2)
        served.receive_again()
        served.acknowledged()
        await asyncio.sleep(29.9)
        assert ([at for at, _ in network.sent], len(network.transactions)) == ([0, 0.5, 1.5], 1)
        await asyncio.sleep(0.2)
        assert len(network.transactions) == 0

    in_virtual_time(test)


def test_timer_j_a_request_that_comes_again_is_answered_again_for_32_seconds() -> None:
    async def test() -> None:
        network = Network()
        served = network.transactions.asked(a_request("BYE"))
        served.respond(a_response(200, "BYE").message)
        await asyncio.sleep(31.9)
        served.receive_again()
        assert [at for at, _ in network.sent] == [0, 31.9]
        await asyncio.sleep(0.2)
        assert len(network.transactions) == 0

    in_virtual_time(test)


@pytest.mark.parametrize(
    "made",
    [
        lambda it: it.invite(asked("INVITE"), THERE, lambda response: None),
        lambda it: it.ask(asked("BYE"), THERE),
        lambda it: it.invited(a_request("INVITE")),
        lambda it: it.asked(a_request("BYE")),
    ],
)
def test_there_are_only_so_many_transactions(
    made: Callable[[Transactions], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.caller.edges.sip.transactions.table.MAX_TRANSACTIONS", 1)

    async def test() -> None:
        network = Network()
        network.transactions.asked(a_request("BYE", "z9hG4bKb"))
        with pytest.raises(Full):
            made(network.transactions)

    in_virtual_time(test)


def test_an_ack_and_a_cancel_belong_to_their_invite_and_other_branches_do_not() -> None:
    async def test() -> None:
        network = Network()
        served = network.transactions.invited(a_request("INVITE"))
        assert network.transactions.found(a_request("ACK")) is served
        assert network.transactions.found(a_request("CANCEL")) is served
        assert network.transactions.found(a_request("INVITE", "z9hG4bKb")) is None
        assert network.transactions.found(a_request("BYE")) is None
        old_fashioned = network.transactions.invited(a_request("INVITE", "1"))
        assert network.transactions.found(a_request("ACK", "1")) is old_fashioned

    in_virtual_time(test)
