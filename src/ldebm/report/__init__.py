"""One offline page that shows what a model found in its texts, and how far to trust it."""

from ldebm.report.contents import gather
from ldebm.report.page import write_report

__all__ = ["gather", "write_report"]
