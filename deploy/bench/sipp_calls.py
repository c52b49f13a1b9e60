"""The same number of calls between two sipps: what a program in C takes for signalling and packets alone.

sipp sends a file in each call, and does not even read what comes: its figure is a floor, not a goal.
"""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.local.missing import Missing
from deploy.local.ports import free_port
from deploy.local.sip_peers import Stack, find_stack
from services.caller.domain.media import FRAME_MS

HOST = "127.0.0.1"
SOUND = bytes(range(256)) * 125  # µ-law: four seconds, again and again
CALLS_A_SECOND = 50
BEGINS_SECONDS, SETTLES_SECONDS = 0.5, 2.0
LEAST_SENT = 0.9  # of the packets that are due; with fewer they were not the same calls

_SDP = """v=0
      o=- 1 1 IN IP4 127.0.0.1
      s=-
      c=IN IP4 127.0.0.1
      t=0 0
      m=audio [rtpstream_audio_port] RTP/AVP 0
      a=rtpmap:0 PCMU/8000"""
_PLAY = '<nop><action><exec rtp_stream="sound.ul,-1,0"/></action></nop>'
_UAC = f"""<?xml version="1.0" encoding="ISO-8859-1" ?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="calls with sound">
  <send retrans="500"><![CDATA[
      INVITE sip:bench@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
      From: <sip:sipp@[local_ip]:[local_port]>;tag=[call_number]
      To: <sip:bench@[remote_ip]:[remote_port]>
      Call-ID: [call_id]
      CSeq: 1 INVITE
      Contact: <sip:sipp@[local_ip]:[local_port]>
      Max-Forwards: 70
      Content-Type: application/sdp
      Content-Length: [len]

      {_SDP}
  ]]></send>
  <recv response="200" rrs="true"/>
  <send><![CDATA[
      ACK sip:bench@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
      From: <sip:sipp@[local_ip]:[local_port]>;tag=[call_number]
      To: <sip:bench@[remote_ip]:[remote_port]>[peer_tag_param]
      Call-ID: [call_id]
      CSeq: 1 ACK
      Max-Forwards: 70
      Content-Length: 0
  ]]></send>
  {_PLAY}
  <pause milliseconds="3600000"/>
</scenario>
"""
_UAS = f"""<?xml version="1.0" encoding="ISO-8859-1" ?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="calls with sound">
  <recv request="INVITE"/>
  <send retrans="500"><![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:];tag=[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      Contact: <sip:[local_ip]:[local_port]>
      Content-Type: application/sdp
      Content-Length: [len]

      {_SDP}
  ]]></send>
  <recv request="ACK"/>
  {_PLAY}
  <pause milliseconds="3600000"/>
</scenario>
"""
_SCENARIOS = {"uac": _UAC, "uas": _UAS}


@dataclass(frozen=True)
class SippFigures:
    """What the calling one of two sipps took while all calls were up."""

    cpu_share: float
    memory_mib: float


def sipp_calls(calls: int, seconds: float) -> SippFigures:
    """Hold so many calls between two sipps for so long. Raises Missing, which says why there is no figure."""
    stack = find_stack("sipp")
    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        folder, port = Path(name), free_port()
        (folder / "sound.ul").write_bytes(SOUND)
        callee = running.enter_context(_sipp(stack, folder, "uas", "-p", str(port)))
        time.sleep(BEGINS_SECONDS)
        placing = ("-m", str(calls), "-l", str(calls), "-r", str(CALLS_A_SECOND), f"{HOST}:{port}")
        caller = running.enter_context(_sipp(stack, folder, "uac", "-p", str(free_port()), *placing))
        time.sleep(calls / CALLS_A_SECOND + SETTLES_SECONDS)
        try:
            both_talk = all(_talks(one) for one in (caller, callee))
            before, sent_before, began = caller.cpu_times(), _datagrams_sent(), time.monotonic()
            time.sleep(seconds)
            after, took = caller.cpu_times(), time.monotonic() - began
            memory = caller.memory_info().rss / 2**20
            both_talk &= all(_talks(one) for one in (caller, callee))
        except psutil.Error:  # one has ended
            both_talk = False
        if not both_talk or _datagrams_sent() - sent_before < LEAST_SENT * 2 * calls * took * 1_000 / FRAME_MS:
            raise Missing("sipp did not hold these calls: there is no figure of its own")
    return SippFigures((after.user + after.system - before.user - before.system) / took, memory)


@contextmanager
def _sipp(stack: Stack, folder: Path, scenario: str, *options: str) -> Iterator[psutil.Process]:
    path = folder / f"{scenario}.xml"
    path.write_text(_SCENARIOS[scenario])
    command = (stack.program, "-sf", path, "-i", HOST, "-mi", HOST, "-mp", str(free_port()), "-nostdin")
    process = subprocess.Popen(
        (*command, *options), cwd=folder, env=stack.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


def _talks(sipp: psutil.Process) -> bool:
    """Say whether it lives and has threads that send sound. Others send on this machine too."""
    return sipp.status() != psutil.STATUS_ZOMBIE and sipp.num_threads() > 1


def _datagrams_sent() -> int:
    """Return how many UDP datagrams this machine has sent."""
    names, values = (line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line[:4] == "Udp:")
    return int(values[names.index("OutDatagrams")])
