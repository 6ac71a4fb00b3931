"""Sphinx settings."""

import os
import sys
import warnings

sys.path.insert(0, os.path.abspath(".."))

import hybridseq

project = "hybridseq"
author = "The hybridseq developers"
copyright = "2026, the hybridseq developers"
release = version = hybridseq.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinxcontrib.bibtex",
    "sphinx_gallery.gen_gallery",
]
bibtex_bibfiles = ["refs.bib"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = True
numpydoc_class_members_toctree = False
numpydoc_show_inherited_class_members = {
    "hybridseq.SequenceTagger": False,
    "hybridseq.nn.CRF": False,
    "hybridseq.nn.CategoricalEmissions": False,
    "hybridseq.nn.GaussianEmissions": False,
    "hybridseq.nn.HMM": False,
    "hybridseq.nn.HybridHMM": False,
    "hybridseq.nn.Prior": False,
}
templates_path = []
exclude_patterns = ["_build", "gallery/*.md5"]
html_theme = "furo"
html_title = "hybridseq"
html_static_path = ["_static"]
suppress_warnings = ["config.cache"]

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": "plot_",
    "ignore_pattern": r"demo\.py|from_\w+\.py",
    "download_all_examples": False,
    "abort_on_example_error": True,
    "show_memory": False,
    "show_signature": False,
}
warnings.filterwarnings("ignore", category=DeprecationWarning)
