"""Counts what calls with sound came to."""

from services.caller import metrics
from services.caller.domain.sound import Sound

MS_PER_SECOND = 1_000


def meter(sound: Sound) -> None:
    """Count a call that ended. Latencies are the agent's as its call's own figures have them."""
    metrics.CALL_SET_UP_SECONDS.observe(sound.set_up_ms / MS_PER_SECOND)
    if (side := sound.side) is None:
        return
    for one in side.measures.agent_latencies:
        metrics.AGENT_LATENCY_SECONDS.observe(one.latency_ms / MS_PER_SECOND)
    for part, ms in (("stt", side.own.stt_ms), ("llm", side.own.llm_ms), ("tts", side.own.tts_ms)):
        metrics.OWN_SPEECH_SECONDS.labels(part).observe(ms / MS_PER_SECOND)
    metrics.RTP_PACKETS.labels("received").inc(side.rtp.received)
    metrics.RTP_PACKETS.labels("lost").inc(max(0, side.rtp.lost))
