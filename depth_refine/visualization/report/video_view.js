'use strict';

/** The video, and everyone's 2D joints over it. */
class VideoView {
  constructor(data, tracks) {
    Object.assign(this, { data, tracks, enabled: true });
    this.video = document.getElementById('video');
    this.canvas = document.getElementById('joints');
    const content = bytes(document.getElementById('video-data').textContent);
    this.video.src = URL.createObjectURL(new Blob([content], { type: 'video/mp4' }));
    new ResizeObserver(() => this.draw(this.frame ?? 0, this.selected)).observe(this.canvas);
  }

  draw(frame, selected) {
    Object.assign(this, { frame, selected });
    const { width, height } = this.canvas.getBoundingClientRect();
    const density = devicePixelRatio;
    this.canvas.width = width * density;
    this.canvas.height = height * density;
    if (!this.enabled) return;
    const context = this.canvas.getContext('2d');
    const [fullWidth, fullHeight] = this.data.size;
    // Whole numbers are the centres of pixels.
    context.setTransform((width * density) / fullWidth, 0, 0, (height * density) / fullHeight, 0, 0);
    context.translate(0.5, 0.5);
    const pixel = fullWidth / width;
    for (const track of this.tracks.filter((track) => track.has(frame))) {
      context.globalAlpha = track === selected ? 1 : 0.45;
      this.drawPerson(context, track, frame, pixel);
    }
  }

  drawPerson(context, track, frame, pixel) {
    const guessed = track.isInterpolated(frame);
    context.lineCap = 'round';
    context.setLineDash(guessed ? [4 * pixel, 5 * pixel] : []);
    this.data.bones.forEach((bone, index) => {
      const side = this.data.boneSides[index];
      context.beginPath();
      context.moveTo(...track.keypoint(frame, bone[0]));
      context.lineTo(...track.keypoint(frame, bone[1]));
      const color = side === 'trunk' ? track.color : this.data.sideColors[side];
      const strokes = guessed ? [[2, color]] : [[5.5, '#fff'], [3, color]];
      for (const [thickness, style] of strokes) {
        context.lineWidth = thickness * pixel;
        context.strokeStyle = style;
        context.stroke();
      }
    });
    context.fillStyle = track.color;
    if (this.tracks.length > 1) this.drawName(context, track, frame, pixel);
    for (let joint = 0; joint < this.data.joints.length; joint++) {
      context.beginPath();
      context.arc(...track.keypoint(frame, joint), 2.5 * pixel, 0, 2 * Math.PI);
      context.fill();
    }
  }

  drawName(context, track, frame, pixel) {
    const points = this.data.joints.map((_, joint) => track.keypoint(frame, joint));
    const x = points.reduce((sum, point) => sum + point[0], 0) / points.length;
    const y = Math.min(...points.map((point) => point[1])); // above the whole person
    context.font = `600 ${13 * pixel}px system-ui, sans-serif`;
    context.textAlign = 'center';
    context.strokeStyle = '#fff';
    context.lineWidth = 3 * pixel;
    context.setLineDash([]);
    context.strokeText(track.id, x, y - 10 * pixel);
    context.fillText(track.id, x, y - 10 * pixel);
  }
}
