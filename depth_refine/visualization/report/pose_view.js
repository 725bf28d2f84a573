'use strict';

/** The rotatable 3D poses of the selected person, plotted as x, depth z and up, −y. */
class PoseView {
  constructor(data) {
    this.data = data;
    this.element = document.getElementById('pose-view');
    this.hidden = new Set();
    this.camera = { eye: { x: 0.95, y: -1.35, z: 0.4 }, projection: { type: 'orthographic' } };
  }

  async select(track, frame) {
    this.track = track;
    this.stages = this.data.stages.filter((stage) => stage.key in track.poses);
    await Plotly.react(this.element, this.traces(frame), this.layout(), { responsive: true, displayModeBar: false });
    this.element.dataset.frame = frame;
    // Plotly returns to its layout's camera when it draws, even during a drag.
    for (const event of ['plotly_relayouting', 'plotly_relayout']) {
      this.element.removeAllListeners(event);
      this.element.on(event, (change) => { this.camera = change['scene.camera'] ?? this.camera; });
    }
  }

  async draw(frame) {
    const traces = this.traces(frame);
    const update = Object.fromEntries(['x', 'y', 'z'].map((axis) => [axis, traces.map((trace) => trace[axis])]));
    await Plotly.update(this.element, update, { 'scene.camera': this.camera }, traces.map((_, index) => index));
    this.element.dataset.frame = frame;
  }

  async setHidden(stage, hidden) {
    this.hidden[hidden ? 'add' : 'delete'](stage);
    await Plotly.restyle(this.element, { visible: this.stages.map(({ key }) => !this.hidden.has(key)) });
  }

  traces(frame) {
    const width = { truth: 5, first: 4, refined: 9 };
    return this.stages.map(({ key, name, color }) => ({
      type: 'scatter3d', mode: 'lines', name, hoverinfo: 'skip', showlegend: false, visible: !this.hidden.has(key),
      line: { width: width[key], color: key === 'refined' ? this.sideColors(color) : color },
      ...this.lines(key, frame),
    }));
  }

  /** Bones as pairs of points with breaks between; only breaks if the person is not in the frame. */
  lines(stage, frame) {
    const lines = { x: [], y: [], z: [] };
    for (const bone of this.data.bones) {
      for (const joint of this.track.has(frame) ? bone : [null, null]) {
        const [x, y, z] = joint === null ? [null, null, null] : this.track.joint(stage, frame, joint);
        lines.x.push(x);
        lines.y.push(z);
        lines.z.push(y === null ? null : -y);
      }
      Object.values(lines).forEach((line) => line.push(null));
    }
    return lines;
  }

  /** A colour for each point of `lines`. */
  sideColors(trunk) {
    return this.data.boneSides.flatMap((side) => Array(3).fill(side === 'trunk' ? trunk : this.data.sideColors[side]));
  }

  layout() {
    const [sideways, low, high] = this.extent();
    const unit = 1.4 * Math.max(sideways, (high - low) / 2);
    const axis = (title, range) => ({
      title: { text: `${title} (mm)`, font: { size: 11 } }, range, color: themeColor('soft'), dtick: 500,
      gridcolor: themeColor('line'), zerolinecolor: themeColor('line'), showspikes: false, tickfont: { size: 10 },
    });
    return {
      margin: { l: 0, r: 0, t: 0, b: 0 }, paper_bgcolor: 'rgba(0,0,0,0)',
      scene: {
        xaxis: axis('x', [-sideways, sideways]), yaxis: axis('depth z', [-sideways, sideways]),
        zaxis: axis('up, −y', [low, high]), aspectmode: 'manual',
        aspectratio: { x: (2 * sideways) / unit, y: (2 * sideways) / unit, z: (high - low) / unit }, dragmode: 'orbit',
        camera: this.camera,
      },
    };
  }

  /** The extent of all poses of the person, mm: sideways, lowest and highest. */
  extent() {
    let [sideways, low, high] = [600, 0, 0];
    for (const { key } of this.stages) {
      const values = this.track.poses[key];
      for (let at = 0; at < values.length; at += 3) {
        sideways = Math.max(sideways, Math.abs(values[at]), Math.abs(values[at + 2]));
        low = Math.min(low, -values[at + 1]);
        high = Math.max(high, -values[at + 1]);
      }
    }
    return [sideways + 50, low - 30, high + 30];
  }
}
