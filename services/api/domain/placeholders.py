"""Finds what a template left unfilled in a prompt: the test bot would say it aloud, and the call would be charged."""

import re

MAX_NAMED = 5
MAX_NAMED_CHARS = 60

_NAME = r"[A-Za-z_][\w .-]{0,60}"
_PLACEHOLDER = re.compile(
    r"\{\{[^{}\n]{0,200}\S[^{}\n]{0,200}\}\}"  # {{name}}, {{ user.name | upper }}: Jinja, Handlebars, Mustache
    r"|\{%[^{}\n]{1,200}%\}"  # {% if x %}
    r"|<%[^<>\n]{1,200}%>"  # <%= name %>: ERB, EJS
    r"|<<" + _NAME + r">>"
    r"|\[\[" + _NAME + r"\]\]"
    r"|[$#]\{[^{}\n]{1,200}\}"  # ${name}, #{name}: shells, JavaScript, Ruby
    r"|(?<![{\w])\{" + _NAME + r"\}(?!\})"  # {name}: Python
    r"|%\(" + _NAME + r"\)[sd]"
    r"|(?<![\w%])%[A-Za-z_]\w{0,60}%(?![\w%])"  # %name%
)


def unfilled_placeholders(prompt: str) -> list[str]:
    """Return the placeholders of a prompt, each once, at most `MAX_NAMED`, each cut to `MAX_NAMED_CHARS`."""
    found = dict.fromkeys(match[0][:MAX_NAMED_CHARS] for match in _PLACEHOLDER.finditer(prompt))
    return list(found)[:MAX_NAMED]
