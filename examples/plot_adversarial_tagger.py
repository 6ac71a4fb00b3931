"""
A tagger whose inference is a generator
=======================================

F(x, y) is a chain plus a convolution over windows of five labels: the best y is out of Viterbi's reach. A generator is
trained to answer with it, in one pass; its answer can then be raised, and what each step buys is a number.
"""

# %%
# Two players
# -----------
# F starts from the chain of a tagger, trained by log loss. Then the players: F learns against the generator's answers,
# the generator learns to find what F likes best. Beside them the same generator, trained by cross-entropy alone.
import matplotlib.pyplot as plt
import numpy as np
import torch

import hybridseq as hs

torch.set_num_threads(1)  # the batches are small: more threads would only wait for each other

X, y = hs.datasets.make_ticket_booking(650, random_state=0)
train, test = (X[:400], y[:400]), (X[400:], y[400:])
options = {"hidden_size": 48, "word_size": 32, "char_encoder": None, "word_dropout": 0.0, "dropout": 0.1}
options |= {"batch_size": 8, "random_state": 0, "verbose": 0}
chain = hs.SequenceTagger(max_epochs=20, learning_rate=1e-2, **options).fit(*train)
tagger = hs.AdversarialTagger(term="cnn", **options).fit(*train, chain=chain)
alone = hs.AdversarialTagger(objective="cross_entropy", **options).fit(*train, chain=chain)

# %%
# Up the ladder
# -------------
# One pass is the generator's answer. Refined: gradient ascent, single changes and narrow beams from there, keeping the
# best labels, so that F never falls.
scores = {"gold": tagger.score_samples(*test)}
for way in ("one_pass", "refined"):
    answers = tagger.set_params(inference=way).predict(test[0])
    scores[way] = tagger.score_samples(test[0], answers)
    print(f"{way:9} F {scores[way].mean():7.2f}   F1 {hs.metrics.span_f1(test[1], answers):.3f}")
    if way == "one_pass":
        right = np.array([found == gold for found, gold in zip(answers, test[1])])
print(f"gold      F {scores['gold'].mean():7.2f}")
print(f"chain by Viterbi: F1 {chain.score(*test):.3f}; the generator by cross-entropy alone: {alone.score(*test):.3f}")

# %%
# Whose fault is an error?
# ------------------------
# Where gold scores higher than the answer, the search missed it; where the answer scores as high, F itself is wrong and
# no search would help. So a better search raises F for certain, and F1 only where the fault was the search's.
missed = ~right & (scores["gold"] > scores["one_pass"])
parts = {"right": right.mean(), "search faults": missed.mean(), "model faults": (~right & ~missed).mean()}
print({name: f"{share:.0%}" for name, share in parts.items()})

# %%
fig, (left, middle, last) = plt.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
epochs = [row["epoch"] for row in tagger.history_]
left.plot(epochs, [row["score"] for row in tagger.history_], "o-", label="two players")
left.plot(epochs, [row["score"] for row in alone.history_], "s--", color="grey", label="cross-entropy alone")
left.axhline(chain.best_score_, color="black", linewidth=1, label="the chain, by Viterbi")
left.set(xlabel="epoch", title="held-out F1 of one pass")
left.legend()
gains = scores["refined"] - scores["one_pass"]
middle.hist(np.clip(gains, 0, 12), bins=24)
middle.set(xlabel="what refinement adds to F", ylabel="sentences", title="the generator's search error", yscale="log")
last.bar(list(parts), list(parts.values()))
last.set(ylabel="share of sentences", title="whose fault, one pass")
plt.show()
