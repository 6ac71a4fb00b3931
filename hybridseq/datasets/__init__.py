"""Data to learn on: seeded generators whose right answers are known."""

from hybridseq.datasets.appliances import POWER, make_appliance_days
from hybridseq.datasets.connected_digits import ConnectedString, make_connected_digits
from hybridseq.datasets.letters import LETTER_WORDS, make_letter_words
from hybridseq.datasets.segments import ACTIVITIES, make_activity_segments
from hybridseq.datasets.spoken_digits import DIGIT_PHONES, SpokenDigit, make_aligned_digits, make_spoken_digits
from hybridseq.datasets.ticket_booking import make_ticket_booking

__all__ = [
    "ACTIVITIES",
    "DIGIT_PHONES",
    "LETTER_WORDS",
    "POWER",
    "ConnectedString",
    "SpokenDigit",
    "make_activity_segments",
    "make_aligned_digits",
    "make_appliance_days",
    "make_connected_digits",
    "make_letter_words",
    "make_spoken_digits",
    "make_ticket_booking",
]
