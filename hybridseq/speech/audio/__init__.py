"""Audio in and out: utterances, audio files, data folders."""

from hybridseq.speech.audio.errors import AudioError
from hybridseq.speech.audio.folder import FolderReport, Problem, check_folder, read_folder, seconds
from hybridseq.speech.audio.read import audio_info, diagnose, read_audio, resample
from hybridseq.speech.audio.utterance import Utterance
from hybridseq.speech.audio.write import write_folder

__all__ = [
    "AudioError",
    "FolderReport",
    "Problem",
    "Utterance",
    "audio_info",
    "check_folder",
    "diagnose",
    "read_audio",
    "read_folder",
    "resample",
    "seconds",
    "write_folder",
]
