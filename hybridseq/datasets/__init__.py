"""Data to learn on: seeded generators whose right answers are known."""

from hybridseq.datasets.appliances import POWER, make_appliance_days
from hybridseq.datasets.letters import LETTER_WORDS, make_letter_words
from hybridseq.datasets.segments import ACTIVITIES, make_activity_segments
from hybridseq.datasets.ticket_booking import make_ticket_booking

__all__ = [
    "ACTIVITIES",
    "LETTER_WORDS",
    "POWER",
    "make_activity_segments",
    "make_appliance_days",
    "make_letter_words",
    "make_ticket_booking",
]
