"""
A small red circle above a blue square
======================================

Which picture y goes best with a caption x? As argmax of a score F(x, y) the question is out of reach: there are too
many pictures. A conditional GAN learns a generator to answer it, and learns F against its answers. Pictures are drawn
on the spot, so that an oracle can read the answers: is there what was asked for, also where colour and shape were never
seen together, and are the answers as varied as the captions allow?
"""

# %%
# Captions and pictures
# ---------------------
# Places are free, and sizes within their word. No red squares, blue triangles and white circles in training.
import matplotlib.pyplot as plt
import numpy as np
import torch

import hybridseq as hs
from hybridseq.datasets.captioned_shapes import draw_captions, make_captioned_shapes, parse_caption, shape_captions
from hybridseq.datasets.shape_oracle import ShapeOracle, picture_spread

torch.set_num_threads(1)  # the batches are small: more threads would only wait for each other

captions, images = make_captioned_shapes(20_000, random_state=0)
oracle = ShapeOracle()
print(captions[:3])
print(f"the oracle reads real pictures right: {oracle.agrees(captions[:500], images[:500]).mean():.1%}")

# %%
# Generator against critic, for half a minute
# -------------------------------------------
# Too short for shapes, which are the finest detail; colours, order, sizes and places are there soon. The benchmark
# trains for minutes. Beside it the same generator, trained to the least squared error.
options = {"generator": "layered", "averaging": 0.98, "random_state": 0, "verbose": 0}
gan = hs.ConditionalGAN(max_epochs=1, gradient_penalty=1.0, **options).fit(captions, images)
mean = hs.ConditionalGAN(training="regression", max_epochs=1, **options).fit(captions[:6_000], images[:6_000])


def parts_right(asked, pictures):
    """The share of pictures whose relation, colours and shapes are read as asked, each by itself."""
    found = {"relation": [], "colours": [], "shapes": [], "all": []}
    for caption, reading in zip(asked, oracle.read(pictures)):
        scene, seen = parse_caption(caption), reading.scene
        found["relation"].append(scene.relation == seen.relation)
        for name, part in (("colours", "colour"), ("shapes", "shape")):
            found[name].append([getattr(t, part) for t in scene.things] == [getattr(t, part) for t in seen.things])
        found["all"].append(scene.covers(seen))
    return {name: np.mean(right) for name, right in found.items()}


random = np.random.default_rng(1)
for part in ("seen", "held_out"):
    asked = random.choice(shape_captions(part), 150).tolist()
    for name, model in {"GAN": gan, "regression": mean}.items():
        right = parts_right(asked, model.sample(asked, random_state=0)[:, 0])
        print(f"{part:9} {name:11}", {name: f"{share:.0%}" for name, share in right.items()})
    drawn, true = gan.sample(asked[:50], 10, random_state=0), draw_captions(asked[:50], 10, random_state=2)
    share = picture_spread(drawn).mean() / picture_spread(true).mean()
    print(f"{part:9} spread of the GAN's pictures: {share:.0%} of true")

# %%
# The critic's view
# -----------------
# F is higher where caption and picture belong together.
turned = captions[1:500] + captions[:1]
right, wrong = gan.score_samples(captions[:500], images[:500]), gan.score_samples(turned, images[:500])
print(f"F(x, y) above F(another caption, y): {np.mean(right > wrong):.1%} of real pictures")

# %%
# Pictures
# --------
asked = ["a small red circle above a large blue square", "a large yellow triangle left of a small green square"]
asked += ["a white square", "a large red square above a small white circle"]
fig, axes = plt.subplots(len(asked), 9, figsize=(11, 6))
fig.subplots_adjust(0.01, 0.05, 0.99, 0.95, wspace=0.05, hspace=0.25)
true, drawn = draw_captions(asked, 3, random_state=0), gan.sample(asked, 5, random_state=0)
for row, caption in enumerate(asked):
    for column, image in enumerate([*true[row], *drawn[row], mean.predict([caption])[0]]):
        axes[row, column].imshow(image)
        axes[row, column].set(xticks=[], yticks=[])
    never = " (never seen together)" if caption in shape_captions("held_out") else ""
    axes[row, 0].set_title(caption + never, loc="left", fontsize=9)
for column, title in {1: "true", 5: "GAN", 8: "regression"}.items():
    axes[-1, column].set_xlabel(title)
plt.show()
