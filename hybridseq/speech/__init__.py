"""Hybrid speech recognition: audio, features, lexicon, language model, topologies, training, decoding, scoring."""

import importlib

#: Public names by the module that holds them; they are loaded when first used.
_GROUPS = {
    "lexicon": "Lexicon OutOfLexiconError Pronunciation",
    "ngram": "NGramAutomaton NGramModel estimate read_arpa states write_arpa",
    "scoring": "Comparison WordErrors score_words",
    "alignment": (
        "Alignment BoundaryErrors Segment boundary_errors plot_alignment read_ctm read_textgrid sharpen "
        "write_ctm write_textgrid"
    ),
    "audio": (
        "AudioError FolderReport Problem Utterance audio_info check_folder diagnose read_audio read_folder "
        "resample seconds write_folder"
    ),
    "features": (
        "DeltaStream Fbank FeatureError FeaturePipeline FeatureProblem FeatureStream MFCC Moments OnlineCMVN "
        "Perturbation PipelineStream SpeakerCMVN SpecAugment add_noise change_speed change_volume deltas "
        "make_noise mix splice utterance_cmvn"
    ),
    "start": "GMM Alignments TrainingReport align_all fit_gmm train_gmm uniform_alignment",
    "decoding": "AlignmentError Decoder DecoderStream Hypothesis Lattice align to_kaldifst",
    "acoustic": ("Augmentation HybridModel Schedule estimate_prior make_network make_views train_cross_entropy"),
    "sequence": (
        "CTCSymbols Denominator SequenceObjective SequenceReport phone_denominator phone_sequences train_sequence "
        "unit_costs word_denominator"
    ),
    "recognizer": "Recognizer RecognizerStream Scales",
    "recipe": "Recipe fit_recognizer",
    "graph": (
        "Compiled ENTRY EXIT FrameSpan Packed SearchGraph Topology Units arcs_along chain ctc_decoding_graph ctc_graph "
        "decoding_graph denominator_graph left_to_right min_frames pack path_graph phone_graph segments "
        "three_state to_arcs to_dot transcript_graph whole_word with_grammar word_loop"
    ),
}
_NAMES = {name: module for module, names in _GROUPS.items() for name in names.split()}

__all__ = list(_NAMES)


def __getattr__(name):
    if name not in _NAMES:
        raise AttributeError(f"module 'hybridseq.speech' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"hybridseq.speech.{_NAMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
