"""How a function of a custom resource answers CloudFormation: it puts JSON at the request's `ResponseURL`.

Input: the URL and the answer. Output: nothing. Raises HTTPError or OSError when nobody took it. Source: AWS
CloudFormation User Guide, "Custom resource response objects".
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request

ATTEMPTS = 4
"""How often the answer is sent when nobody takes it."""


def send(url: str, body: bytes) -> None:
    """Until it is taken, a few times."""
    # The URL is signed for an empty content type.
    request = urllib.request.Request(url, body, {"Content-Type": ""}, method="PUT")
    for attempt in range(ATTEMPTS):
        try:
            with urllib.request.urlopen(request, timeout=10):
                return
        except urllib.error.HTTPError as error:
            if error.code < 500 or attempt == ATTEMPTS - 1:
                raise
        except OSError:
            if attempt == ATTEMPTS - 1:
                raise
        time.sleep(2**attempt)
