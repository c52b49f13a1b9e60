"""A stock Pipecat agent behind Twilio's media streams: nothing of ours is in it but the addresses of its services.

Runs in an environment of its own (`make test-pipecat`): python agent.py PORT SPEECH_BASE_URL MIND_BASE_URL.
"""

# mypy: disable-error-code="import-not-found, untyped-decorator"

import sys

import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import LLMRunFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair, LLMUserAggregatorParams
from pipecat.runner.utils import parse_telephony_websocket
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.openai.stt import OpenAISTTService
from pipecat.services.openai.tts import OpenAITTSService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner

KEY = "none"
SYSTEM = "You answer the telephone of a dental practice."

app = FastAPI()
_, PORT, SPEECH_BASE_URL, MIND_BASE_URL = sys.argv


@app.get("/")
async def ready() -> str:
    """Say that calls are taken."""
    return "ready"


@app.websocket("/media")
async def answer(websocket: WebSocket) -> None:
    """Take a call, as Pipecat's own examples do."""
    await websocket.accept()
    _, call = await parse_telephony_websocket(websocket)
    serializer = TwilioFrameSerializer(
        stream_sid=call["stream_id"],
        call_sid=call["call_id"],
        params=TwilioFrameSerializer.InputParams(auto_hang_up=False),
    )
    transport = FastAPIWebsocketTransport(
        websocket=websocket,
        params=FastAPIWebsocketParams(audio_in_enabled=True, audio_out_enabled=True, serializer=serializer),
    )
    stt = OpenAISTTService(api_key=KEY, base_url=SPEECH_BASE_URL)
    tts = OpenAITTSService(api_key=KEY, base_url=SPEECH_BASE_URL)
    llm = OpenAILLMService(
        api_key=KEY,
        base_url=MIND_BASE_URL,
        settings=OpenAILLMService.Settings(model="offline", system_instruction=SYSTEM),
    )
    aggregators = LLMContextAggregatorPair(
        LLMContext(), user_params=LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer())
    )
    pipeline = Pipeline(
        [transport.input(), stt, aggregators.user(), llm, tts, transport.output(), aggregators.assistant()]
    )
    worker = PipelineWorker(pipeline, params=PipelineParams(audio_in_sample_rate=8_000, audio_out_sample_rate=24_000))

    @transport.event_handler("on_client_connected")
    async def greet(transport: object, client: object) -> None:
        await worker.queue_frames([LLMRunFrame()])

    @transport.event_handler("on_client_disconnected")
    async def leave(transport: object, client: object) -> None:
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


if __name__ == "__main__":
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    uvicorn.run(app, host="127.0.0.1", port=int(PORT), log_level="warning")
