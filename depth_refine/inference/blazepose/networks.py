"""BlazePose's networks run by LiteRT: an image in, arrays out."""

import numpy as np
import torch

from depth_refine.utils.errors import InputError

from .model_files import ModelFile

_MOST_THREADS = 4  # more do not make networks of this size faster


class Network:
    """A .tflite network with one square image as its input.

    Args:
        file: the network.
        outputs: our names and the shapes, with batch dimension, of the outputs to read; the file may have more, in any
            order.

    Attributes:
        size: side of its input, px.

    Raises:
        InputError: LiteRT cannot be imported, or the file is not such a network.
    """

    def __init__(self, file: ModelFile, outputs: dict[str, tuple[int, ...]]) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise InputError(f'BlazePose needs LiteRT: install ai-edge-litert ({error})') from error
        threads = min(torch.get_num_threads(), _MOST_THREADS)
        try:
            self._interpreter = Interpreter(model_content=file.content, num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise InputError(f'{file.name}: expected a .tflite network, got {str(error).splitlines()[0]}') from error
        inputs, found = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        # outputs are found by shape: their names and order differ between files
        indices = {
            tuple(tensor['shape'].tolist()): tensor['index'] for tensor in found if tensor['dtype'] is np.float32
        }
        shape = inputs[0]['shape'].tolist()
        is_image = len(inputs) == 1 and len(shape) == 4 and shape == [1, shape[1], shape[1], 3]
        is_image &= inputs[0]['dtype'] is np.float32
        if not is_image or not set(outputs.values()) <= set(indices):
            raise InputError(
                f'{file.name}: expected one square image to outputs of {list(outputs.values())}, float32, as '
                f'BlazePose has, got {shape} {inputs[0]["dtype"].__name__} to {list(indices)}'
            )
        self.size = shape[1]
        self._input = inputs[0]['index']
        self._outputs = {name: indices[output] for name, output in outputs.items()}

    def __call__(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """The outputs, without batch dimension, for an image (size, size, 3) float32 RGB in the network's range."""
        self._interpreter.set_tensor(self._input, image[None])
        self._interpreter.invoke()
        return {name: self._interpreter.get_tensor(index)[0] for name, index in self._outputs.items()}
