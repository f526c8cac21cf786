"""One thread: threads cost models this small more than they bring, above all on busy machines."""

import torch

torch.set_num_threads(1)
