"""The built-in demo agent: the phone support of a small shop, by rules, with a knowledge base of a few lines.

Personas: `support` (the default) and `hang-up`, which answers and hangs up without a word (for load tests).
"""

import json
import re
from collections.abc import Sequence

from services.caller.domain.farewell import is_farewell
from services.caller.domain.turn import Reply, ToolUse, Turn
from services.caller.edges.parties.offline.orders import look_up
from services.caller.edges.parties.offline.wording import is_question, mentions

THINK_MS = 700
TOOL_MS = 600
COMPANY = "Northwind Goods"
MAX_DEFLECTIONS = 2
REFUND_DAYS = 30

HOURS = {
    "monday": "9 am to 6 pm", "tuesday": "9 am to 6 pm", "wednesday": "9 am to 6 pm", "thursday": "9 am to 6 pm",
    "friday": "9 am to 6 pm", "saturday": "10 am to 4 pm", "sunday": "",
}  # fmt: skip
ALL_HOURS = "We're open Monday to Friday from 9 am to 6 pm and Saturday from 10 am to 4 pm. On Sundays we're closed."
_ORDER = re.compile(r"\b([A-Z]{0,4}[-/]?\d[\dA-Z-]{2,15}(?:[/.][\dA-Z-]{1,15}){0,4})\b", re.IGNORECASE)


class HangUpAgent:
    """Answers and hangs up at once: a call of no length."""

    async def take_turn(self, turns: Sequence[Turn]) -> Reply:
        """Hang up."""
        return Reply("", "hang_up")


