#!/usr/bin/env python3
"""Training steps of the command line's sequence models and small models in PyTorch on the CPU, for a comparison with
`Benchmarks table` on the same machine.

Needs PyTorch, such as Debian's packages python3-torch and libopenblas0. Usage:

    sequences.py MODEL THREADS STEPS [BATCH]

MODEL is one of lstm, char-rnn, transformer-encoder, mlp, autoencoder. Prints the median and the fastest step in
milliseconds; a step of char-rnn is a batch of sequences, of which each 50 characters are one update.

Freed memory stays in the process with MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_TOP_PAD_=67108864.
That makes PyTorch faster, so compare with it. Set OMP_NUM_THREADS to THREADS.
"""
import statistics
import sys
import time

import torch
from torch import nn

WARM_UP = 5


class Lstms(nn.Module):
    """Two layers of long short-term memory and a class at every step."""

    def __init__(self, width, units, classes):
        super().__init__()
        self.lstm = nn.LSTM(width, units, 2, batch_first=True)
        self.output = nn.Linear(units, classes)

    def forward(self, sequence, state=None):
        outputs, state = self.lstm(sequence, state)
        return self.output(outputs).flatten(0, 1), state


class Block(nn.Module):
    """Self-attention, then two products at each step; each of both has a sum around it."""

    def __init__(self, width, heads, hidden):
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, bias=False, batch_first=True)
        self.products = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))

    def forward(self, sequence):
        attended = sequence + self.attention(sequence, sequence, sequence, need_weights=False)[0]
        return attended + self.products(attended)


def classifier(build, make_input, rows, classes, rate):
    """A step of a model whose every row has one of some classes."""

    def step_of(batch):
        model = build()
        optimizer = torch.optim.Adam(model.parameters(), rate)
        loss_of = nn.CrossEntropyLoss()
        features = make_input(batch)
        labels = torch.arange(batch * rows) % classes

        def step():
            optimizer.zero_grad()
            result = model(features)
            scores = result[0] if isinstance(result, tuple) else result
            loss_of(scores, labels).backward()
            optimizer.step()

        return step

    return step_of


def char_rnn(batch, characters=64, length=100, segment=50):
    """Truncated back-propagation through time: an update for each segment, with the state of the one before."""
    model = Lstms(characters, 256, characters)
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    loss_of = nn.CrossEntropyLoss()
    text = torch.randint(characters, (batch, length + 1))
    features = nn.functional.one_hot(text[:, :-1], characters).float()

    def step():
        state = None
        for begin in range(0, length, segment):
            optimizer.zero_grad()
            scores, state = model(features[:, begin:begin + segment], state)
            loss_of(scores, text[:, begin + 1:begin + segment + 1].flatten()).backward()
            optimizer.step()
            state = tuple(part.detach() for part in state)

    return step


def autoencoder(batch):
    model = nn.Sequential(
        nn.Linear(784, 250), nn.ReLU(), nn.Linear(250, 10), nn.ReLU(), nn.Linear(10, 250), nn.ReLU(),
        nn.Linear(250, 784), nn.Sigmoid())
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    loss_of = nn.MSELoss()
    features = torch.rand(batch, 784)

    def step():
        optimizer.zero_grad()
        loss_of(model(features), features).backward()
        optimizer.step()

    return step


MODELS = {
    'lstm': (64, classifier(lambda: Lstms(64, 256, 10), lambda n: torch.rand(n, 32, 64), 32, 10, 1e-3)),
    'char-rnn': (32, char_rnn),
    'transformer-encoder': (64, classifier(
        lambda: nn.Sequential(Block(64, 4, 256), Block(64, 4, 256), nn.Linear(64, 10), nn.Flatten(0, 1)),
        lambda n: torch.rand(n, 32, 64), 32, 10, 1e-3)),
    'mlp': (32, classifier(
        lambda: nn.Sequential(nn.Linear(64, 72), nn.ReLU(), nn.Linear(72, 72), nn.ReLU(), nn.Linear(72, 10)),
        lambda n: torch.rand(n, 64), 1, 10, 1e-3)),
    'autoencoder': (64, autoencoder),
}


def main(name, threads, steps, batch=None):
    torch.set_num_threads(threads)
    usual, build = MODELS[name]
    batch = batch or usual
    step = build(batch)
    millis = []
    for _ in range(WARM_UP + steps):
        begin = time.perf_counter()
        step()
        millis.append(1e3 * (time.perf_counter() - begin))
    counted = millis[WARM_UP:]
    print(f'{name}, batch {batch}, PyTorch {torch.__version__}, {threads} threads: '
          f'median {statistics.median(counted):.2f} ms, fastest {min(counted):.2f} ms')


if __name__ == '__main__':
    if len(sys.argv) not in (4, 5) or sys.argv[1] not in MODELS:
        sys.exit(__doc__)
    main(sys.argv[1], *(int(argument) for argument in sys.argv[2:]))
