"""Audio in and out: utterances, audio files, data folders."""

from hybridseq.speech.audio.errors import AudioError
from hybridseq.speech.audio.read import audio_info, diagnose, read_audio, resample
from hybridseq.speech.audio.utterance import Utterance

__all__ = ["AudioError", "Utterance", "audio_info", "diagnose", "read_audio", "resample"]
