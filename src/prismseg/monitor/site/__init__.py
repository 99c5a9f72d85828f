"""What a site's own records say of how far warming goes along with the cold test and with pain."""

from prismseg.monitor.site.agreement import Agreement, Reference, agreements
from prismseg.monitor.site.records import Observation, collect_observations

__all__ = ["Agreement", "Observation", "Reference", "agreements", "collect_observations"]
