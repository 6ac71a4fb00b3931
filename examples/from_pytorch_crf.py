"""Call by call beside pytorch-crf, with the same parameters: a table of differences; exits 1 where two disagree.

pip install pytorch-crf
python from_pytorch_crf.py
"""

import sys

import torch
from torchcrf import CRF

import hybridseq as hs

SHAPES = {"short": (8, 12, 5), "one label": (4, 6, 1), "one token": (4, 1, 7), "long": (3, 400, 9)}


def drawn(batch, steps, labels):
    """A layer of pytorch-crf with parameters that are not small, and a ragged batch in float64."""
    torch.manual_seed(0)
    theirs = CRF(labels, batch_first=True).double()
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter)
    emissions = torch.randn(batch, steps, labels, dtype=torch.float64, requires_grad=True)
    lengths = torch.randint(1, steps + 1, (batch,))
    mask = torch.arange(steps) < lengths[:, None]
    return theirs, emissions, torch.randint(labels, (batch, steps)), lengths, mask


def gradients(loss, emissions, *parameters):
    """One flat vector of all gradients."""
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, [emissions, *parameters], materialize_grads=True)])


def padded(paths, steps):
    """Lists of labels as ours: a tensor padded with −100."""
    return torch.tensor([path + [-100] * (steps - len(path)) for path in paths])


def calls(shape):
    """What both say, call by call."""
    theirs, emissions, tags, lengths, mask = drawn(*shape)
    ours = hs.nn.CRF.from_torchcrf(theirs)
    chain = ours(emissions, mask=mask)
    loss = hs.objectives.log_loss(chain, tags)

    yield "crf(…, reduction='none')", theirs(emissions, tags, mask, reduction="none"), -loss
    yield "crf(…), summed", theirs(emissions, tags, mask), -loss.sum()
    yield "reduction='mean'", theirs(emissions, tags, mask, reduction="mean"), -loss.mean()
    yield "reduction='token_mean'", theirs(emissions, tags, mask, reduction="token_mean"), -loss.sum() / mask.sum()
    own = theirs.transitions, theirs.start_transitions, theirs.end_transitions
    yield (
        "gradients",
        gradients(-theirs(emissions, tags, mask), emissions, *own),
        gradients(loss.sum(), emissions, ours.transitions, ours.start, ours.end),
    )
    paths = padded(theirs.decode(emissions, mask), shape[1])
    yield "decode(emissions, mask)", paths, chain.decode()
    yield "lengths= instead of mask=", paths, ours(emissions, lengths=lengths).decode()
    back = ours.to_torchcrf()
    yield "to_torchcrf()", theirs(emissions, tags, mask), back(emissions, tags, mask)
    time_major = CRF(shape[2]).double()
    time_major.load_state_dict(theirs.state_dict())
    swapped = time_major(emissions.transpose(0, 1), tags.T, mask.T, reduction="none")
    yield "batch_first=False", swapped, -loss


def main():
    worst = 0.0
    for title, shape in SHAPES.items():
        print(f"{title}, (B, T, K) = {shape}")
        for call, one, other in calls(shape):
            one, other = one.detach().double(), other.detach().double()
            apart = float(((one - other).abs() / one.abs().clamp(min=1)).max())
            worst = max(worst, apart)
            print(f"  {call:26} {apart:8.1e}  {'' if apart < 1e-9 else 'DIFFERENT'}".rstrip())
    print(f"largest relative difference: {worst:.1e}")
    return 0 if worst < 1e-9 else 1


if __name__ == "__main__":
    sys.exit(main())
