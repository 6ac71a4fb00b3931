"""
What the structured layer buys
==============================

A recurrent network in one direction has read half a sentence when it must decide; a softmax at each token decides every
token by itself, and may say ``I-date`` where no date has begun. A chain over the tags decides on the whole sentence:
Viterbi sees what comes later, and a constraint makes impossible what is illegal. How much is each worth?
"""

# %%
# One encoder, three output layers, two directions
# ------------------------------------------------
import matplotlib.pyplot as plt
import numpy as np
import torch

import hybridseq as hs

torch.set_num_threads(1)  # the batches are small: more threads would only wait for each other

X, y = hs.datasets.make_ticket_booking(800, random_state=0)
X_test, y_test = hs.datasets.make_ticket_booking(500, random_state=1)
ENCODERS = {"lstm": "one direction", "bilstm": "two directions"}
OUTPUTS = {
    "softmax a token": {"objective": "cross_entropy"},
    "chain": {"objective": "log_loss", "constraint": None},
    "chain, constrained": {"objective": "log_loss", "constraint": "auto"},
}
SIZES = {"hidden_size": 64, "word_size": 50, "char_size": 30}
STEPS = {"learning_rate": 1e-2, "batch_size": 8, "max_epochs": 6}

taggers, figures = {}, {}
print(f"{'encoder':16} {'output':20} {'F1':>6} {'illegal':>8}")
for encoder, direction in ENCODERS.items():
    for output, parameters in OUTPUTS.items():
        tagger = hs.SequenceTagger(encoder=encoder, **parameters, **SIZES, **STEPS, random_state=0, verbose=0).fit(X, y)
        taggers[encoder, output] = tagger
        result = hs.metrics.summary(y_test, tagger.predict(X_test))
        figures[encoder, output] = result["f1"], result["illegal_transitions"]
        print(f"{direction:16} {output:20} {result['f1']:6.3f} {result['illegal_transitions']:8}")

# %%
# Two sentences
# -------------
# Where tags do not fit together, the softmax does not notice: each token has its own best tag. The chain weighs them
# together.
softmax, chain = taggers["bilstm", "softmax a token"], taggers["bilstm", "chain, constrained"]
broken = next(i for i, tags in enumerate(softmax.predict(X_test)) if hs.metrics.illegal_transitions([tags]))
rows = softmax.predict_marginals([X_test[broken]])[0], chain.predict_marginals([X_test[broken]])[0]
tags = softmax.predict([X_test[broken]])[0], chain.predict([X_test[broken]])[0]
print(f"{'token':12} {'softmax a token':22}   {'chain, constrained':22}   right")
for t, token in enumerate(X_test[broken]):
    told = (f"{tag[t]:17} {row[t].max():.2f}" for tag, row in zip(tags, rows))
    print(f"{token:12} {'     '.join(told)}     {y_test[broken][t]}")

# %%
# "Friday" comes before the verb that says what it is the date of. In one direction, nothing at that place can know, and
# the chain helps only as far as the tags in between carry it. So it takes both: the second direction to see, the chain
# to decide.
sentence = ["on", "Friday", "I", "want", "to", "be", "in", "Lima"]
print(" ".join(sentence))
for (encoder, output), tagger in taggers.items():
    marginals = tagger.predict_marginals([sentence])[0][1]
    best = np.argsort(-marginals)[:2]
    told = ", ".join(f"{tagger.classes_[k]} {marginals[k]:.2f}" for k in best)
    print(f"  {ENCODERS[encoder]:16} {output:20} {told}")

# %%
fig, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
places = np.arange(len(ENCODERS))
for i, output in enumerate(OUTPUTS):
    for column, axis in enumerate(axes):
        values = [figures[encoder, output][column] for encoder in ENCODERS]
        bars = axis.bar(places + 0.27 * (i - 1), values, 0.25, label=output)
        axis.bar_label(bars, fmt="%.3f" if column == 0 else "%d", fontsize=8)
for axis in axes:
    axis.set_xticks(places, ENCODERS.values())
    axis.margins(y=0.12)
    axis.set_xlabel("the encoder reads in")
axes[0].set(ylabel="span F1 on unseen sentences", title="Right spans")
axes[1].set(ylabel=f"illegal tags in {len(X_test)} sentences", title="Broken tag sequences")
axes[1].legend()
plt.show()
