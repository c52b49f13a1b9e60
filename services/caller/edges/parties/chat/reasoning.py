"""Takes a model's thinking out of its text: it is neither spoken nor transcribed, and takes no time as speech."""

import re

# <think>, <thinking>, <seed:think> …; [THINK] (Mistral), ◁think▷ (Kimi), <|begin_of_thought|>
_TAG = re.compile(
    r"<\s*(?P<close>/?)\s*(?:[a-z]{1,20}:)?(?:think|thinking|thought|thoughts|reasoning|reflection|scratchpad|analysis)"
    r"(?:\s[^<>]{0,200})?(?P<empty>/?)>"
    r"|\[(?P<close_b>/?)THINK\]|◁(?P<close_k>/?)think▷|<\|(?P<word>begin|end)_of_thought\|>",
    re.IGNORECASE,
)
_CHANNEL = "<|channel|>"
_FINAL = re.compile(r"<\|channel\|>\s*final[^<]{0,100}<\|message\|>")
_WRAPPED = re.compile(r"</?(?:answer|response|final_answer|final|output)>", re.IGNORECASE)
_SPECIAL = re.compile(r"<\|[a-z0-9_]{1,40}\|>|</?s>|<(?:end|start)_of_turn>(?:model\b)?|<eos>|<bos>", re.IGNORECASE)


def without_reasoning(text: str) -> str:
    """Return what is to be spoken of a text: thinking may be nested, unclosed, unopened, or stand at the end.

    An unclosed thought goes on to the end: rather silence than a thought said aloud.
    """
    if _CHANNEL in text:  # gpt-oss's channels, where no server took them apart
        finals = list(_FINAL.finditer(text))
        text = text[finals[-1].end() :] if finals else text.partition(_CHANNEL)[0]
    spoken: list[str] = []
    depth, since = 0, 0
    for tag in _TAG.finditer(text):
        if tag["empty"] and not tag["close"]:
            if depth == 0:
                spoken.append(text[since : tag.start()])
                since = tag.end()
        elif tag["close"] or tag["close_b"] or tag["close_k"] or tag["word"] in ("end", "END"):
            if depth == 0:  # opened in the prompt, as some templates do: all before it was a thought
                spoken.clear()
            depth = max(0, depth - 1)
            since = tag.end()
        else:
            if depth == 0:
                spoken.append(text[since : tag.start()])
            depth += 1
    if depth == 0:
        spoken.append(text[since:])
    return _WRAPPED.sub("", "".join(spoken)).strip()


def without_special_tokens(text: str) -> str:
    """Return a text without the tokens that a template left in it."""
    return _SPECIAL.sub("", text).strip()
