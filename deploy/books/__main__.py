"""`python -m deploy.books`: are the four services' books in order? Exit code 0 clean, 1 leaks, 2 could not look.

Reads API_DATABASE_URL, SCHEDULER_DATABASE_URL, CALLER_DATABASE_URL and BILLING_DATABASE_URL, or one DATABASE_URL of a
role that may read all four schemas; without any, the system of this checkout (`make up`).
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Mapping

from deploy.books import report
from deploy.books.check import GRACE_SECONDS, check
from deploy.books.serve import serve
from deploy.books.sources import SCHEMAS, CouldNotLook, open_sources, urls_of
from deploy.local import plan
from deploy.local.running import settings_in_force
from deploy.local.settings import read_settings

CLEAN, LEAKS, COULD_NOT_LOOK = 0, 1, 2


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m deploy.books", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of words")
    parser.add_argument("--recent", action="store_true", help="the last two hours and all that is open: seconds")
    parser.add_argument(
        "--grace-seconds",
        type=float,
        default=GRACE_SECONDS,
        help="how long a finding has to last (default %(default)s)",
    )
    parser.add_argument("--serve", type=int, metavar="PORT", help="look every minute and serve /metrics")
    parser.add_argument("--host", default="127.0.0.1", help="where to serve (default %(default)s)")
    return parser.parse_args()


def _urls() -> Mapping[str, str]:
    urls = urls_of(os.environ)
    if not urls and plan.ROLE_PASSWORDS.exists():
        urls = plan.service_urls(settings_in_force(read_settings())[0])
    missing = [f"{schema.upper()}_DATABASE_URL" for schema in SCHEMAS if schema not in urls]
    if missing:
        raise CouldNotLook(f"set DATABASE_URL, or {', '.join(missing)}; or run make up first")
    return urls


async def _look(urls: Mapping[str, str], arguments: argparse.Namespace) -> int:
    began = time.monotonic()
    async with open_sources(urls) as sources:
        leaks = await check(sources, grace_seconds=arguments.grace_seconds, recent=arguments.recent)
    write = report.as_json if arguments.json else report.for_people
    sys.stdout.write(write(leaks, seconds=time.monotonic() - began) + "\n")
    return LEAKS if leaks else CLEAN


def main() -> int:
    """Do what the command line says."""
    arguments = _arguments()
    try:
        urls = _urls()
        if arguments.serve is None:
            return asyncio.run(_look(urls, arguments))
        asyncio.run(serve(urls, host=arguments.host, port=arguments.serve, grace_seconds=arguments.grace_seconds))
    except CouldNotLook as error:
        sys.stderr.write(f"could not look: {error}\n")
        return COULD_NOT_LOOK
    return CLEAN


if __name__ == "__main__":
    raise SystemExit(main())