class OfflineAgent:
    """Answers the phone of the demo shop."""

    def __init__(self, name: str) -> None:
        self._name = name or "the assistant"
        self._topic = ""
        self._asked_number = 0
        self._pending_refund = ""
        self._deflected = 0
        self._helped = False

    async def take_turn(self, turns: Sequence[Turn]) -> Reply:
        """Answer the caller's last line."""
        last = next((turn.content for turn in reversed(turns) if turn.role == "user"), "")
        if not last:
            return Reply(
                f"Thank you for calling {COMPANY}, this is {self._name}. How can I help you?", think_ms=THINK_MS
            )
        if not any(turn.role == "assistant" for turn in turns):
            return Reply(f"Hello, this is {self._name} from {COMPANY}. How can we help you today?", think_ms=THINK_MS)
        return self._answer(last)

    def _answer(self, line: str) -> Reply:
        if mentions(line, "human", "real person", "a person", "representative", "supervisor", "operator"):
            tool = _tool("transfer_call", {"queue": "service"}, {"accepted": True})
            return Reply("Of course. I'm transferring you to a colleague now.", "transfer", (tool,), THINK_MS)
        if is_farewell(line) or (mentions(line, "that's all", "that is all") and not is_question(line)):
            return Reply(f"Thank you for calling {COMPANY}. Goodbye.", "hang_up", think_ms=THINK_MS)
        if self._pending_refund:
            return self._decide_refund(line)
        self._topic = self._topic_of(line) or self._topic
        match self._topic:
            case "hours":
                return self._tell_hours(line)
            case "policy":
                self._topic, self._helped = "", True
                return Reply(
                    f"You can return anything within {REFUND_DAYS} days for a full refund. Is there anything else?",
                    think_ms=THINK_MS,
                )
            case "refund" | "delivery":
                return self._handle_order(line)
        return self._deflect(line)

    def _topic_of(self, line: str) -> str:
        if mentions(line, "refund policy", "return policy", "how long do I have"):
            return "policy"
        if mentions(line, "refunds?", "money back", "return (it|this|them)", "reimburse(ment)?"):
            return "refund"
        if mentions(line, "late", "delay(ed)?", "delivery", "shipment", "parcel", "package", "arrived?", "where is it"):
            return "delivery"
        if mentions(line, "opens?", "opening", "closes?", "closing", "hours"):
            return "hours"
        return ""

    def _tell_hours(self, line: str) -> Reply:
        self._helped = True
        self._topic = ""
        day = next((name for name in HOURS if mentions(line, f"{name}s?")), "")
        if not day:
            return Reply(f"{ALL_HOURS} Is there anything else?", think_ms=THINK_MS)
        hours = f"from {HOURS[day]}" if HOURS[day] else ""
        told = f"On {day.capitalize()}s we're open {hours}." if hours else f"On {day.capitalize()}s we're closed."
        return Reply(f"{told} Is there anything else?", think_ms=THINK_MS)

    def _handle_order(self, line: str) -> Reply:
        number = _ORDER.search(line)
        if number is None:
            self._asked_number += 1
            match self._asked_number:
                case 1:
                    sorry = (
                        "I'm sorry to hear that. "
                        if self._topic == "delivery" or mentions(line, "not", "faulty", "broken")
                        else ""
                    )
                    return Reply(f"{sorry}Could you give me your order number, please?", think_ms=THINK_MS)
                case 2:
                    return Reply(
                        "I can't look anything up without the order number. It is in your confirmation e-mail.",
                        think_ms=THINK_MS,
                    )
            return Reply(
                "I'm afraid I cannot help without the order number. Please call again when you have it. Goodbye.",
                "hang_up",
                think_ms=THINK_MS,
            )
        order = look_up(number[1])
        found = _tool(
            "look_up_order",
            {"order_number": order.number},
            {"order_number": order.number, "days_since_purchase": order.days_since_purchase, "carrier": order.carrier},
        )
        if self._topic == "refund":
            self._pending_refund = order.number
            text = f"Thank you. Your order is {order.days_since_purchase} days old, within our {REFUND_DAYS}-day window. Shall I refund it in full?"
            return Reply(text, "none", (found,), THINK_MS + TOOL_MS)
        self._topic, self._helped = "", True
        days = "tomorrow" if order.arrives_in_days == 1 else f"within {order.arrives_in_days} days"
        text = (
            f"I apologize for the delay. It is with {order.carrier} and should arrive {days}. Is there anything else?"
        )
        return Reply(text, "none", (found,), THINK_MS + TOOL_MS)

    def _decide_refund(self, line: str) -> Reply:
        number, self._pending_refund, self._topic = self._pending_refund, "", ""
        if mentions(line, "no", "don't", "not"):
            return Reply("All right, I won't. Is there anything else?", think_ms=THINK_MS)
        self._helped = True
        tool = _tool("issue_refund", {"order_number": number}, {"status": "issued"})
        return Reply(
            "Your refund has been issued. You'll see it within five days. Anything else?",
            "none",
            (tool,),
            THINK_MS + TOOL_MS,
        )

    def _deflect(self, line: str) -> Reply:
        if self._helped and mentions(line, "no", "thank you", "thanks"):
            return Reply(f"Thank you for calling {COMPANY}. Goodbye.", "hang_up", think_ms=THINK_MS)
        if mentions(line, "what you can help", "what can you (do|help)"):
            return Reply("I can tell you our opening hours, and help with refunds and deliveries.", think_ms=THINK_MS)
        self._deflected += 1
        if self._deflected > MAX_DEFLECTIONS:
            return Reply(
                f"I'm sorry that I couldn't help. Thank you for calling {COMPANY}. Goodbye.",
                "hang_up",
                think_ms=THINK_MS,
            )
        if self._deflected > 1:
            return Reply("I'm sorry, that is outside of what I can help with.", think_ms=THINK_MS)
        return Reply(
            "I'm afraid I can only help with orders, refunds, deliveries and opening hours. Is there anything else?",
            think_ms=THINK_MS,
        )


def _tool(name: str, arguments: dict[str, object], response: dict[str, object]) -> ToolUse:
    return ToolUse(json.dumps({"name": name, "arguments": arguments}), json.dumps({"name": name, "response": response}))
