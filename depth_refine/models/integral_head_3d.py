"""Head of the first stage: image features to one 3D heatmap for each joint, and to its centroid."""

from collections.abc import Sequence

import torch
from mmengine.structures import PixelData
from mmpose.models.heads import BaseHead, HeatmapHead
from mmpose.registry import KEYPOINT_CODECS, MODELS
from mmpose.utils.tensor_utils import to_numpy
from torch import Tensor

from depth_refine.functional.soft_argmax import bin_mean, bin_variance, heatmap_marginals, soft_argmax_3d
from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number


@MODELS.register_module()
class IntegralHead3D(BaseHead):
    """3D integral regression (section II, "First stage"; Sun et al., ECCV 2018).

    Shape key: B batch, K joints, D x H x W heatmap.

    Three deconvolutions and a 1x1 convolution (MMPose's :class:`HeatmapHead`) give K * D heatmap channels; the softmax
    over each joint's D x H x W heatmap gives its centroid, trained with an L1 loss on the coordinates.

    Args:
        in_channels: channels of the backbone's last feature map.
        num_joints: K.
        depth_bins: the paper's d, the heatmap's D.
        deconv_out_channels: channels of each deconvolution.
        deconv_kernel_sizes: kernel of each deconvolution.
        loss: loss on (B, K, 3) coordinates with weights of the same shape, so that samples without depth train x and y;
            by default L1.
        decoder: codec for :meth:`predict`, usually :class:`IntegralPose3D`.
        init_cfg: initialisation, see :class:`mmengine.model.BaseModule`.

    Example:
        >>> import torch
        >>> from depth_refine.models import IntegralHead3D
        >>> head = IntegralHead3D(in_channels=32, num_joints=13, depth_bins=24, deconv_out_channels=(16, 16, 16))
        >>> features = torch.zeros(2, 32, 4, 4)  # of two crops, as the backbone's last map
        >>> coordinates = head((features,))  # x, y, z in [0, 1]
        >>> coordinates.shape
        torch.Size([2, 13, 3])
    """

    def __init__(
        self,
        in_channels: int,
        num_joints: int = 17,
        depth_bins: int = 72,
        deconv_out_channels: Sequence[int] = (256, 256, 256),
        deconv_kernel_sizes: Sequence[int] = (4, 4, 4),
        loss: dict | None = None,
        decoder: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        require_number('in_channels of IntegralHead3D', in_channels, 1, 1 << 16, whole=True)
        require_number('num_joints of IntegralHead3D', num_joints, 1, 1000, whole=True)
        require_number('depth_bins of IntegralHead3D', depth_bins, 1, 1000, whole=True)
        self.num_joints = num_joints
        self.depth_bins = depth_bins
        self.heatmap_head = HeatmapHead(
            in_channels=in_channels,
            out_channels=num_joints * depth_bins,
            deconv_out_channels=deconv_out_channels,
            deconv_kernel_sizes=deconv_kernel_sizes,
        )
        self.loss_module = MODELS.build(loss or dict(type='L1Loss', use_target_weight=True))
        self.decoder = KEYPOINT_CODECS.build(decoder) if decoder is not None else None

    def _logits(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Features to heatmap logits (B, K, D, H, W)."""
        return self.heatmap_head(feats).unflatten(1, (self.num_joints, self.depth_bins))

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Features to coordinates.

        Args:
            feats: the backbone's feature maps; the last one (B, in_channels, h, w) is used.

        Returns:
            (B, K, 3) in [0, 1] of the crop's width, its height and the depth range, order x, y, z.
        """
        return soft_argmax_3d(self._logits(feats))

    def loss(self, feats: tuple[Tensor, ...], batch_data_samples: list, train_cfg: dict | None = None) -> dict:
        """Loss of the coordinates against ``keypoint_labels`` (B, K, 3); labels outside [0, 1] do not count.

        Joints are weighted by ``keypoint_weights`` (B, K).

        Raises:
            InputError: the labels are not of K joints.
        """
        labels = torch.cat([sample.gt_instance_labels.keypoint_labels for sample in batch_data_samples])
        weights = torch.cat([sample.gt_instance_labels.keypoint_weights for sample in batch_data_samples])
        self._check_joints('labels', labels.shape[1])
        weights = weights[..., None] * ((labels >= 0) & (labels <= 1))
        return dict(loss_kpt=self.loss_module(self(feats), labels, weights))

    def _check_joints(self, what: str, count: int) -> None:
        if count != self.num_joints:
            raise InputError(
                f"IntegralHead3D has num_joints={self.num_joints}, and the data set's {what} are of {count} joints: "
                'give the head as many as the skeleton of the data has'
            )

    def predict(self, feats, batch_data_samples: list, test_cfg: dict | None = None):
        """Decoded keypoints of every sample.

        Args:
            feats: as in :meth:`forward`, or with ``flip_test`` a list of that and the mirrored crop's.
            batch_data_samples: the samples; ``flip_indices`` of their metainfo is used with ``flip_test``. Where the
                ``keypoints`` of their ``gt_instances`` have two columns, as in MMPose's 2D data sets, the predicted
                ones have u and v alone, as MMPose's metrics compare them.
            test_cfg: ``flip_test`` averages with the mirrored crop's heatmaps; ``output_heatmaps`` returns heatmaps.

        Returns:
            A list of ``InstanceData`` with ``keypoints`` (1, K, 3), (u px, v px in the crop, depth m relative to the
            root), ``keypoint_scores`` (1, K) in [0, 1], one minus the ratio of the heatmap's standard deviation in the
            image to that of a uniform one, and ``depth_std`` (1, K), the heatmap's standard deviation in depth, m.
            Their metainfo says whether ``flip_test`` was on. With ``output_heatmaps`` also a list of ``PixelData`` with
            ``heatmaps`` (K, H, W), the heatmaps summed over depth.

        Raises:
            InputError: ``flip_indices`` are not of K joints.
        """
        test_cfg = test_cfg or {}
        flip_test = bool(test_cfg.get('flip_test', False))
        if flip_test:
            feats, feats_flip = feats
            flip_indices = batch_data_samples[0].metainfo['flip_indices']
            self._check_joints('flip_indices', len(flip_indices))
            xy, z = heatmap_marginals(self._logits(feats))
            xy_flip, z_flip = heatmap_marginals(self._logits(feats_flip))
            xy = (xy + xy_flip.flip(-1)[:, flip_indices]) / 2
            z = (z + z_flip[:, flip_indices]) / 2
        else:
            xy, z = heatmap_marginals(self._logits(feats))

        marginals = xy.sum(dim=2), xy.sum(dim=3), z
        coords = torch.stack([bin_mean(p) for p in marginals], dim=-1)
        var_x, var_y, var_z = (bin_variance(p) for p in marginals)
        # a uniform distribution on [0, 1] has the variance 1 / 12
        scores = (1 - ((var_x + var_y) * 6).sqrt()).clamp(0, 1)
        instances = self.decode((coords.cpu(), scores.cpu()))  # on the device, decode would wait once a sample
        depth_std = to_numpy(var_z.sqrt() * self.decoder.depth_range)
        for instance, std, sample in zip(instances, depth_std, batch_data_samples, strict=True):
            instance.depth_std = std[None]
            truth = sample.get('gt_instances', {}).get('keypoints')
            if truth is not None and truth.shape[-1] == 2:
                instance.keypoints = instance.keypoints[..., :2]
            instance.set_metainfo(dict(flip_test=flip_test))
        if test_cfg.get('output_heatmaps', False):
            return instances, [PixelData(heatmaps=heatmaps) for heatmaps in xy]
        return instances
