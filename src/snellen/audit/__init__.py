"""What a judge really sees: naming, ladders, consistency, a look inside, and tuning of its parts.

from snellen.audit import audit
from snellen.audit.material import from_photos

found = audit([load_judge("built-in")], from_photos(["photos/"]), make_method("levels"), request)
found.findings[0].headline
"""

from snellen.audit.auditing import Audit, audit
from snellen.audit.findings import Findings
from snellen.audit.reliability import Reliability, read_reliability

__all__ = ["Audit", "Findings", "Reliability", "audit", "read_reliability"]
