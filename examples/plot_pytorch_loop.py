"""
A plain PyTorch loop around the CRF layer
=========================================

For those who have a network and a loop of their own, perhaps with pytorch-crf in it: ``hs.nn.CRF`` takes emissions and
gives a distribution. A loss, the best tags, marginals, the k best, the entropy: all are asked of that one object.

Words are cut into pieces here, as a pretrained model's tokenizer does it, and only the first piece of a word has a tag.
The mask leaves the others out, as if the sequence were shorter.
"""

# %%
# Pieces, and a mask with gaps
# ----------------------------
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

import hybridseq as hs

torch.manual_seed(0)
torch.set_num_threads(1)  # the batches are small: more threads would only wait for each other

X, y = hs.datasets.make_ticket_booking(1500, random_state=0)
X_test, y_test = hs.datasets.make_ticket_booking(300, random_state=1)


def cut(word, size=5):
    """The pieces of a word; all but the first begin with ##."""
    word = word.lower()
    return [word[:size], *("##" + word[i : i + size] for i in range(size, len(word), size))]


labels = sorted({tag for tags in y for tag in tags})
pieces = {piece: i for i, piece in enumerate(sorted({p for s in X for w in s for p in cut(w)}), 2)}  # 0 pads, 1 unknown


def encode(X, y):
    """Ids of pieces (B, T), tags (B, T) with −100 where there is none."""
    rows = []
    for words, sentence_tags in zip(X, y):
        pairs = zip(words, sentence_tags)
        rows.append([(piece, None if i else tag) for word, tag in pairs for i, piece in enumerate(cut(word))])
    ids, tags = torch.zeros(2, len(rows), max(map(len, rows)), dtype=torch.int64)
    tags.fill_(-100)
    for b, row in enumerate(rows):
        for t, (piece, tag) in enumerate(row):
            ids[b, t] = pieces.get(piece, 1)
            if tag in labels:
                tags[b, t] = labels.index(tag)
    return ids, tags


print([piece for word in X[0] for piece in cut(word)])


# %%
# Network and loop
# ----------------
class Network(nn.Module):
    """Emissions from a BiLSTM, a distribution from the CRF."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(len(pieces) + 2, 64, padding_idx=0)
        self.lstm = nn.LSTM(64, 64, batch_first=True, bidirectional=True)
        self.emissions = nn.Linear(128, len(labels))
        self.crf = hs.nn.CRF(len(labels))

    def forward(self, ids, mask):
        states, _ = self.lstm(nn.functional.dropout(self.embed(ids), 0.3, self.training))
        return self.crf(self.emissions(states), mask=mask)


network = Network()
optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
losses = []
for epoch in range(6):
    for batch in torch.randperm(len(X)).split(16):
        ids, tags = encode([X[i] for i in batch], [y[i] for i in batch])
        chain = network(ids, mask=tags >= 0)
        loss = hs.objectives.log_loss(chain, tags).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        losses.append(loss.item())
    print(f"epoch {epoch + 1}: loss {np.mean(losses[-94:]):.3f} nats a sentence")

# %%
# What the distribution knows
# ---------------------------
# Results stand at the places of the pieces; a gap holds −100, or 0 in the marginals.
ids, tags = encode(X_test, y_test)
with torch.inference_mode():
    chain = network.eval()(ids, mask=tags >= 0)
    decoded, entropy = chain.decode(), chain.entropy()
    paths, scores = chain.k_best(3)
    log_partition = chain.log_partition()
predicted = [[labels[k] for k in row if k >= 0] for row in decoded.tolist()]
print(f"span F1 on unseen sentences: {hs.metrics.span_f1(y_test, predicted):.3f}")

unsure = int(entropy.argmax())
print(f"\nthe least sure, {entropy[unsure]:.2f} nats: {' '.join(X_test[unsure])}")
for path, score in zip(paths[unsure], scores[unsure]):
    spans = [f"{w}/{labels[k]}" for w, k in zip(X_test[unsure], path[path >= 0]) if labels[k] != "O"]
    print(f"  {(score - log_partition[unsure]).exp():.2f}  {' '.join(spans)}")

# %%
# Coming from pytorch-crf
# -----------------------
# Parameters move both ways, and loss and decoding are the same.
try:
    import torchcrf
except ImportError:
    print("pytorch-crf is not installed; nothing to compare")
else:
    old = torchcrf.CRF(len(labels), batch_first=True)
    new = hs.nn.CRF.from_torchcrf(old)
    emissions, gold = torch.randn(4, 9, len(labels)), torch.randint(len(labels), (4, 9))
    theirs = -old(emissions, gold, reduction="none")
    ours = hs.objectives.log_loss(new(emissions), gold)
    print(f"largest difference of the losses: {(theirs - ours).abs().max():.1e}")
    everywhere = torch.ones(4, 9, dtype=torch.bool)
    print("same tags:", old.decode(emissions, everywhere) == new(emissions).decode().tolist())

# %%
# High entropy says where the errors are, before anybody has looked.
example = ["departing", "from", "Copenhagen", "on", "November", "2nd"]
ids, tags = encode([example], [["O"] * len(example)])
with torch.inference_mode():
    marginals = network(ids, mask=tags >= 0).marginals()[0]
names = [piece for word in example for piece in cut(word)]
shown = [k for k in range(len(labels)) if marginals[:, k].max() > 0.02]

fig, (left, right) = plt.subplots(1, 2, figsize=(12, 4.2), layout="constrained", width_ratios=(1.3, 1))
image = left.imshow(marginals[:, shown].T, aspect="auto", vmin=0, vmax=1)
left.set_xticks(range(len(names)), names, rotation=45, ha="right")
left.set_yticks(range(len(shown)), [labels[k] for k in shown])
left.set(xlabel="piece (## has no tag: a gap)", title="Marginals, with gaps")
fig.colorbar(image, ax=left, label="probability of the tag")

wrong = np.array([p != t for p, t in zip(predicted, y_test)])
bins = np.linspace(0, float(entropy.max()), 16)
right.hist([entropy[~wrong].numpy(), entropy[wrong].numpy()], bins, label=["all tags right", "some tag wrong"])
right.set(xlabel="entropy of the sentence's tags (nats)", ylabel="sentences", yscale="log")
right.set_title("Unsure where it is wrong")
right.legend()
plt.show()
