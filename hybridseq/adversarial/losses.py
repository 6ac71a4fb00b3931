"""What each player goes down in one step."""

import contextlib

import torch

from hybridseq.adversarial import distribution
from hybridseq.adversarial.gan_losses import GAN_LOSSES
from hybridseq.adversarial.objectives import CONTRASTS, nce_ranking, truncated
from hybridseq.inference.icm import icm

#: Choices of a place that the critic's search scores where F is not multilinear.
_CANDIDATES = 4


def critic_loss(generator, critic, x, y, recipe, rng):
    """The critic's loss, a scalar, and what else is told of the step.

    Parameters
    ----------
    generator, critic, x, y, recipe
        See ``train_two_players``.
    rng : numpy Generator
        Draws which inputs are exchanged for the mismatched pairs.
    """
    scored = critic.at(x)
    space = scored.space
    gold = scored.score(y)
    if recipe.objective == "nce_ranking":
        loss, made = _nce(generator, scored, gold, x, y, recipe)
        told = {"critic_accuracy": _share(gold[:, None] > made)}
        return loss.mean(), told
    heads = ("augmented", "plain") if generator.two_heads and not recipe.is_gan else ("plain",)
    answers = {}
    with torch.no_grad(), answering(generator, recipe):
        for head in heads:
            answers[head] = generator(x, generator.draw_noise(space.batch, like=gold), head)
    scores = {head: scored.score(answer) for head, answer in answers.items()}
    accuracy = _share(gold > scores[heads[-1]])
    if recipe.is_gan:
        loss = _gan(scored, gold, scores["plain"], y, recipe, rng)
    else:
        if recipe.search_sweeps:
            answers["plain"] = icm(
                scored, space.harden(answers["plain"]), sweeps=recipe.search_sweeps, candidates=_CANDIDATES
            )
            scores["plain"] = scored.score(answers["plain"])
        loss = _contrasts(scored, gold, answers, scores, y, recipe, rng)
    if recipe.gradient_penalty:
        loss = loss + recipe.gradient_penalty * gradient_penalty(scored, y, answers[heads[0]], recipe.penalty_at)
    return loss.mean(), {"critic_accuracy": accuracy}


@contextlib.contextmanager
def answering(generator, recipe):
    """The generator in the mode in which the critic meets it."""
    training = generator.training
    generator.train(training and recipe.dropout_in_answers)
    try:
        yield
    finally:
        generator.train(training)


def _nce(generator, scored, gold, x, y, recipe):
    space = scored.space
    with torch.no_grad(), answering(generator, recipe):
        logits = generator.logits(x, generator.draw_noise(space.batch, like=gold))
        drawn = distribution.draw(logits, space, recipe.draws)
        log_q = torch.stack([distribution.log_prob(logits, one, space) for one in drawn], 1)
        gold_log_q = distribution.log_prob(logits, y, space)
    made = torch.stack([scored.score(one) for one in drawn], 1)
    return nce_ranking(gold, made, gold_log_q, log_q), made


def _elsewhere(scored, y, rng):
    """F of gold outputs beside the inputs of other rows, and which those were; None where there is one row."""
    if scored.space.batch < 2:
        return None
    # A rotation by a random number of rows leaves none where it was.
    turn = int(rng.integers(1, scored.space.batch))
    strange = scored.rows(torch.arange(scored.space.batch).roll(turn).to(y.device))
    return strange.score(strange.space.taken_over(y, scored.space))


def _gan(scored, gold, made, y, recipe, rng):
    loss = GAN_LOSSES[recipe.objective]
    rejected = loss.made(made)
    if recipe.mismatch and (strange := _elsewhere(scored, y, rng)) is not None:
        rejected = (1 - recipe.mismatch) * rejected + recipe.mismatch * loss.made(strange)
    return loss.real(gold) + rejected


def _contrasts(scored, gold, answers, scores, y, recipe, rng):
    contrast, total = CONTRASTS[recipe.objective], 0.0
    costs = {head: recipe.cost_weight * scored.space.cost(answer, y) for head, answer in answers.items()}
    if "augmented" in scores:
        total = truncated(contrast(gold, scores["augmented"], costs["augmented"]), recipe.truncate_critic)
        plain = CONTRASTS["perceptron"](gold, scores["plain"], 0)
        total = total + recipe.plain_weight * truncated(plain, recipe.truncate_critic)
    else:
        total = truncated(contrast(gold, scores["plain"], costs["plain"]), recipe.truncate_critic)
    if recipe.mismatch and (strange := _elsewhere(scored, y, rng)) is not None:
        total = total + recipe.mismatch * truncated(CONTRASTS["contrastive"](gold, strange, 0), recipe.truncate_critic)
    return total


def gradient_penalty(scored, y, answer, at="gold"):
    """(B,): the squared norm of ∂F/∂y at gold outputs, or (norm − 1)² between these and answers."""
    gold = scored.space.relaxed(y, answer.dtype)
    if at == "between":
        share = torch.rand((len(gold),) + (1,) * (gold.dim() - 1), dtype=gold.dtype, device=gold.device)
        point = (share * gold + (1 - share) * answer).requires_grad_()
    else:
        point = gold.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(scored.raw_score(point).sum(), point, create_graph=True)
    squares = slope.square().flatten(1).sum(1)
    return squares if at == "gold" else ((squares + 1e-12).sqrt() - 1).square()


def generator_loss(generator, critic, x, y, recipe, anchor_weight, anchor):
    """The generator's loss, a scalar, and what else is told of the step: it goes up what the critic goes down."""
    scored = critic.at(x)
    space = scored.space
    z = generator.draw_noise(space.batch)
    logits = generator.logits(x, z)
    answer = generator.relax(logits, space)
    made = scored.score(answer)
    if not made.requires_grad:
        raise ValueError(
            "F gives no gradient with respect to the generator's answer: a generator learns from F of relaxed outputs, "
            "differentiably (Scored.raw_score); compute it without detach, rounding or argmax."
        )
    told, total = {}, 0.0
    if recipe.is_gan:
        total = GAN_LOSSES[recipe.objective].generator(made)
    elif recipe.objective == "nce_ranking":
        total = -made
    else:
        gold = scored.score(y).detach()
        contrast = CONTRASTS[recipe.objective]
        cost = recipe.cost_weight * space.cost(answer, y)
        if generator.two_heads:
            augmented = generator(x, z, "augmented")
            above = contrast(gold, scored.score(augmented), recipe.cost_weight * space.cost(augmented, y))
            total = -truncated(above, recipe.truncate_generator)
            plain = CONTRASTS["perceptron"](gold, made, cost)
            total = total - truncated(plain, recipe.truncate_generator)
        else:
            total = -truncated(contrast(gold, made, cost), recipe.truncate_generator)
    total = recipe.score_weight * total
    if anchor_weight:
        own = anchor(logits, y, space)
        told["anchor"] = float(own.detach().mean())
        total = total + anchor_weight * own
        if generator.two_heads:
            total = total + anchor_weight * anchor(generator.logits(x, z, "augmented"), y, space)
    if recipe.entropy_bonus:
        total = total - recipe.entropy_bonus * distribution.entropy(logits, space)
    return total.mean(), told


@torch.no_grad()
def spread(generator, x, batch):
    """Mean squared difference of two answers to the same inputs, for two draws of z."""
    like = next(generator.parameters())
    one, other = (generator(x, generator.draw_noise(batch, like=like)) for _ in range(2))
    return float((one - other).square().mean())


def _share(right):
    return float(right.float().mean())
