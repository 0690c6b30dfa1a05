"""A table of vectors."""

from __future__ import annotations

import numpy as np

from tinygan import functional as F
from tinygan.nn.check import check_positive
from tinygan.nn.init import normal_
from tinygan.nn.module import Module
from tinygan.tensor import Parameter, Tensor


class Embedding(Module):
    """Rows of ``weight`` (num_embeddings, embedding_dim) picked by integers (any shape *): (*, embedding_dim).

    The row ``padding_idx`` starts at zero and gets no gradient. Raises IndexError for an index out of range.
    """

    def __init__(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None):
        super().__init__()
        check_positive(self, num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ValueError(f"Embedding: expected padding_idx within {num_embeddings} rows, got {padding_idx}")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.weight = normal_(Parameter(np.empty((num_embeddings, embedding_dim), np.float32)))
        if self.padding_idx is not None:
            values = self.weight.data.copy()
            values[self.padding_idx] = 0
            self.weight.assign(values, "Embedding")

    def forward(self, input):
        rows = F.embedding(input, self.weight)
        if self.padding_idx is None:
            return rows
        index = input.data if isinstance(input, Tensor) else input
        return F.where((index == self.padding_idx)[..., None], rows.detach(), rows)

    def extra_repr(self):
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        return text if self.padding_idx is None else text + f", padding_idx={self.padding_idx}"
