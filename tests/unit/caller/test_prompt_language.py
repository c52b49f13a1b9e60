"""A prompt that the offline bot could not play is refused before anybody is called."""

import pytest

from deploy.demo.__main__ import SCENARIOS
from services.caller.edges.parties.offline.language import is_english
from tests.unit.caller.test_scenarios import CASES

OTHERS = [
    "Öffnungszeiten erfragen",
    "Rückerstattung",
    "Fragen Sie nach den Öffnungszeiten am Sonntag.",
    "Sie sind ein verärgerter Kunde und möchten eine Rückerstattung für die Bestellung 48213.",
    "Demandez un remboursement pour la commande 48213.",
    "Vous êtes un client en colère.",
    "Pregunta por los horarios de apertura.",
    "Eres un cliente enfadado y quieres un reembolso de tu pedido.",
    "Sei un cliente arrabbiato e vuoi un rimborso per il tuo ordine.",
    "Você é um cliente e quer um reembolso do pedido.",
    "Vraag naar de openingstijden op zondag. Je bent een klant.",
    "Zapytaj o godziny otwarcia. Nie jesteś klientem.",
    "Fråga om öppettider på söndag och vill inte vänta.",
    "Спросите о часах работы.",
    "请询问营业时间",
    "営業時間を聞いてください",
    "اسأل عن ساعات العمل",
    "영업 시간을 물어보세요",
    "Ρωτήστε για τις ώρες λειτουργίας",
]


@pytest.mark.parametrize("prompt", OTHERS)
def test_another_language_is_noticed(prompt: str) -> None:
    assert not is_english(prompt)


@pytest.mark.parametrize(
    "prompt",
    [
        *SCENARIOS,
        *(case.values[1] for case in CASES),
        "",
        "Refund please",
        "You are José Müller from São Paulo. Ask for the café's opening hours.",
        "You are Chloé de la Tour. You want a refund for the crème brûlée torch.",
        "Ask what 'der die das' means in German, and how it is used.",
        "Rück please refund",
        "Your name is 王小明. Ask about a late delivery.",
        "12345 +1 555 !!!",
        "👋",
    ],
)  # fmt: skip
def test_english_with_foreign_names_is_english(prompt: str) -> None:
    assert is_english(str(prompt))
