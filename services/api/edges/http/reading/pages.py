"""Pages of lists: total and RFC 8288 links."""

from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request


def page_headers(request: Request, *, total: int, limit: int, offset: int) -> dict[str, str]:
    """Return X-Total-Count and Link (`next`, `prev`, as far as there are such pages), with the filters kept."""
    links = []
    if offset + limit < total:
        links.append(f'<{_url(request, limit, offset + limit)}>; rel="next"')
    if offset > 0:
        links.append(f'<{_url(request, limit, max(0, offset - limit))}>; rel="prev"')
    headers = {"X-Total-Count": str(total)}
    if links:
        headers["Link"] = ", ".join(links)
    return headers


def _url(request: Request, limit: int, offset: int) -> str:
    kept = [pair for pair in parse_qsl(request.url.query, keep_blank_values=True) if pair[0] not in ("limit", "offset")]
    return f"{request.url.path}?{urlencode([*kept, ('limit', limit), ('offset', offset)])}"
