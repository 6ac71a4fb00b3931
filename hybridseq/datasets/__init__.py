"""Data to learn on: seeded generators whose right answers are known."""

from hybridseq.datasets.ticket_booking import make_ticket_booking

__all__ = ["make_ticket_booking"]
