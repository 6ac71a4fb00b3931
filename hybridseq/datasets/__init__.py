"""Data to learn on: seeded generators whose right answers are known."""

from hybridseq.datasets.segments import ACTIVITIES, make_activity_segments
from hybridseq.datasets.ticket_booking import make_ticket_booking

__all__ = ["ACTIVITIES", "make_activity_segments", "make_ticket_booking"]
