"""Tells prompts that the offline bot's rules could read from those in another language, which it would talk past."""

import re
import unicodedata
from functools import lru_cache

MAX_READ_CHARS = 2_000
MIN_LETTERS = 2
REMEMBERED_PROMPTS = 1_024

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_ENGLISH_WORDS = (
    "the a an and or of to in on at for from with by is are was were be been you your you're i my me we our it its this "
    "that they them their he she his her if when what who where why how which not no do does did don't have has had "
    "want wants would like ask asks about say says tell call calling caller called customer agent order number name "
    "refund hours open delivery late human person question please need needs can could should will there as but so"
)
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
# Words that are frequent in one language and not English.
_FOREIGN = (
    "der die das und ist nicht ein eine einen einem einer dem den des sie ihr ihre ihren mit von für auf zu nach bei wenn "
    "wie wird werden haben hat sind oder aber auch fragen frage rufen anrufen möchten wollen bestellung kunde kundin "
    "beschweren öffnungszeiten rückerstattung erstattung lieferung",
    "le la les un une des du de et est pas vous votre vos je mon avec pour sur dans que qui si ou mais au aux ce cette "
    "demandez demander appelez client cliente remboursement commande livraison horaires êtes avez voulez",
    "de el la los las un una unos y es no usted su sus con para por en del al que si pero como cuando pregunta pregunte "
    "quiere quieres pida pide llama cliente pedido reembolso entrega horario horarios eres tu estás está",
    "di il lo la gli le un una e è non del della dei con per su che se ma come quando sei tuo tua chiedi chiedere "
    "cliente ordine rimborso consegna orari vuoi hai",
    "o os as um uma e é não você seu sua com para por em no na do da dos que se mas como quando pergunte peça quer "
    "cliente pedido reembolso entrega horário horários está",
    "de het een en is niet u uw je jouw met voor op van naar bij als maar ook vraag vragen wil wilt klant bestelling "
    "terugbetaling levering openingstijden bent heeft",
    "i w na z do nie się jest że jak to jesteś twoje twój zapytaj chcesz zwrot zamówienie klient dostawa o godziny",
    "och är inte en ett du din ditt med för på av att som fråga vill kund beställning leverans öppettider",
    "ve bir bu için ile siz sizin değil mi sor müşteri sipariş iade istiyorsun teslimat saatleri",
)
_LANGUAGES = tuple(frozenset(words.split()) - _ENGLISH for words in _FOREIGN)


@lru_cache(maxsize=REMEMBERED_PROMPTS)
def is_english(prompt: str) -> bool:
    """Say whether a prompt may be English: one that names nothing of another language may."""
    text = prompt[:MAX_READ_CHARS]
    words = [word.lower() for word in _WORD.findall(text)]
    letters = "".join(words)
    if not letters.isascii() and len(letters) >= MIN_LETTERS:
        latin = sum(unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
        if latin * 2 < len(letters):
            return False
    english = sum(word in _ENGLISH for word in words)
    foreign = max(sum(word in language for word in words) for language in _LANGUAGES)
    return foreign <= english
