"""What training batches are merged into."""

from mmpose.structures import PoseDataSample


class MergedSample(PoseDataSample):
    """A sample whose ``gt_instance_labels`` are those of a whole batch."""

    def pin_memory(self) -> 'MergedSample':
        """Pin the labels, as a data loader does with tensors: a GPU waits for none that is copied from other memory."""
        for name, values in self.gt_instance_labels.items():
            self.gt_instance_labels.set_field(values.pin_memory(), name)
        return self
