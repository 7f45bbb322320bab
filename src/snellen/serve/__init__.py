"""A scorer as a web service: pictures in, scores and maps out, with limits on everything.

from snellen.serve import Limits, create_app

app = create_app(load_scorer("built-in"), Limits())    # ASGI; `snellen serve` runs it with uvicorn
"""

from snellen.serve.app import create_app
from snellen.serve.limits import Limits

__all__ = ["Limits", "create_app"]
