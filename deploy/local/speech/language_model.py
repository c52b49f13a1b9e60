"""A trigram model of what may well be said, mixed with words that are common in English, as pocketsphinx reads it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import log10

BEGIN, END = "<s>", "</s>"
GENERAL_SHARE = 0.05  # of the words: what nobody expected may be said too
LEAST = 1e-9
NEVER = -99.0
Words = tuple[str, ...]


def arpa(lines: Iterable[Sequence[str]], common: Mapping[str, float]) -> str:
    """Return a model of lines of words. `common`: how common words of no line are, by word.

    Smoothed after Witten and Bell: what was followed by many different words is followed by another one more often.
    """
    counts: list[Counter[Words]] = [Counter(), Counter(), Counter()]
    for line in lines:
        words = (BEGIN, *line, END)
        for order, count in enumerate(counts, 1):
            count.update(tuple(words[at : at + order]) for at in range(len(words) - order + 1))
    unigrams, backoff = _unigrams(counts[0], common), dict[Words, float]()
    probable = dict(unigrams)
    for count in counts[1:]:
        followed: dict[Words, Counter[str]] = {}
        for gram, times in count.items():
            followed.setdefault(gram[:-1], Counter())[gram[-1]] += times
        for context, words_after in followed.items():
            kinds, times_all = len(words_after), words_after.total()
            lower = sum(_looked_up(probable, backoff, (*context[1:], word)) for word in words_after)
            for word, times in words_after.items():
                seen = times / (times_all + kinds)
                probable[(*context, word)] = seen + kinds / (times_all + kinds) * _looked_up(
                    probable, backoff, (*context[1:], word)
                )
            left = 1 - sum(probable[(*context, word)] for word in words_after)
            backoff[context] = max(left, LEAST) / max(1 - lower, LEAST)
    return _written(probable, backoff)


def _unigrams(counted: Counter[Words], common: Mapping[str, float]) -> dict[Words, float]:
    times = Counter({word: count for (word,), count in counted.items() if word != BEGIN})
    all_times, all_common = times.total(), sum(common.values()) or 1.0
    share = GENERAL_SHARE if common else 0.0
    mixed: dict[Words, float] = {}
    if all_times:
        mixed = {(word,): (1 - share) * count / all_times for word, count in times.items()}
    for word, weight in common.items():
        mixed[(word,)] = mixed.get((word,), 0.0) + share * weight / all_common
    mixed[(BEGIN,)] = 0.0
    mixed.setdefault((END,), LEAST)
    return mixed


def _looked_up(probable: Mapping[Words, float], backoff: Mapping[Words, float], gram: Words) -> float:
    if gram in probable:
        return probable[gram]
    return backoff.get(gram[:-1], 1.0) * _looked_up(probable, backoff, gram[1:]) if len(gram) > 1 else LEAST


def _written(probable: Mapping[Words, float], backoff: Mapping[Words, float]) -> str:
    by_order: dict[int, list[str]] = {1: [], 2: [], 3: []}
    for gram, share in sorted(probable.items()):
        logged = log10(share) if share > 0 else NEVER
        tail = f"\t{log10(backoff[gram]):.4f}" if gram in backoff else ""
        by_order[len(gram)].append(f"{logged:.4f}\t{' '.join(gram)}{tail}")
    head = "\n".join(f"ngram {order}={len(rows)}" for order, rows in by_order.items())
    body = "\n\n".join(f"\\{order}-grams:\n" + "\n".join(rows) for order, rows in by_order.items())
    return f"\\data\\\n{head}\n\n{body}\n\n\\end\\\n"
