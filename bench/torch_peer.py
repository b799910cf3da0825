"""The other side of `npm run bench -- peers`: PyTorch and PyHessian on one thread. A JSON request a line, a JSON answer a line.

Needs torch, pyhessian, numpy and scipy. A problem's θ, inputs and targets are files of float32 in Thalweg's order: dense kernels
[in, out], convolutions [height, width, in, out], images [height, width, channels].
"""

import copy
import json
import statistics
import sys
import time

import numpy as np
import pyhessian
import scipy
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import nn

torch.set_num_threads(1)
torch.set_num_interop_threads(1)


def mlp(activation):
    act = {"tanh": nn.Tanh, "relu": nn.ReLU}[activation]
    return nn.Sequential(nn.Linear(784, 200), act(), nn.Linear(200, 200), act(), nn.Linear(200, 10))


def lenet():
    return nn.Sequential(
        *[nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.MaxPool2d(2)],
        *[nn.Conv2d(6, 16, 5), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten()],
        *[nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)],
    )


MODELS = {"tanh": lambda: mlp("tanh"), "relu": lambda: mlp("relu"), "lenet": lenet}


def load(model, theta):
    """Kernels turned as torch has them; behind a convolution also from [height, width, channels] to [channels, height, width]."""
    at, channels = 0, None
    for layer in model:
        if isinstance(layer, nn.Conv2d):
            out, ins, *size = layer.weight.shape
            kernel = theta[at : at + layer.weight.numel()].reshape(*size, ins, out).permute(3, 2, 0, 1)
            channels = out
        elif isinstance(layer, nn.Linear):
            kernel = theta[at : at + layer.weight.numel()].reshape(layer.in_features, layer.out_features)
            if channels is not None:
                kernel = kernel.reshape(-1, channels, layer.out_features).transpose(0, 1).reshape(kernel.shape)
                channels = None
            kernel = kernel.T
        else:
            continue
        at += layer.weight.numel()
        layer.weight.data = kernel.contiguous()
        layer.bias.data = theta[at : at + layer.bias.numel()].clone()
        at += layer.bias.numel()


def timed(work):
    """As bench/harness.ts: the median call of some 200 ms, in ms."""
    times, began = [], time.perf_counter()
    while len(times) < 3 or time.perf_counter() - began < 0.2:
        call = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - call))
    return statistics.median(times)


class Problem:
    def __init__(self, model, theta, inputs, targets, dtype=torch.float32):
        def numbers(path):
            return torch.from_numpy(np.fromfile(path, np.float32)).to(dtype)

        self.model = MODELS[model]().to(dtype)
        load(self.model, numbers(theta))
        self.params = list(self.model.parameters())
        self.labels = numbers(targets).reshape(-1, 10).argmax(1)
        shape = (-1, 1, 28, 28) if model == "lenet" else (-1, 784)
        self.x = numbers(inputs).reshape(shape)
        self.criterion = nn.CrossEntropyLoss()
        torch.manual_seed(1)
        self.v = [torch.randn_like(p) for p in self.params]
        self.warm = self.optimizer = None

    def loss(self):
        return self.criterion(self.model(self.x), self.labels)

    def gradient(self, create_graph=False):
        return torch.autograd.grad(self.loss(), self.params, create_graph=create_graph)

    def product(self, gradient, v):
        return torch.autograd.grad(gradient, self.params, v, retain_graph=True)

    def hvp_warm(self):
        self.warm = self.warm or self.gradient(create_graph=True)
        self.product(self.warm, self.v)

    def hvp_cold(self):
        self.product(self.gradient(create_graph=True), self.v)

    def hvp_forward(self):
        """Forward over reverse, all of it anew."""
        names = [name for name, _ in self.model.named_parameters()]

        def loss(*params):
            return self.criterion(torch.func.functional_call(self.model, dict(zip(names, params)), (self.x,)), self.labels)

        gradient = torch.func.grad(loss, argnums=tuple(range(len(names))))
        torch.func.jvp(gradient, tuple(p.detach() for p in self.params), tuple(self.v))

    def step(self):
        """Of SGD, on a fresh minibatch as large as the data."""
        if self.optimizer is None:
            # A copy: the graph behind hvp_warm does not bear other weights.
            self.moving = copy.deepcopy(self.model)
            self.optimizer = torch.optim.SGD(self.moving.parameters(), lr=1e-6)
        rows = torch.randperm(len(self.x))
        self.optimizer.zero_grad()
        self.criterion(self.moving(self.x[rows]), self.labels[rows]).backward()
        self.optimizer.step()

    def top(self, count):
        """Converged: ARPACK to 1e-10."""
        gradient = self.gradient(create_graph=True)

        def apply(v):
            parts = torch.from_numpy(np.ascontiguousarray(v).reshape(-1)).split([p.numel() for p in self.params])
            shaped = [part.reshape(p.shape) for part, p in zip(parts, self.params)]
            return torch.cat([h.flatten() for h in self.product(gradient, shaped)]).numpy()

        size = sum(p.numel() for p in self.params)
        operator = LinearOperator((size, size), matvec=apply, dtype=np.float64)
        start = np.random.default_rng(1).standard_normal(size)
        values = eigsh(operator, count + 2, which="LA", v0=start, ncv=40, tol=1e-10, return_eigenvectors=False)
        return np.sort(values)[::-1][:count].tolist()

    def pyhessian(self, count, tol, seed):
        torch.manual_seed(seed)
        for p in self.params:
            p.grad = None
        module = sys.modules["pyhessian.hessian"]
        products, product = 0, module.hessian_vector_product

        def counted(*args):
            nonlocal products
            products += 1
            return product(*args)

        module.hessian_vector_product = counted
        try:
            began = time.perf_counter()
            found = pyhessian.hessian(self.model, self.criterion, data=(self.x, self.labels), cuda=False)
            values, _ = found.eigenvalues(maxIter=2000, tol=tol, top_n=count)
            ms = 1e3 * (time.perf_counter() - began)
        finally:
            module.hessian_vector_product = product
        return {"ms": ms, "values": sorted(values, reverse=True), "products": products}


def versions():
    import importlib.metadata as metadata

    return {
        **{"python": sys.version.split()[0], "torch": torch.__version__, "scipy": scipy.__version__},
        **{"pyhessian": metadata.version("pyhessian"), "threads": torch.get_num_threads()},
        "blas": "mkl" if torch.backends.mkl.is_available() else torch.__config__.show(),
    }


def main():
    print(json.dumps(versions()), flush=True)
    problem = None
    for line in sys.stdin:
        request = json.loads(line)
        what = request.pop("what")
        if what == "open":
            files, problem = request, Problem(**request)
            answer = {"loss": problem.loss().item()}
        elif what == "top":
            answer = Problem(**files, dtype=torch.float64).top(**request)
        elif what == "pyhessian":
            answer = problem.pyhessian(**request)
        else:
            answer = timed(getattr(problem, what))
        print(json.dumps(answer), flush=True)


main()
