"""Data to learn on: seeded generators whose right answers are known."""

from hybridseq.datasets.appliances import POWER, make_appliance_days
from hybridseq.datasets.captioned_shapes import (
    draw_captions,
    make_captioned_shapes,
    parse_caption,
    shape_captions,
)
from hybridseq.datasets.connected_digits import ConnectedString, make_connected_digits
from hybridseq.datasets.letters import LETTER_WORDS, make_letter_words
from hybridseq.datasets.segments import ACTIVITIES, make_activity_segments
from hybridseq.datasets.shape_oracle import ShapeOracle, caption_accuracy, picture_spread, read_shapes
from hybridseq.datasets.spoken_digits import DIGIT_PHONES, SpokenDigit, make_aligned_digits, make_spoken_digits
from hybridseq.datasets.tagged_documents import TaggedDocuments, make_tagged_documents
from hybridseq.datasets.ticket_booking import make_ticket_booking

__all__ = [
    "ACTIVITIES",
    "DIGIT_PHONES",
    "LETTER_WORDS",
    "POWER",
    "ConnectedString",
    "ShapeOracle",
    "SpokenDigit",
    "TaggedDocuments",
    "caption_accuracy",
    "draw_captions",
    "make_activity_segments",
    "make_aligned_digits",
    "make_appliance_days",
    "make_captioned_shapes",
    "make_connected_digits",
    "make_letter_words",
    "make_spoken_digits",
    "make_tagged_documents",
    "make_ticket_booking",
    "parse_caption",
    "picture_spread",
    "read_shapes",
    "shape_captions",
]
